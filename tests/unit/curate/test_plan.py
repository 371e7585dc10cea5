"""Laws of copies, groups and splits."""

from __future__ import annotations

import random
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearth.curate.assigned import Assigned, most_held_out
from hearth.curate.keys import ContentKey
from hearth.curate.plan import Candidate, Split, UnionFind, assign, canonical, groups
from hearth.errors import DataError

KEY = ContentKey(b"a key of a test")
SHARES = {Split.VALIDATION: 0.03, Split.TEST: 0.02}
PAIRS = st.lists(st.tuples(st.integers(0, 29), st.integers(0, 29)), max_size=30)


def candidate(
    number: int, work: str = "", parallel: str | None = None, language: str = "en", size: int = 100
) -> Candidate:
    return Candidate(
        f"s:{number:04}", f"id{number}", "s", work or f"w{number}", parallel, language, size
    )


def library(seed: int, size: int) -> list[Candidate]:
    draw = random.Random(seed)  # noqa: S311 - a made-up library
    return [
        candidate(
            number,
            work=f"w{draw.randrange(max(4, size // 3))}",
            parallel=draw.choice([None, f"p{draw.randrange(size)}"]),
            language=draw.choice(["en", "zh"]),
            size=draw.randrange(1, 10_000),
        )
        for number in range(size)
    ]


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


def test_of_copies_the_most_trusted_then_the_longest_then_the_first_stays() -> None:
    copies = [
        Candidate("b:1", "x", "b", "w", None, "en", 900),
        Candidate("a:2", "x", "a", "w", None, "en", 10),
        Candidate("c:1", "x", "c", "w", None, "en", 900),
    ]
    assert canonical(copies, [[0, 1, 2]], trust=["a"]) == {0: 1, 2: 1}
    assert canonical(copies, [[0, 1, 2]], trust=[]) == {1: 0, 2: 0}


def test_of_copies_that_are_as_trusted_and_as_long_the_newest_stays_and_any_day_before_none() -> (
    None
):
    days = [None, "2023-12-31", "2024-01-02", "2024-01-01"]
    copies = [
        Candidate(f"a:{place}", "x", "a", "w", None, "en", 900, day)
        for place, day in enumerate(days)
    ]
    assert set(canonical(copies, [[0, 1, 2, 3]], trust=[]).values()) == {2}
    assert set(canonical(copies, [[0, 1, 3]], trust=[]).values()) == {3}
    assert set(canonical(copies, [[0, 1]], trust=[]).values()) == {1}
    longer = copies[0]._replace(characters=901)
    assert set(canonical([longer, *copies[1:]], [[0, 1, 2, 3]], trust=[]).values()) == {0}


@given(st.integers(0, 2**32), st.integers(4, 60), PAIRS)
def test_no_split_tears_a_group(seed: int, size: int, pairs: list[tuple[int, int]]) -> None:
    documents = library(seed, size)
    copies = [(one % size, other % size) for one, other in pairs]
    names = groups(documents, copies, KEY)
    for one, other in copies:
        assert names[one] == names[other]
    for first, mine in zip(documents, names, strict=True):
        for second, theirs in zip(documents, names, strict=True):
            same = first.work == second.work or (
                first.parallel is not None and first.parallel == second.parallel
            )
            assert mine == theirs or not same
    try:
        splits = assign(documents, names, SHARES, 0.05, KEY)
    except DataError:
        assert len(set(names)) < 6
        return
    assert set(splits) == set(names)
    assert set(splits.values()) == set(Split)


@given(st.integers(0, 2**32), st.randoms())
def test_splits_do_not_depend_on_the_order_of_documents(seed: int, shuffler: random.Random) -> None:
    documents = library(seed, 60)
    shuffled = list(documents)
    shuffler.shuffle(shuffled)

    def dealt(these: list[Candidate]) -> dict[str, Split]:
        names = groups(these, [], KEY)
        splits = assign(these, names, SHARES, 0.05, KEY)
        return {d.doc_key: splits[n] for d, n in zip(these, names, strict=True)}

    try:
        expected = dealt(documents)
    except DataError:
        return
    assert dealt(shuffled) == expected


def test_every_language_with_three_groups_is_in_every_split() -> None:
    documents = [
        candidate(number, language=language, size=1_000)
        for language in ("en", "zh")
        for number in range(3 if language == "zh" else 3_000)
    ]
    documents = [d._replace(work=f"{d.language}-{d.work}") for d in documents]
    names = groups(documents, [], KEY)
    splits = assign(documents, names, SHARES, 0.05, KEY)
    for language in ("en", "zh"):
        mine = {splits[n] for d, n in zip(documents, names, strict=True) if d.language == language}
        assert mine == set(Split)


def test_a_book_is_never_held_out_by_chance() -> None:
    documents = [candidate(number, size=10) for number in range(1_000)]
    documents.append(candidate(9_999, work="book", size=50_000))
    for seed in range(8):
        key = ContentKey(f"key {seed}".encode())
        names = groups(documents, [], key)
        assert assign(documents, names, SHARES, 0.05, key)[names[-1]] is Split.TRAIN


def test_held_out_shares_are_about_what_was_asked() -> None:
    documents = [candidate(number) for number in range(5_000)]
    names = groups(documents, [], KEY)
    splits = list(assign(documents, names, SHARES, 0.05, KEY).values())
    assert 0.02 < splits.count(Split.VALIDATION) / 5_000 < 0.04
    assert 0.012 < splits.count(Split.TEST) / 5_000 < 0.028


def test_a_group_keeps_its_split_while_others_come() -> None:
    documents = [candidate(number) for number in range(4_000)]
    before = assign(documents[:3_000], groups(documents[:3_000], [], KEY), SHARES, 0.05, KEY)
    after = assign(documents, groups(documents, [], KEY), SHARES, 0.05, KEY)
    assert {group: after[group] for group in before} == before


def test_too_few_groups_are_an_error_that_says_what_to_do() -> None:
    documents = [candidate(number, work=f"w{number % 2}") for number in range(10)]
    with pytest.raises(DataError, match=r"2 groups.*mirror more works"):
        assign(documents, groups(documents, [], KEY), SHARES, 0.05, KEY)


def dealt(
    documents: list[Candidate], copies: list[tuple[int, int]], earlier: Assigned | None = None
) -> dict[str, Split]:
    names = groups(documents, copies, KEY)
    kept = (earlier or Assigned.none()).of(documents, names)
    splits = assign(documents, names, SHARES, 0.05, KEY, kept)
    return {d.doc_key: splits[n] for d, n in zip(documents, names, strict=True)}


def remembered(documents: list[Candidate], splits: dict[str, Split]) -> Assigned:
    found: dict[tuple[str, str], Split] = {}
    for made in documents:
        found["doc_key", made.doc_key] = splits[made.doc_key]
        found["work", made.work] = splits[made.doc_key]
    return Assigned(found)


@given(st.integers(0, 2**32), st.lists(st.tuples(st.integers(0, 79), st.integers(0, 79))))
def test_what_grows_together_keeps_its_most_held_out_label(
    seed: int, links: list[tuple[int, int]]
) -> None:
    documents = library(seed, 80)
    try:
        before = dealt(documents[:50], [])
    except DataError:
        return
    copies = [(one, other) for one, other in links if one != other]
    try:
        after = dealt(documents, copies, remembered(documents[:50], before))
    except DataError:
        return
    names = dict(zip([d.doc_key for d in documents], groups(documents, copies, KEY), strict=True))
    for made in documents[:50]:
        mine = names[made.doc_key]
        theirs = [before[d.doc_key] for d in documents[:50] if names[d.doc_key] == mine]
        assert after[made.doc_key] is most_held_out(theirs)


@given(st.integers(0, 2**32))
def test_what_was_held_out_is_never_trained_on_later(seed: int) -> None:
    documents = library(seed, 60)
    try:
        before = dealt(documents[:40], [])
        after = dealt(documents, [], remembered(documents[:40], before))
    except DataError:
        return
    assert not any(before[key] is not Split.TRAIN and after[key] is Split.TRAIN for key in before)


def test_a_corpus_says_what_it_assigned(tmp_path: Path) -> None:
    for number, split in enumerate(Split):
        rows = {name: [f"{name}{number}"] for name in ("doc_key", "content_id", "work", "text")}
        (tmp_path / f"split={split.value}").mkdir()
        pq.write_table(pa.table(rows), tmp_path / f"split={split.value}" / "part-00000.parquet")
    earlier = Assigned.read(tmp_path)
    renamed = candidate(7)._replace(content_id="content_id2")
    joined = candidate(8, work="work1")
    assert earlier.of([renamed, joined, candidate(9)], ["a", "b", "c"]) == {
        "a": Split.TEST,
        "b": Split.VALIDATION,
    }
    assert earlier.of([renamed, joined], ["a", "a"]) == {"a": Split.TEST}
    (tmp_path / "split=test" / "part-00000.parquet").write_bytes(b"no Parquet")
    with pytest.raises(DataError, match="is damaged"):
        Assigned.read(tmp_path)
    with pytest.raises(DataError, match="has no split"):
        Assigned.read(tmp_path / "nowhere")
