"""How small a difference a suite can see."""

from __future__ import annotations

import math
from statistics import NormalDist
from typing import Final

from hearth.suite.manifest import TaskKind

CONFIDENCE: Final = 0.95
POWER: Final = 0.8

DEVIATION: Final = {
    # Two models of about the same skill disagree on up to a quarter of the items. The difference of
    # two marks is then -1, 0 or 1 with variance 0.25.
    TaskKind.CLOZE: 0.5,
    # Bits per byte of one passage under two models of about the same skill.
    TaskKind.BITS_PER_BYTE: 0.2,
}
"""Assumed upper bound of the standard deviation of one item's paired difference."""


def smallest_detectable(
    kind: TaskKind, items: int, *, confidence: float = CONFIDENCE, power: float = POWER
) -> float:
    """The smallest margin that a paired non-inferiority test on `items` can work with.

    A test at one-sided level alpha shows with the wanted power that a model of equal skill is not
    worse by the margin when ``margin >= (z_(1-alpha) + z_power) * sigma / sqrt(n)`` (Chow, Shao and
    Wang, Sample Size Calculations in Clinical Research, section 3.2, for paired differences; for
    language models Miller 2024, Adding Error Bars to Evals, section 5). ``sigma`` is bounded by
    `DEVIATION`. Items of one group are taken as independent here; the gate resamples groups, so a
    suite with strongly clustered groups needs more.

    Args:
        kind: what the task measures; the result has its unit (bits per byte, or accuracy).
        items: how many items the task has, at least 1.
        confidence: one-sided confidence of the gate's intervals.
        power: probability that a model of equal skill passes.
    """
    normal = NormalDist()
    quantiles = normal.inv_cdf(confidence) + normal.inv_cdf(power)
    return quantiles * DEVIATION[kind] / math.sqrt(items)
