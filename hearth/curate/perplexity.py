"""The reference model of the perplexity trim: a character n-gram model with hashed counts.

Interpolated, each order smoothed by the one below (hierarchical Dirichlet prior: MacKay and Peto
1995, "A hierarchical Dirichlet language model"):

    P_k(c | h) = (N(hc) + s P_{k-1}(c | h')) / (N(h) + s),   P_0 = 1 / 65,536

Counts lie in 2^bits cells by the hash of the n-gram, so memory does not grow with the corpus. They
are kept fold by fold, so that a document is scored without the fold it is in.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable
from typing import Final

import numpy as np
import numpy.typing as npt

from hearth.curate.hashing import codes
from hearth.curate.spec import PerplexitySection

_UNIFORM: Final = 2.0**-16
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)
_CHUNK: Final = 1_000_000
UNSEEN: Final = -1
"""The fold of a document that the model was not trained on."""


class NgramModel:
    """Counts of character n-grams: `counts[fold, order - 1, cell]`."""

    def __init__(
        self, section: PerplexitySection, counts: npt.NDArray[np.uint32], totals: list[int]
    ) -> None:
        self._section = section
        self._counts = counts
        self._totals = np.array(totals, dtype=np.float64)
        self._all = counts.sum(axis=0, dtype=np.uint32)

    @classmethod
    def fit(cls, texts: Iterable[tuple[str, int]], section: PerplexitySection) -> NgramModel:
        """Count the n-grams of texts, each with its fold."""
        counts = np.zeros((section.folds, section.order, 1 << section.bits), dtype=np.uint32)
        totals = [0] * section.folds
        waiting: list[list[npt.NDArray[np.uint32]]] = [[] for _ in range(section.folds)]
        sizes = [0] * section.folds

        def flush(fold: int) -> None:
            # Documents of a fold stand in a row, each after its own start symbols.
            if waiting[fold]:
                _count(np.concatenate(waiting[fold]), counts[fold], section)
                waiting[fold].clear()
                sizes[fold] = 0

        for text, fold in texts:
            points = _padded(text, section.order)
            waiting[fold].append(points)
            totals[fold] += len(text)
            sizes[fold] += len(points)
            if sizes[fold] > _CHUNK:
                flush(fold)
        for fold in range(section.folds):
            flush(fold)
        return cls(section, counts, totals)

    def perplexity(self, text: str, fold: int = UNSEEN) -> float | None:
        """Return the perplexity of a text, per character, by all folds but its own.

        Returns:
            At least 1; None for an empty text, or where no other fold holds anything.
        """
        total = self._totals.sum() - (self._totals[fold] if fold >= 0 else 0.0)
        if not text or total <= 0:
            return None
        order, strength = self._section.order, self._section.strength
        points = _padded(text, order)
        start = order - 1
        probability = np.full(len(text), _UNIFORM)
        seen: npt.NDArray[np.float64] | None = None
        for level, cells in enumerate(_cells(points, order, self._section.bits)):
            found = self._all[level, cells].astype(np.float64)
            if fold >= 0:
                found -= self._counts[fold, level, cells]
            # The history of this order is the n-gram of the order below, one character earlier.
            history = np.full(len(text), total) if seen is None else seen[start - 1 : -1]
            hits = np.minimum(found[start:], history)
            probability = (hits + strength * probability) / (history + strength)
            seen = found
        return float(np.exp2(-np.log2(probability).mean()))


class Weighted:
    """Values with their weights, sixteen bytes each."""

    def __init__(self) -> None:
        self._values, self._weights = array("d"), array("Q")

    def __len__(self) -> int:
        """Return how many there are."""
        return len(self._values)

    def add(self, value: float, weight: int) -> None:
        """Add a value."""
        self._values.append(value)
        self._weights.append(weight)

    def quantile(self, quantile: float) -> float | None:
        """Return the smallest value that has `quantile` of the weight at or below it."""
        if not self._values:
            return None
        values = np.array(self._values)
        order = np.argsort(values, kind="stable")
        below = np.cumsum(np.array(self._weights, dtype=np.int64)[order])
        return float(values[order[np.argmax(below >= quantile * below[-1])]])


def _padded(text: str, order: int) -> npt.NDArray[np.uint32]:
    return np.concatenate([np.zeros(order - 1, dtype=np.uint32), codes(text)])


def _cells(
    points: npt.NDArray[np.uint32], order: int, bits: int
) -> Iterable[npt.NDArray[np.int64]]:
    """Yield, order by order, the cell of the n-gram that ends at each place."""
    wide = (points.astype(np.uint64) + np.uint64(1)) * _MULTIPLIER
    state = wide
    for level in range(order):
        if level:
            earlier = np.concatenate([np.zeros(1, dtype=np.uint64), state[:-1]])
            state = (earlier ^ (earlier >> np.uint64(31))) * _MULTIPLIER + wide
        mixed = (state ^ (state >> np.uint64(32))) * _MULTIPLIER
        yield (mixed >> np.uint64(64 - bits)).astype(np.int64)


def _count(
    points: npt.NDArray[np.uint32], counts: npt.NDArray[np.uint32], section: PerplexitySection
) -> None:
    for level, cells in enumerate(_cells(points, section.order, section.bits)):
        counts[level] += np.bincount(cells, minlength=1 << section.bits).astype(np.uint32)
