"""Laws of copies, groups and splits."""

from __future__ import annotations

import random
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearth.curate.assigned import Assigned
from hearth.curate.copies import Copies, canonical
from hearth.curate.groups import deal, names
from hearth.curate.keys import ContentKey
from hearth.curate.plan import HELDNESS, SPLITS, Split, UnionFind
from hearth.curate.sections import DedupSection, SplitSection
from hearth.curate.spec import CurateSpec
from hearth.errors import DataError
from tests.unit.curate.made import KEY, Made, hand_on, indexed

SPEC = CurateSpec(split=SplitSection(validation=0.03, test=0.02, largest_held_out=0.05))
PAIRS = st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=30)
SLOWLY = settings(max_examples=5)

Pairs = Sequence[tuple[int, int]]
Homes = dict[str, tuple[str, Split]]
"""The group and the split of each document."""


def document(
    number: int, work: str = "", parallel: str | None = None, language: str = "en", size: int = 100
) -> Made:
    return Made(
        f"s:{number:04}",
        work=work or f"w{number}",
        parallel=parallel,
        language=language,
        content_id=f"id{number}",
        characters=size,
    )


def library(seed: int, size: int) -> list[Made]:
    draw = random.Random(seed)  # noqa: S311 - a made-up library
    return [
        document(
            number,
            work=f"w{draw.randrange(max(4, size // 3))}",
            parallel=draw.choice([None, f"p{draw.randrange(size)}"]),
            language=draw.choice(["en", "zh"]),
            size=draw.randrange(1, 10_000),
        )
        for number in range(size)
    ]


def dealt(
    documents: Sequence[Made],
    pairs: Pairs = (),
    earlier: Assigned | None = None,
    key: ContentKey = KEY,
) -> Homes:
    """Deal splits to documents, pairs of which are near-duplicates."""
    with indexed(documents, SPEC) as index:
        place_of = {index.key(place): place for place in range(len(index))}
        sets = UnionFind(len(index))
        for one, other in pairs:
            sets.union(place_of[documents[one].doc_key], place_of[documents[other].doc_key])
        near = sets.names()
        crowded = (np.bincount(near, minlength=len(near)) > 1)[near]
        copies = Copies(np.arange(len(index), dtype=np.uint32), near, crowded)
        deal(index, copies, index.live, SPEC, key, earlier or Assigned())
        known = dict(names(index))
        return {
            name: (known[int(index.group[place])], SPLITS[index.split[place]])
            for name, place in place_of.items()
        }


@contextmanager
def remembered(documents: Sequence[Made], homes: Homes) -> Iterator[Assigned]:
    """What an earlier corpus says of these documents."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        dealt = [(one, homes[one.doc_key][1]) for one in documents]
        hand_on(folder / "splits", dealt, "key")
        yield Assigned.read(folder / "splits", "key", folder)


@given(PAIRS)
def test_sets_are_what_a_walk_over_the_pairs_reaches(pairs: list[tuple[int, int]]) -> None:
    sets = UnionFind(30)
    for one, other in pairs:
        sets.union(one, other)
    for start in range(30):
        reached, todo = {start}, [start]
        while todo:
            here = todo.pop()
            for one, other in pairs:
                for a, b in ((one, other), (other, one)):
                    if a == here and b not in reached:
                        reached.add(b)
                        todo.append(b)
        assert sets.sets()[sets.find(start)] == sorted(reached)
        assert sets.find(start) == min(reached)


@given(PAIRS, st.randoms())
def test_sets_do_not_depend_on_the_order_of_pairs(
    pairs: list[tuple[int, int]], shuffler: random.Random
) -> None:
    shuffled = list(pairs)
    shuffler.shuffle(shuffled)
    one, other = UnionFind(30), UnionFind(30)
    for pair in pairs:
        one.union(*pair)
    for pair in shuffled:
        other.union(*pair)
    assert one.sets() == other.sets()


def stays(documents: Sequence[Made], trust: tuple[str, ...] = ()) -> str:
    """The key of the one that stays, were all of them copies of each other."""
    spec = CurateSpec(dedup=DedupSection(trust=trust))
    with indexed(documents, spec) as index:
        sets = np.zeros(len(index), dtype=np.uint32)
        gone, kept = canonical(np.arange(len(index)), sets, index.preferred)
        assert len(gone) == len(documents) - 1
        return index.key(int(kept[0]))


def test_of_copies_the_most_trusted_then_the_longest_then_the_first_stays() -> None:
    copies = [Made("b:1", characters=900), Made("a:2", characters=10), Made("c:1", characters=900)]
    assert stays(copies, ("a",)) == "a:2"
    assert stays(copies) == "b:1"


def test_of_copies_that_are_as_trusted_and_as_long_the_newest_stays_and_any_day_before_none() -> (
    None
):
    days = [None, "2023-12-31", "2024-01-02", "2024-01-01"]
    copies = [Made(f"a:{n}", characters=900, date=day) for n, day in enumerate(days)]
    assert stays(copies) == "a:2"
    assert stays([copies[0], copies[1], copies[3]]) == "a:3"
    assert stays(copies[:2]) == "a:1"
    assert stays([replace(copies[0], characters=901), *copies[1:]]) == "a:0"


@given(st.integers(0, 2**32), st.integers(4, 60), PAIRS)
@SLOWLY
def test_no_split_tears_a_group(seed: int, size: int, pairs: list[tuple[int, int]]) -> None:
    documents = library(seed, size)
    copies = [(one % size, other % size) for one, other in pairs]
    try:
        homes = dealt(documents, copies)
    except DataError:
        return
    for one, other in copies:
        assert homes[documents[one].doc_key] == homes[documents[other].doc_key]
    for first in documents:
        for second in documents:
            same = first.work == second.work or (
                first.parallel is not None and first.parallel == second.parallel
            )
            assert homes[first.doc_key] == homes[second.doc_key] or not same
    assert len(dict(homes.values())) == len(set(homes.values()))
    assert {split for _, split in homes.values()} == set(Split)


@given(st.integers(0, 2**32), st.randoms())
@SLOWLY
def test_splits_do_not_depend_on_the_order_of_documents(seed: int, shuffler: random.Random) -> None:
    documents = library(seed, 60)
    shuffled = list(documents)
    shuffler.shuffle(shuffled)
    assert dealt(shuffled) == dealt(documents)


def test_every_language_with_three_groups_is_in_every_split() -> None:
    documents = [
        document(number, language=language, size=1_000)
        for language in ("en", "zh")
        for number in range(3 if language == "zh" else 3_000)
    ]
    documents = [
        replace(d, work=f"{d.language}-{d.work}", doc_key=f"{d.language}{d.doc_key}")
        for d in documents
    ]
    homes = dealt(documents)
    for language in ("en", "zh"):
        mine = {homes[d.doc_key][1] for d in documents if d.language == language}
        assert mine == set(Split)


def test_a_book_is_never_held_out_by_chance() -> None:
    documents = [document(number, size=10) for number in range(1_000)]
    documents.append(document(9_999, work="book", size=50_000))
    for seed in range(4):
        key = ContentKey(f"key {seed}".encode())
        assert dealt(documents, key=key)["s:9999"][1] is Split.TRAIN


def test_held_out_shares_are_about_what_was_asked() -> None:
    homes = dealt([document(number) for number in range(5_000)])
    splits = [split for _, split in homes.values()]
    assert 0.02 < splits.count(Split.VALIDATION) / 5_000 < 0.04
    assert 0.012 < splits.count(Split.TEST) / 5_000 < 0.028


def test_a_group_keeps_its_split_while_others_come() -> None:
    documents = [document(number) for number in range(4_000)]
    before, after = dealt(documents[:3_000]), dealt(documents)
    assert {key: after[key] for key in before} == before


def test_too_few_groups_are_an_error_that_says_what_to_do() -> None:
    documents = [document(number, work=f"w{number % 2}") for number in range(10)]
    with pytest.raises(DataError, match=r"2 groups.*mirror more works"):
        dealt(documents)


@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(0, 79), st.integers(0, 79))))
@SLOWLY
def test_what_grows_together_keeps_its_most_held_out_label(
    seed: int, links: list[tuple[int, int]]
) -> None:
    documents = library(seed, 80)
    try:
        before = dealt(documents[:50])
        with remembered(documents[:50], before) as earlier:
            after = dealt(documents, links, earlier)
    except DataError:
        return
    for made in documents[:50]:
        group = after[made.doc_key][0]
        theirs = [before[d.doc_key][1] for d in documents[:50] if after[d.doc_key][0] == group]
        assert after[made.doc_key][1] is min(theirs, key=HELDNESS.index)


@given(st.integers(0, 2**32))
@SLOWLY
def test_what_was_held_out_is_never_trained_on_later(seed: int) -> None:
    documents = library(seed, 60)
    try:
        before = dealt(documents[:40])
        with remembered(documents[:40], before) as earlier:
            after = dealt(documents, earlier=earlier)
    except DataError:
        return
    held = [key for key, (_, split) in before.items() if split is not Split.TRAIN]
    assert not any(after[key][1] is Split.TRAIN for key in held)
