"""The n-grams of a text that stand there more than once.

Most n-grams of a text stand there once, and an n-gram can only stand twice if the shorter ones in
it do: so after pairs, hardly any are left to be looked at. Two n-grams are equal if their first
halves are and their last halves are: lengths between need not be looked at.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Sequence
from functools import lru_cache
from itertools import count
from typing import Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hearth.curate.hashing import alphanumeric, codes

_RUN: Final = re.compile(r"[A-Za-z0-9]{2,}")
_ASCII: Final = 0x80
_UNICODE: Final = 0x110000

Numbers = npt.NDArray[np.int64]


class Repeated(NamedTuple):
    """The n-grams of a length that stand there more than once.

    Attributes:
        places: Where they stand, by the first token: equal ones together, and these in order.
        before: Of each place, whether its n-gram stood before.
    """

    places: Numbers
    before: npt.NDArray[np.bool_]


_NONE: Final = Repeated(np.empty(0, dtype=np.int64), np.empty(0, dtype=bool))


class Grams:
    """The n-grams of some tokens."""

    def __init__(self, tokens: Numbers, sizes: Numbers) -> None:
        """Take tokens by numbers that equal ones share, and how many characters each has."""
        self.sizes = sizes
        self.characters = int(sizes.sum())
        self._names = {1: tokens}
        self._repeated: dict[int, Repeated] = {}

    def __len__(self) -> int:
        """Return how many tokens there are."""
        return len(self.sizes)

    def again(self, length: int) -> Numbers:
        """Return where n-grams stand that stood before, in order."""
        known = self._of(length)
        return np.sort(known.places[known.before])

    def top(self, length: int) -> tuple[int, int]:
        """Return where the most frequent n-gram stands first, and how often it is there.

        Of n-grams that are as frequent, the first.
        """
        known = self._of(length)
        if not len(known.places):
            return 0, 1
        (first,) = (~known.before).nonzero()
        often = np.empty_like(first)
        np.subtract(first[1:], first[:-1], out=often[:-1])
        often[-1] = len(known.places) - first[-1]
        most = often[often.argmax()]
        return int(known.places[first[often == most]].min()), int(most)

    def covered(self, places: Numbers, length: int) -> tuple[int, int]:
        """Return the tokens that lie in n-grams at some places, each counted once.

        Returns:
            How many they are, and how many characters they have.
        """
        if not len(places):
            return 0, 0
        edges = np.zeros(len(self) + 1, dtype=np.int64)
        edges[places] += 1
        edges[places + length] -= 1
        inside = edges[:-1].cumsum() > 0
        return int(inside.sum()), int(self.sizes[inside].sum())

    def _of(self, length: int) -> Repeated:
        """Return the n-grams of a length that stand there more than once."""
        if length not in self._repeated:
            self._repeated[length] = self._look(length)
        return self._repeated[length]

    def _look(self, length: int) -> Repeated:
        half = (length + 1) // 2
        after, starts = length - half, len(self) - length + 1
        if starts < 1:
            return _NONE
        names = self._named(half)
        front, back = names[:starts], names[after : after + starts]
        # Where both are there again: a name below 0 is none.
        (on,) = ((front | back) >= 0).nonzero()
        if not len(on):
            return _NONE
        grams = front[on] * (int(names.max()) + 1) + back[on]
        order = grams.argsort(kind="stable")
        ordered = grams[order]
        same = np.zeros(len(on) + 1, dtype=bool)  # as the one before
        np.equal(ordered[1:], ordered[:-1], out=same[1:-1])
        before = same[:-1]
        repeated = before | same[1:]
        return Repeated(on[order[repeated]], before[repeated])

    def _named(self, length: int) -> Numbers:
        """Return for each token a number that equal n-grams share; below 0 if they stand alone."""
        if length not in self._names:
            known = self._of(length)
            names = np.empty(len(self), dtype=np.int64)
            names.fill(-1)
            names[known.places] = (~known.before).cumsum()
            self._names[length] = names
        return self._names[length]


@lru_cache(maxsize=1)
def words_of(text: str) -> Sequence[str]:
    """Return a text's words, by white space; one filter asks after the other."""
    return text.split()


@lru_cache(maxsize=1)
def word_grams(text: str) -> Grams:
    """Return the n-grams of a text's words."""
    words = words_of(text)
    known: defaultdict[str, int] = defaultdict(count().__next__)
    return Grams(
        np.fromiter(map(known.__getitem__, words), np.int64, len(words)),
        np.fromiter(map(len, words), np.int64, len(words)),
    )


@lru_cache(maxsize=1)
def token_grams(text: str) -> Grams:
    """Return those of its tokens: a character, or a run of ASCII letters and digits."""
    points = codes(text)
    begins = alphanumeric(points)
    # A token begins at each letter or digit, save those that go on with a run.
    run = begins & (points < _ASCII)
    begins[1:] &= ~(run[1:] & run[:-1])
    starts = np.flatnonzero(begins)
    sizes = np.ones(len(starts), dtype=np.int64)
    tokens = points[starts].astype(np.int64)
    runs = _RUN.findall(text)
    if runs:
        known: defaultdict[str, int] = defaultdict(count(_UNICODE).__next__)
        goes_on = np.append(run[1:] & run[:-1], False)
        at = np.flatnonzero(goes_on[starts])
        tokens[at] = [known[word] for word in runs]
        sizes[at] = [len(word) for word in runs]
    return Grams(tokens, sizes)
