"""A smoothed character n-gram model: the least that a trained model must beat.

The model is the interpolated form of Witten-Bell smoothing (Witten and Bell 1991, method C; Chen
and Goodman 1999, section 2.3) over Unicode characters. For a history ``h`` of ``k - 1`` characters,

    P_k(c | h) = (N(h c) + T(h) * P_{k-1}(c | h')) / (N(h) + T(h))

with ``N(h)`` the number of characters seen after ``h``, ``T(h)`` the number of distinct ones, and
``h'`` the history without its oldest character. An unseen history answers with the next shorter
one. At the end of the chain stands the uniform distribution over all 1,112,064 Unicode scalar
values, so that every text has a probability, and the whole sums to one without an "unknown" bucket
that would be cheap to hit.

A document starts after ``order - 1`` copies of a start symbol which is never predicted. The end of
a document is not predicted either: lm-eval's rolling log-likelihood does not score it.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

SCALAR_VALUES = 0x110000 - 0x800
"""Unicode scalar values: all code points but the surrogates."""

_START = 0x110000  # One past the last code point: no character can be mistaken for it.


@dataclass(frozen=True, slots=True)
class _Level:
    """Counts behind one length of history. A history's number is its rank among the sorted keys."""

    histories: NDArray[np.int64]  # keys: number of the history without its oldest character, oldest
    grams: NDArray[np.int64]  # sorted keys: history, next character
    counts: NDArray[np.int64]  # occurrences of each gram
    totals: NDArray[np.int64]  # N(h)
    types: NDArray[np.int64]  # T(h)


@dataclass(frozen=True, slots=True)
class CharacterNgram:
    """A trained model. ``order`` 1 is a unigram; 3 a trigram, with two characters of history."""

    order: int
    alphabet: NDArray[np.uint32]  # sorted code points seen in training, the start symbol last
    levels: tuple[_Level, ...]  # levels[k] has histories of k characters

    @classmethod
    def train(cls, texts: Iterable[str], order: int) -> Self:
        """Count the n-grams of ``texts``.

        Args:
            texts: Documents; each starts afresh.
            order: Length of the longest gram, at least 1.
        """
        if order < 1:
            msg = f"order {order} of a character n-gram model: it must be at least 1"
            raise ValueError(msg)
        stream, positions = _stream(list(texts), order - 1)
        alphabet, numbers = np.unique(np.append(stream, np.uint32(_START)), return_inverse=True)
        size = len(alphabet)
        following = numbers[positions]
        history = np.zeros(len(positions), dtype=np.int64)
        histories = np.zeros(1, dtype=np.int64)
        levels = []
        for length in range(order):
            if length:
                keys = history * size + numbers[positions - length]
                histories, history = np.unique(keys, return_inverse=True)
            grams, counts = np.unique(history * size + following, return_counts=True)
            owner = grams // size
            levels.append(
                _Level(
                    histories=histories,
                    grams=grams,
                    counts=counts,
                    totals=np.bincount(history, minlength=len(histories)),
                    types=np.bincount(owner, minlength=len(histories)),
                )
            )
        return cls(order=order, alphabet=alphabet, levels=tuple(levels))

    def log_likelihoods(self, texts: Sequence[str]) -> NDArray[np.float64]:
        """Natural log of the probability of each text, its end not predicted; shape (texts,)."""
        stream, positions = _stream(texts, self.order - 1)
        numbers = _find(self.alphabet, stream)
        size = len(self.alphabet)
        following = numbers[positions]
        probability = np.full(len(positions), 1.0 / SCALAR_VALUES)
        history = np.zeros(len(positions), dtype=np.int64)
        for length, level in enumerate(self.levels):
            if length:
                history = _find(level.histories, _key(history, numbers[positions - length], size))
            gram = _find(level.grams, _key(history, following, size))
            types = _at(level.types, history)
            seen = _at(level.totals, history) + types
            # An unseen history has N(h) = T(h) = 0 and leaves the shorter one's answer as it is.
            probability = np.where(
                seen > 0,
                (_at(level.counts, gram) + types * probability) / np.maximum(seen, 1),
                probability,
            )
        lengths = [len(text) for text in texts]
        owner = np.repeat(np.arange(len(texts)), lengths)
        summed = np.bincount(owner, weights=np.log(probability), minlength=len(texts))
        return summed.astype(np.float64)


def _stream(texts: Sequence[str], padding: int) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """All code points, each text after ``padding`` start symbols; the positions of the texts."""
    start = np.full(padding, _START, dtype=np.uint32)
    parts = []
    for text in texts:
        parts += [start, np.frombuffer(text.encode("utf-32-le"), dtype=np.uint32)]
    stream = np.concatenate([np.zeros(0, dtype=np.uint32), *parts])
    return stream, np.flatnonzero(stream != _START)


def _key(history: NDArray[np.int64], character: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """One number for a history and a character; -1 where either is unseen."""
    return np.where((history >= 0) & (character >= 0), history * size + character, -1)


def _find(known: NDArray[Any], wanted: NDArray[Any]) -> NDArray[np.int64]:
    """The rank of each wanted value among the sorted known ones, -1 for those not there."""
    if not len(known):
        return np.full(len(wanted), -1, dtype=np.int64)
    rank = np.searchsorted(known, wanted)
    rank = np.minimum(rank, len(known) - 1)
    return np.where(known[rank] == wanted, rank, -1)


def _at(values: NDArray[np.int64], rank: NDArray[np.int64]) -> NDArray[np.int64]:
    """The value at each rank, 0 where the rank is -1."""
    if not len(values):
        return np.zeros(len(rank), dtype=np.int64)
    return np.where(rank >= 0, values[rank], 0)
