"""What sorts of characters a text has: each that differs is looked at once, ever."""

from __future__ import annotations

import re
import unicodedata
from collections import defaultdict
from functools import cache, lru_cache
from itertools import count
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hearth.curate.hashing import BMP, codes

HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")


class Census(NamedTuple):
    """Counts of characters."""

    letters: int
    """Letters and digits of any script."""
    han: int
    marks: int
    """Punctuation and symbols; the low line is one."""
    symbols: int
    """By Unicode's classes S."""
    spaces: int
    unassigned: int


@lru_cache(maxsize=1)
def census(text: str) -> Census:
    """Count the characters of a text; one filter asks after the other."""
    points = codes(text)
    kinds, counted = _kinds()
    found = np.bincount(kinds[np.minimum(points, BMP)], minlength=len(counted)) @ counted
    for point in points[points >= BMP].tolist():
        found += _sort(chr(point))
    return Census(*found.tolist())


@cache
def _kinds() -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    """Return the kind of each character of the basic plane, and how kinds count in a census.

    Whatever lies beyond that plane is of a kind that counts nowhere.
    """
    known: defaultdict[Census, int] = defaultdict(count().__next__)
    kinds = [known[_sort(chr(point))] for point in range(BMP)]
    kinds.append(known[Census(0, 0, 0, 0, 0, 0)])
    return np.array(kinds, dtype=np.uint8), np.array(list(known))


def _sort(character: str) -> Census:
    """Return the census of one character."""
    letter, space = character.isalnum(), character.isspace()
    category = unicodedata.category(character)
    return Census(
        letters=int(letter),
        han=int(HAN.match(character) is not None),
        marks=int(not letter and not space),
        symbols=int(category[0] == "S"),
        spaces=int(space and not letter),
        unassigned=int(category == "Cn"),
    )
