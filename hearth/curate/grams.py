"""The n-grams of a text that stand there more than once.

Most n-grams of a text stand there once, and an n-gram can only stand twice if both shorter ones in
it do: so after pairs, hardly any are left to be looked at.
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
        places: Where they stand, in order: the first token of each.
        names: Of each place, a number that equal n-grams share.
        before: Of each place, whether its n-gram stood before.
    """

    places: Numbers
    names: Numbers
    before: npt.NDArray[np.bool_]


class Grams:
    """The n-grams of some tokens."""

    def __init__(self, tokens: Numbers, sizes: Numbers) -> None:
        """Take tokens by numbers that equal ones share, and how many characters each has."""
        self.sizes = sizes
        self.characters = int(sizes.sum())
        self._tokens = tokens
        self._distinct = int(tokens.max(initial=0)) + 1
        places = np.arange(len(tokens))
        self._repeated = {1: Repeated(places, tokens, places < 0)}

    def __len__(self) -> int:
        """Return how many tokens there are."""
        return len(self._tokens)

    def again(self, length: int) -> Numbers:
        """Return where n-grams stand that stood before, in order."""
        known = self._of(length)
        return known.places[known.before]

    def top(self, length: int) -> tuple[int, int]:
        """Return where the most frequent n-gram stands first, and how often it is there.

        Of n-grams that are as frequent, the first.
        """
        known = self._of(length)
        if not len(known.places):
            return 0, 1
        often = np.bincount(known.names)[known.names]
        first = int(often.argmax())
        return int(known.places[first]), int(often[first])

    def covered(self, places: Numbers, length: int) -> tuple[int, int]:
        """Return the tokens that lie in n-grams at some places, each counted once.

        Returns:
            How many they are, and how many characters they have.
        """
        edges = np.zeros(len(self) + 1, dtype=np.int64)
        edges[places] += 1
        edges[places + length] -= 1
        inside = np.cumsum(edges[:-1]) > 0
        return int(inside.sum()), int(self.sizes[inside].sum())

    def _of(self, length: int) -> Repeated:
        """Return the n-grams of a length that stand there more than once; of one token, all."""
        if length not in self._repeated:
            self._repeated[length] = self._longer(self._of(length - 1), length)
        return self._repeated[length]

    def _longer(self, shorter: Repeated, length: int) -> Repeated:
        if not len(shorter.places):
            return shorter
        # Where the shorter n-gram that begins one token later is there again too.
        on = np.flatnonzero(shorter.places[1:] - shorter.places[:-1] == 1)
        places = shorter.places[on]
        grams = shorter.names[on] * self._distinct + self._tokens[places + length - 1]
        order = np.argsort(grams, kind="stable")
        ordered = grams[order]
        same = np.zeros(len(on) + 1, dtype=bool)  # as the one before
        np.equal(ordered[1:], ordered[:-1], out=same[1:-1])
        # From the order of n-grams back to that of places.
        repeated, before = np.empty((2, len(on)), dtype=bool)
        repeated[order] = same[:-1] | same[1:]
        before[order] = same[:-1]
        names = np.empty(len(on), dtype=np.int64)
        names[order] = np.cumsum(~same[:-1])
        return Repeated(places[repeated], names[repeated], before[repeated])


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
    known: defaultdict[str, int] = defaultdict(count(_UNICODE).__next__)
    runs = [(match.start(), match.group()) for match in _RUN.finditer(text)]
    if runs:
        at = np.searchsorted(starts, [start for start, _ in runs])
        tokens[at] = [known[word] for _, word in runs]
        sizes[at] = [len(word) for _, word in runs]
    return Grams(tokens, sizes)
