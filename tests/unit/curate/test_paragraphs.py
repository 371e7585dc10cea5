"""Laws of copies below and above the paragraph, and of the clusters they form."""

from __future__ import annotations

import random
from collections import deque
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearth.curate.clusters import Clusters, diameter
from hearth.curate.cut import cut_repeats
from hearth.curate.ledger import Ledger
from hearth.curate.near import Shingler, jaccard, linked
from hearth.curate.paragraphs import hashed, measure, script, spans
from hearth.curate.plan import HELDNESS, SPLITS, UnionFind
from hearth.curate.sections import DedupSection, ParagraphSection
from hearth.curate.spec import CurateSpec, Language
from tests.unit.curate.made import Made, indexed

LIMITS = ParagraphSection(words=8, characters=12, leak_words=5, leak_characters=6)
DEDUP = DedupSection(bands=2, paragraphs=LIMITS)
SHINGLER = Shingler(DEDUP, 1)


class Document(NamedTuple):
    """Paragraphs, in a document that is preferred by its rank; of splits, 0 is most held out."""

    parts: Sequence[str]
    rank: int
    held_out: int = 2


SLOWLY = settings(max_examples=5)
POOL = [
    "The lamp in the yard is lit by the keeper at dusk.",
    "The lamp in the yard is lit",
    "床前明月光，疑是地上霜。举头望明月。",
    "处处闻啼鸟",
    "NAME",
    "Nobody knows how many stones the river has carried to the harbour since then.",
]


def cut(documents: Sequence[Document]) -> list[str]:
    """What is left of texts, in the order of documents, each in its split."""
    texts, _ = cut_and_say(documents)
    return texts


def cut_and_say(documents: Sequence[Document]) -> tuple[list[str], list[dict[str, Any]]]:
    """What is left of texts, and the members of the clusters of paragraphs."""
    made = [Made(f"d:{one.rank}", "\n\n".join(one.parts), characters=9) for one in documents]
    spec = CurateSpec(dedup=DEDUP)
    with indexed(made, spec) as index:
        place_of = {index.key(place): place for place in range(len(index))}
        for one in documents:
            index.split[place_of[f"d:{one.rank}"]] = SPLITS.index(HELDNESS[one.held_out])
        ledger, clusters = Ledger(index.folder / "decisions"), Clusters(index.folder)
        texts = cut_repeats(index, spec, ledger, clusters)
        clusters.write(index.database, index.folder / "clusters", index.folder / "removals")
        paths = index.folder.glob("clusters/*/*.parquet")
        members = [row for path in paths for row in pq.ParquetFile(path).read().to_pylist()]
        return [texts[place_of[f"d:{one.rank}"]] for one in documents], members


LIBRARY = st.lists(
    st.tuples(st.lists(st.sampled_from(POOL), min_size=1, max_size=6), st.integers(0, 2)),
    min_size=1,
    max_size=6,
)


@given(st.text(alphabet="ab \n中", max_size=60))
def test_paragraphs_and_what_separates_them_are_the_text(text: str) -> None:
    where = spans(text)
    assert all("\n\n" not in text[start:end] and text[start:end] for start, end in where)
    outside = [0, *(bound for span in where for bound in span), len(text)]
    assert not "".join(text[a:b] for a, b in zip(outside[::2], outside[1::2], strict=True)).strip(
        "\n"
    )


@given(LIBRARY)
@SLOWLY
def test_cutting_only_removes_and_whole_paragraphs_only(
    library: list[tuple[list[str], int]],
) -> None:
    library.sort(key=lambda made: made[1])
    documents = [Document(parts, rank, out) for rank, (parts, out) in enumerate(library)]
    for (parts, _), left in zip(library, cut(documents), strict=True):
        waiting = iter(parts)
        assert all(part in waiting for part in left.split("\n\n") if part)


@given(LIBRARY)
@SLOWLY
def test_what_is_cut_still_stands_somewhere(library: list[tuple[list[str], int]]) -> None:
    library.sort(key=lambda made: made[1])
    documents = [Document(parts, rank, out) for rank, (parts, out) in enumerate(library)]
    everything = {part for left in cut(documents) for part in left.split("\n\n")}
    assert everything >= {part for parts, _ in library for part in parts}


@given(LIBRARY)
@SLOWLY
def test_no_paragraph_of_a_held_out_split_is_left_in_one_less_held_out(
    library: list[tuple[list[str], int]],
) -> None:
    library.sort(key=lambda made: made[1])
    documents = [Document(parts, rank, out) for rank, (parts, out) in enumerate(library)]
    homes: dict[str, set[int]] = {}
    for made, left in zip(documents, cut(documents), strict=True):
        for part in left.split("\n\n"):
            homes.setdefault(part, set()).add(made.held_out)
    long = {part: splits for part, splits in homes.items() if part not in {"NAME", ""}}
    assert all(len(splits) == 1 for part, splits in long.items() if measure(part, script(part)) > 5)


@given(LIBRARY, st.randoms())
@SLOWLY
def test_what_is_cut_does_not_depend_on_the_order_of_documents(
    library: list[tuple[list[str], int]], shuffler: random.Random
) -> None:
    library.sort(key=lambda made: made[1])
    documents = [Document(parts, rank, out) for rank, (parts, out) in enumerate(library)]
    order = list(range(len(documents)))
    shuffler.shuffle(order)
    shuffled = cut([documents[place] for place in order])
    assert [shuffled[order.index(place)] for place in range(len(documents))] == cut(documents)


@given(LIBRARY)
@SLOWLY
def test_cutting_twice_changes_nothing_more(library: list[tuple[list[str], int]]) -> None:
    library.sort(key=lambda made: made[1])
    documents = [Document(parts, rank, out) for rank, (parts, out) in enumerate(library)]
    once = cut(documents)
    again = [
        Document(left.split("\n\n"), made.rank, made.held_out)
        for left, made in zip(once, documents, strict=True)
        if left
    ]
    assert (cut(again) if again else []) == [left for left in once if left]


def test_a_short_line_stands_wherever_it_likes() -> None:
    assert cut([Document(["NAME", "处处"], 0, 0), Document(["NAME", "处处"], 1)]) == [
        "NAME\n\n处处",
        "NAME\n\n处处",
    ]


def test_a_near_copy_goes_and_says_of_what() -> None:
    base = " ".join(f"word{number}" for number in range(80))
    texts, members = cut_and_say([Document([base], 0), Document(["mine alone", base + " more"], 1)])
    assert texts == [base, "mine alone"]
    (copy,) = (member for member in members if member["reason"] != "stays")
    assert (copy["doc_key"], copy["paragraph"], copy["reason"]) == ("d:1", 1, "near copy")
    assert (copy["canonical"], copy["canonical_paragraph"]) == ("d:0", 0)
    assert 0.9 < copy["likeness"] < 1


def test_a_paragraph_is_measured_by_its_own_script() -> None:
    assert script("GNU coreutils 的在线帮助和更多的说明") is Language.ZH
    assert script("“GNU coreutils” online help, see <https://example.org/>") is Language.EN
    assert measure("床前明月光，疑是", Language.ZH) == 7
    assert measure("one two, three", Language.EN) == 3


def test_hashes_are_of_the_unredacted_text_while_paragraphs_pair() -> None:
    one, other = "call 555 now\n\nbye", "call 666 now\n\nbye"
    redacted = "call <PHONE> now\n\nbye"
    first = hashed(one, redacted, LIMITS, b"key", SHINGLER)
    second = hashed(other, redacted, LIMITS, b"key", SHINGLER)
    assert first.digests[:16] != second.digests[:16]
    assert first.digests[16:] == second.digests[16:]
    torn = hashed("-----BEGIN\n\nEND-----", "<KEY>", LIMITS, b"key", SHINGLER)
    assert torn.digests == hashed("<KEY>", "<KEY>", LIMITS, b"key", SHINGLER).digests


SETS = st.lists(st.frozensets(st.integers(0, 12), min_size=1, max_size=8), min_size=1, max_size=12)


def connected(sets: Sequence[frozenset[int]], threshold: float) -> UnionFind:
    arrays = [np.array(sorted(made), dtype=np.uint64) for made in sets]
    joined = UnionFind(len(sets))
    deque(linked([range(len(sets))], arrays, threshold, joined), maxlen=0)
    return joined


@given(SETS)
def test_near_duplicates_are_what_pairs_above_the_threshold_connect(
    sets: list[frozenset[int]],
) -> None:
    expected = UnionFind(len(sets))
    for one, first in enumerate(sets):
        for other, second in enumerate(sets):
            if len(first & second) >= 0.5 * len(first | second):
                expected.union(one, other)
    assert connected(sets, 0.5).sets() == expected.sets()


@given(SETS)
def test_a_lower_threshold_never_parts_what_a_higher_one_joined(sets: list[frozenset[int]]) -> None:
    strict, loose = connected(sets, 0.8), connected(sets, 0.4)
    for one in range(len(sets)):
        for other in range(len(sets)):
            if strict.find(one) == strict.find(other):
                assert loose.find(one) == loose.find(other)


@given(SETS)
def test_a_diameter_is_the_largest_distance(sets: list[frozenset[int]]) -> None:
    arrays = [np.array(sorted(made), dtype=np.uint64) for made in sets]
    expected = max(1 - jaccard(one, other) for one in arrays for other in arrays)
    assert diameter(arrays) == pytest.approx(expected)
    many = arrays * 10
    assert diameter(many) <= expected + 1e-9
    assert diameter(many) >= expected / 2 - 1e-9
