"""The decisions of curation: who is a copy, who belongs together, who goes where.

A *group* is what no split may tear: near-duplicates, documents of one work, translations of each
other, and whatever these chain together. Splits are dealt to groups, never to documents.
"""

from __future__ import annotations

from array import array
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
import numpy.typing as npt

from hearth.errors import DataError


class Split(StrEnum):
    """The parts of a corpus."""

    TRAIN = "train"
    VALIDATION = "validation"
    TEST = "test"


HELD_OUT = (Split.TEST, Split.VALIDATION)
SPLITS: Final = tuple(Split)
"""By their numbers."""
HELDNESS: Final = (*HELD_OUT, Split.TRAIN)
"""The most held out first."""


class UnionFind:
    """Disjoint sets over 0 … n-1; the name of a set is its smallest member. Four bytes each."""

    def __init__(self, size: int) -> None:
        self._parent = array("I", range(size))

    def __len__(self) -> int:
        """Return how many items there are."""
        return len(self._parent)

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

    def names(self) -> npt.NDArray[np.uint32]:
        """Return the name of the set of every item."""
        names = np.array(self._parent, dtype=np.uint32)
        while True:
            above = names[names]
            if np.array_equal(above, names):
                return names
            names = above

    def sets(self) -> dict[int, list[int]]:
        """Return the members of every set, in order, by its name."""
        members: dict[int, list[int]] = defaultdict(list)
        for item in range(len(self._parent)):
            members[self.find(item)].append(item)
        return dict(members)


@dataclass(frozen=True)
class Groups:
    """The documents that splits are dealt to, and their groups; groups are numbered by name.

    Attributes:
        languages: The names of languages.
        language: Of each document, by its number in `languages`.
        characters: Of each document.
        group: Of each document, by its number.
        hashed: Of each group, the keyed hash of its name as a number from 0 to below 1.
        kept: Of each group, the split that it has already, by its number in `SPLITS`, or -1.
    """

    languages: Sequence[str]
    language: npt.NDArray[np.uint8]
    characters: npt.NDArray[np.uint32]
    group: npt.NDArray[np.uint32]
    hashed: npt.NDArray[np.float64]
    kept: npt.NDArray[np.int8]


def assign(groups: Groups, shares: Mapping[Split, float], largest: float) -> npt.NDArray[np.int8]:
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
        groups: What there is.
        shares: The shares of validation and test.
        largest: The bound of rule 1.

    Returns:
        The split of every group, by its number in `SPLITS`; -1 where a group has no document.

    Raises:
        DataError: There are too few groups for all splits to hold something.
    """
    count = len(groups.hashed)
    sizes: dict[str, npt.NDArray[np.float64]] = {}
    large = np.zeros(count, dtype=bool)
    splits = np.full(count, -1, dtype=np.int8)
    train = SPLITS.index(Split.TRAIN)
    for code, name in enumerate(groups.languages):
        mine = groups.language == code
        if mine.any():
            characters = groups.characters[mine]
            found = np.zeros(count)
            np.add.at(found, groups.group[mine], characters)
            large |= found > largest * characters.sum(dtype=np.int64)
            sizes[name] = found
            splits[found > 0] = train
    present = splits >= 0
    bound = 0.0
    free = present & ~large
    for split in HELD_OUT:
        bound += shares[split]
        taken = free & (groups.hashed < bound)
        splits[taken] = SPLITS.index(split)
        free &= ~taken
    kept = present & (groups.kept >= 0)
    splits[kept] = groups.kept[kept]
    for split in HELD_OUT:
        code = SPLITS.index(split)
        for _, found in sorted(sizes.items()):
            if not (splits[found > 0] == code).any():
                able = np.flatnonzero((found > 0) & ~kept & (splits == train))
                chosen = _take(able, found, large, groups.hashed)
                if chosen is not None:
                    splits[chosen] = code
    missing = [split.value for code, split in enumerate(SPLITS) if not (splits == code).any()]
    if missing:
        message = (
            f"corpus: falls into {present.sum()} groups (near-duplicates, works, translations), "
            f"which leaves nothing for {', '.join(missing)}: at least three groups of one language "
            "are needed; mirror more works, or give `work` more finely"
        )
        raise DataError(message)
    return splits


def _take(
    train: npt.NDArray[np.int64],
    sizes: npt.NDArray[np.float64],
    large: npt.NDArray[np.bool_],
    hashed: npt.NDArray[np.float64],
) -> int | None:
    """Choose the train group that a split without a language takes, if it finds one."""
    if len(train) < 2:  # noqa: PLR2004 - the last one stays
        return None
    small = train[~large[train]]
    if len(small):
        return int(small[np.argmin(hashed[small])])
    return int(train[np.lexsort((hashed[train], sizes[train]))[0]])
