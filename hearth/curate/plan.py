"""The decisions of curation: who is a copy, who belongs together, who goes where.

A *group* is what no split may tear: near-duplicates, documents of one work, translations of each
other, and whatever these chain together. Splits are dealt to groups, never to documents.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from enum import StrEnum
from types import MappingProxyType
from typing import NamedTuple

from hearth.curate.keys import ContentKey, Domain, fraction
from hearth.errors import DataError


class Split(StrEnum):
    """The parts of a corpus."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


HELD_OUT = (Split.TEST, Split.VALIDATION)


class Candidate(NamedTuple):
    """What a decision about a document needs to know of it; never its text."""

    doc_key: str
    content_id: str
    source: str
    work: str
    parallel: str | None
    language: str
    characters: int
    date: str | None = None


class UnionFind:
    """Disjoint sets over 0 … n-1; the name of a set is its smallest member."""

    def __init__(self, size: int) -> None:
        self._parent = list(range(size))

    def find(self, item: int) -> int:
        """Return the name of the set that holds `item`."""
        parent = self._parent
        while parent[item] != item:
            parent[item] = parent[parent[item]]
            item = parent[item]
        return item

    def union(self, one: int, other: int) -> None:
        """Make the sets of two items one."""
        low, high = sorted((self.find(one), self.find(other)))
        self._parent[high] = low

    def sets(self) -> dict[int, list[int]]:
        """Return the members of every set, in order, by its name."""
        members: dict[int, list[int]] = defaultdict(list)
        for item in range(len(self._parent)):
            members[self.find(item)].append(item)
        return dict(members)


def preference(
    candidate: Candidate, trust: Mapping[str, int]
) -> tuple[int, int, tuple[int, ...], str]:
    """Return what copies are sorted by: the first stays.

    The source trusted most, then the longest text, then the newest, then the first key: a stated
    order, so that the same copy stays whatever order the documents came in.
    """
    rank = trust.get(candidate.source, len(trust))
    return rank, -candidate.characters, _newest_first(candidate.date), candidate.doc_key


def _newest_first(day: str | None) -> tuple[int, ...]:
    """Return what sorts days from the newest on, and what has none behind them."""
    return tuple(-ord(character) for character in day) if day else (0,)


def canonical(
    candidates: Sequence[Candidate], clusters: Iterable[Sequence[int]], trust: Sequence[str]
) -> dict[int, int]:
    """Choose the copy that stays, cluster by cluster.

    Returns:
        For every copy that goes, its place in `candidates` and that of the one that stays.
    """
    ranks = {source: rank for rank, source in enumerate(trust)}
    gone: dict[int, int] = {}
    for cluster in clusters:
        stays = min(cluster, key=lambda place: preference(candidates[place], ranks))
        gone |= {place: stays for place in cluster if place != stays}
    return gone


def groups(
    candidates: Sequence[Candidate], copies: Iterable[tuple[int, int]], key: ContentKey
) -> list[str]:
    """Join near-duplicates, works and translations into groups.

    Args:
        candidates: All documents that may stay.
        copies: Pairs of places that are near-duplicates of each other.
        key: Under which groups are named.

    Returns:
        The name of each candidate's group: the smallest keyed hash among its works and parallel
        ids, so that a group keeps its name while its works do.
    """
    sets = UnionFind(len(candidates))
    for one, other in copies:
        sets.union(one, other)
    first: dict[Hashable, int] = {}
    for place, candidate in enumerate(candidates):
        for token in _tokens(candidate):
            sets.union(first.setdefault(token, place), place)
    names = {
        root: min(
            key.name(domain, value)
            for domain, value in {token for place in places for token in _tokens(candidates[place])}
        )
        for root, places in sets.sets().items()
    }
    return [names[sets.find(place)] for place in range(len(candidates))]


def assign(
    candidates: Sequence[Candidate],
    group_of: Sequence[str],
    shares: Mapping[Split, float],
    largest: float,
    key: ContentKey,
    kept: Mapping[str, Split] = MappingProxyType({}),
) -> dict[str, Split]:
    """Deal the splits to groups.

    What an earlier corpus assigned is kept. Of the other groups, a keyed hash of its name places
    one between 0 and 1: below the test share it is test, below the sum of both shares validation,
    else train. So a group keeps its split while others come and go. Two corrections, in this order,
    never of what is kept:

    1. A group that holds more than `largest` of the characters of any language is train: a book
       must not become the test split because of a hash.
    2. A held-out split that lacks a language takes from train the group of that language with the
       lowest hash among those that rule 1 allows, or, where there is none, the smallest group.
       A language's last train group is never taken.

    Args:
        candidates: The documents.
        group_of: The group of each.
        shares: The shares of validation and test.
        largest: The bound of rule 1.
        key: Under which group names are hashed.
        kept: The splits that groups have already.

    Returns:
        The split of every group.

    Raises:
        DataError: There are too few groups for all splits to hold something.
    """
    sizes: dict[str, dict[str, int]] = defaultdict(lambda: defaultdict(int))
    totals: dict[str, int] = defaultdict(int)
    for candidate, group in zip(candidates, group_of, strict=True):
        sizes[candidate.language][group] += candidate.characters
        totals[candidate.language] += candidate.characters
    large = {
        group
        for language, by_group in sizes.items()
        for group, characters in by_group.items()
        if characters > largest * totals[language]
    }
    place = {group: fraction(key.name(Domain.GROUP, group)) for group in set(group_of)}
    splits = {
        group: kept.get(group) or (Split.TRAIN if group in large else _by_hash(where, shares))
        for group, where in place.items()
    }
    for split in HELD_OUT:
        for language in sorted(sizes):
            if any(splits[group] is split for group in sizes[language]):
                continue
            free = {g: size for g, size in sizes[language].items() if g not in kept}
            taken = _take(free, splits, large, place)
            if taken is not None:
                splits[taken] = split
    missing = [split.value for split in Split if split not in splits.values()]
    if missing:
        message = (
            f"corpus: falls into {len(splits)} groups (near-duplicates, works, translations), "
            f"which leaves nothing for {', '.join(missing)}: at least three groups of one language "
            "are needed; mirror more works, or give `work` more finely"
        )
        raise DataError(message)
    return splits


def _tokens(candidate: Candidate) -> list[tuple[Domain, str]]:
    tokens = [(Domain.WORK, candidate.work)]
    if candidate.parallel is not None:
        tokens.append((Domain.PARALLEL, candidate.parallel))
    return tokens


def _by_hash(place: float, shares: Mapping[Split, float]) -> Split:
    bound = 0.0
    for split in HELD_OUT:
        bound += shares[split]
        if place < bound:
            return split
    return Split.TRAIN


def _take(
    sizes: Mapping[str, int],
    splits: Mapping[str, Split],
    large: set[str],
    place: Mapping[str, float],
) -> str | None:
    """Choose the train group that a split without a language takes, if it finds one."""
    train = [group for group in sizes if splits[group] is Split.TRAIN]
    if len(train) < 2:  # noqa: PLR2004 - the last one stays
        return None
    small = [group for group in train if group not in large]
    if small:
        return min(small, key=lambda group: (place[group], group))
    return min(train, key=lambda group: (sizes[group], place[group], group))
