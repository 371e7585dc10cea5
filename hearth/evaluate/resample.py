"""Intervals from resampling groups of items.

Items that come from one document, or from translations of one document, are not independent. So
whole groups are drawn with replacement (the cluster bootstrap; Field and Welsh 2007). The statistic
is always a ratio of sums: bits per byte is bits over bytes, accuracy is right answers over items,
and a paired difference of either has the same denominator on both sides.
"""

from __future__ import annotations

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

_CELLS: Final = 4_000_000  # Counts drawn at once: bounds the memory to some 100 MB.


def ratio_of_sums(
    numerator: NDArray[np.float64],
    denominator: NDArray[np.float64],
    groups: NDArray[Any],
    *,
    resamples: int,
    seed: int,
) -> NDArray[np.float64]:
    """Resampled values of ``sum(numerator) / sum(denominator)``, shape (resamples,).

    The result depends on the set of items and the seed, not on the items' order.

    Args:
        numerator: One number for each item.
        denominator: One positive number for each item.
        groups: The label of each item's group.
        resamples: How many values.
        seed: Of the random numbers.
    """
    labels, index = np.unique(groups, return_inverse=True)
    count = len(labels)
    # Summed in sorted order, for a result that no permutation of items changes in its last bit.
    order = np.lexsort((denominator, numerator, index))
    above = np.bincount(index[order], weights=numerator[order], minlength=count)
    below = np.bincount(index[order], weights=denominator[order], minlength=count)
    random = np.random.default_rng(seed)
    share = np.full(count, 1.0 / count)
    drawn = []
    chunk = max(1, _CELLS // count)
    for start in range(0, resamples, chunk):
        times = random.multinomial(count, share, size=min(chunk, resamples - start))
        drawn.append((times @ above) / (times @ below))
    return np.concatenate(drawn)


def interval(values: NDArray[np.float64], confidence: float) -> tuple[float, float]:
    """The two one-sided percentile bounds of resampled values, each at `confidence`."""
    low, high = np.quantile(values, [1 - confidence, confidence])
    return float(low), float(high)
