"""Counting requests."""

from __future__ import annotations

import math

from hypothesis import given
from hypothesis import strategies as st

from hearth.rollout.traffic import Traffic

seconds = st.lists(st.floats(0.0, 100), max_size=50)


@given(seconds, seconds, st.integers(0, 9), st.integers(0, 9))
def test_what_came_since_is_what_was_added(
    early: list[float], late: list[float], failed: int, more: int
) -> None:
    before, after = Traffic.of(early, failed), Traffic.of(late, more)
    assert (before + after).since(before) == after


@given(st.lists(st.floats(0.001, 100), min_size=1, max_size=80), st.sampled_from([0.5, 0.95]))
def test_a_quantile_is_right_within_a_fifth(values: list[float], q: float) -> None:
    exact = sorted(values)[math.ceil(q * len(values)) - 1]
    estimate = Traffic.of(values).quantile(q)
    assert estimate is not None
    assert exact <= estimate * 1.000001
    assert estimate <= exact * 1.200001


def test_nothing_has_no_quantile_and_no_errors() -> None:
    assert Traffic().quantile(0.5) is None
    assert Traffic().error_rate == 0


def test_counts_that_began_anew_are_all_new() -> None:
    assert Traffic.of([0.1]).since(Traffic.of([0.1] * 5)) == Traffic.of([0.1])
