from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearth.evaluate.resample import interval, ratio_of_sums


def test_the_order_of_items_changes_nothing() -> None:
    random = np.random.default_rng(0)
    above, below = random.normal(size=200), random.integers(1, 9, 200).astype(float)
    groups = random.integers(0, 30, 200)
    order = random.permutation(200)
    first = ratio_of_sums(above, below, groups, resamples=500, seed=3)
    again = ratio_of_sums(above[order], below[order], groups[order], resamples=500, seed=3)
    assert np.array_equal(first, again)


def test_another_seed_draws_otherwise() -> None:
    above, below, groups = np.arange(20.0), np.ones(20), np.arange(20)
    first = ratio_of_sums(above, below, groups, resamples=500, seed=0)
    assert not np.array_equal(first, ratio_of_sums(above, below, groups, resamples=500, seed=1))


@given(st.integers(1, 40), st.floats(-5, 5))
def test_what_does_not_vary_has_no_interval(items: int, value: float) -> None:
    drawn = ratio_of_sums(
        np.full(items, value), np.ones(items), np.arange(items), resamples=500, seed=0
    )
    assert interval(drawn, 0.95) == pytest.approx((value, value))


def test_items_of_one_group_are_drawn_together() -> None:
    random = np.random.default_rng(0)
    of_group = np.repeat(random.normal(size=20), 20)
    ones, labels = np.ones(400), np.repeat(np.arange(20), 20)
    clustered = ratio_of_sums(of_group, ones, labels, resamples=2000, seed=0).std()
    independent = ratio_of_sums(of_group, ones, np.arange(400), resamples=2000, seed=0).std()
    assert clustered > 3 * independent


def test_bounds_cover_the_truth_about_as_often_as_they_say() -> None:
    random = np.random.default_rng(5)
    covered = 0
    for trial in range(300):
        groups = np.repeat(np.arange(40), 5)
        values = random.normal(size=40).repeat(5) * 0.5 + random.normal(size=200)
        drawn = ratio_of_sums(values, np.ones(200), groups, resamples=500, seed=trial)
        covered += interval(drawn, 0.95)[0] <= 0
    assert 0.91 <= covered / 300 <= 0.985
