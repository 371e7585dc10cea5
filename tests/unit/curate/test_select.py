"""Laws of what happens between the passes, on rows made from a few sentences."""

from __future__ import annotations

import random
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearth.curate.assigned import Assigned
from hearth.curate.clusters import Member
from hearth.curate.keys import ContentKey, Domain
from hearth.curate.ledger import Action, Ledger, Step
from hearth.curate.near import Shingler
from hearth.curate.paragraphs import hashed
from hearth.curate.repeats import cut_repeats
from hearth.curate.rows import Row, live
from hearth.curate.sections import DedupSection, ParagraphSection
from hearth.curate.select import select
from hearth.curate.spec import CurateSpec, Grave
from hearth.errors import DataError
from hearth.lock import TombstoneKind

KEY = ContentKey(b"a key of a test")
SPEC = CurateSpec(
    dedup=DedupSection(
        threshold=0.6,
        trust=("b",),
        paragraphs=ParagraphSection(words=8, characters=12, leak_words=5, leak_characters=6),
    ),
    reserved=("w0",),
    tombstones=(Grave(kind=TombstoneKind.KEY, value="a:3"),),
)
SLOWLY = settings(deadline=None, max_examples=25)
STEPS = (Step.WITHDRAWN, Step.RESERVED, Step.EXACT, Step.NEAR, Step.SPLIT, Step.PARAGRAPH)
PARTS = [
    "the lamp in the yard is lit by the keeper at dusk each day",
    "nobody knows how many stones the river has carried to the harbour",
    "a letter came from the village and was answered in the morning",
    "the bridge was crossed by seven teachers with a clock and a candle",
    "床前明月光，疑是地上霜。举头望明月。",
    "short words",
]


def row(key: str, parts: list[str], work: str, parallel: str | None, language: str) -> Row:
    text = "\n\n".join(parts)
    shingler = Shingler(SPEC.dedup, KEY.seed(Domain.SHINGLE))
    # Equal signatures: every text is a candidate of every other.
    signature = np.zeros(SPEC.dedup.permutations, dtype=np.uint32).tobytes()
    known = hashed(text, text, SPEC.dedup.paragraphs, b"key", shingler)
    return Row(
        doc_key=key,
        source=key[0],
        work=work,
        parallel=parallel,
        language=language,
        licence="CC0-1.0",
        text=text,
        characters=len(text),
        entered=len(text),
        changed=False,
        content_id=KEY.content_id(text),
        shingles=shingler.shingles(text, language).tobytes(),
        signature=signature,
        paragraphs=known.digests,
        passages=np.array([(n, len(s)) for n, s in known.passages], dtype=np.int64).tobytes(),
        passage_shingles=b"".join(s.tobytes() for _, s in known.passages),
        passage_signatures=signature * len(known.passages),
        spans=(),
        step="",
        reason=None,
        score=None,
    )


def library(seed: int) -> list[Row]:
    draw = random.Random(seed)  # noqa: S311 - a made-up library
    rows = []
    for number in range(draw.randrange(12, 40)):
        language = draw.choice(["en", "zh"])
        parts = draw.choices(PARTS, k=draw.randrange(1, 5))
        if draw.random() < 0.7:
            parts.append(f"only document number {number} of them all has these words in it")
        rows.append(
            row(
                f"{draw.choice('ab')}:{number}",
                parts,
                f"w{draw.randrange(30)}",
                draw.choice([None, f"p{draw.randrange(20)}"]),
                language,
            )
        )
    return rows


def run(rows: list[Row]) -> tuple[Ledger, list[Member]]:
    ledger = Ledger()
    members = select(rows, SPEC, KEY, ledger, Assigned.none())
    return ledger, members + cut_repeats(rows, SPEC, ledger)


def results(seed: int) -> tuple[list[Row], Ledger, list[Member]] | None:
    rows = library(seed)
    try:
        return (rows, *run(rows))
    except DataError:
        return None


@SLOWLY
@given(st.integers(0, 2**32))
def test_every_document_is_kept_or_dropped_once_in_every_step_it_reaches(seed: int) -> None:
    found = results(seed)
    if found is None:
        return
    rows, ledger, _ = found
    keys = {made.doc_key for made in rows}
    for step in STEPS:
        assert sorted(d.doc_key for d in ledger[step]) == sorted(keys), step
        gone = {d.doc_key for d in ledger[step] if d.action is Action.DROPPED}
        assert all(d.reason for d in ledger[step] if d.action is Action.DROPPED)
        assert gone == {made.doc_key for made in rows if made.step == step}
        keys -= gone
    assert keys == {made.doc_key for made in live(rows)}


@SLOWLY
@given(st.integers(0, 2**32))
def test_text_only_shrinks_and_nothing_that_went_comes_back(seed: int) -> None:
    found = results(seed)
    if found is None:
        return
    before = {made.doc_key: made.text for made in library(seed)}
    rows, ledger, _ = found
    for made in rows:
        waiting = iter(before[made.doc_key].split("\n\n"))
        assert all(part in waiting for part in made.text.split("\n\n"))
    for earlier, later in pairwise(STEPS):
        assert {d.doc_key for d in ledger[later]} <= {d.doc_key for d in ledger[earlier]}
        out = {d.doc_key: d.size for d in ledger[earlier]}
        assert all(d.entered == out[d.doc_key] for d in ledger[later])


@SLOWLY
@given(st.integers(0, 2**32), st.randoms())
def test_the_order_of_documents_leaves_no_trace(seed: int, shuffler: random.Random) -> None:
    found = results(seed)
    if found is None:
        return
    rows, _, members = found
    shuffled = library(seed)
    shuffler.shuffle(shuffled)
    _, others = run(shuffled)
    fates = {r.doc_key: (r.step, r.reason, r.text, r.group, r.split, r.fold) for r in rows}
    assert {
        r.doc_key: (r.step, r.reason, r.text, r.group, r.split, r.fold) for r in shuffled
    } == fates

    def said(cluster: list[Member]) -> set[tuple[object, ...]]:
        return {(m.cluster, m.doc_key, m.paragraph, m.canonical, m.reason) for m in cluster}

    assert said(members) == said(others)


@SLOWLY
@given(st.integers(0, 2**32))
def test_no_group_work_or_translation_is_in_two_splits(seed: int) -> None:
    found = results(seed)
    if found is None:
        return
    homes: dict[tuple[str, str], set[str]] = {}
    for made in live(found[0]):
        for name in ("group", "work", "parallel", "content_id"):
            value = getattr(made, name)
            if value:
                homes.setdefault((name, value), set()).add(made.split.value)
    assert all(len(splits) == 1 for splits in homes.values())


@SLOWLY
@given(st.integers(0, 2**32))
def test_a_cluster_has_one_that_stays_unless_it_was_taken_back(seed: int) -> None:
    found = results(seed)
    if found is None:
        return
    rows, _, members = found
    clusters: dict[tuple[str, str], list[Member]] = {}
    for member in members:
        clusters.setdefault((member.level, member.cluster), []).append(member)
    steps = {made.doc_key: made.step for made in rows}
    for cluster in clusters.values():
        assert len(cluster) > 1
        stays = [member for member in cluster if member.reason == "stays"]
        assert len(stays) <= 1
        assert {m.canonical for m in cluster} == ({stays[0].doc_key} if stays else {None})
        assert all(0 <= m.diameter <= 1 for m in cluster)
        if not stays:
            assert all(steps[m.doc_key] in {Step.WITHDRAWN, Step.RESERVED} for m in cluster)


def test_of_copies_the_one_from_the_trusted_source_stays() -> None:
    rows = [row(f"a:{n}", [PARTS[n % 4] + f" {n}" * 9], f"w{n + 50}", None, "en") for n in range(9)]
    twin = ["this text stands in two places, word for word, and one of them has to go"]
    rows += [row("a:twin", twin, "w98", None, "en"), row("b:twin", twin, "w99", None, "en")]
    ledger, members = run(rows)
    decision = next(d for d in ledger[Step.EXACT] if d.doc_key == "a:twin")
    assert (decision.action, decision.canonical) == (Action.DROPPED, "b:twin")
    mine = {m.doc_key: m for m in members if m.canonical == "b:twin" and m.paragraph is None}
    assert set(mine) == {"a:twin", "b:twin"}
    assert mine["a:twin"].likeness == pytest.approx(1)
    assert mine["a:twin"].diameter == 0
