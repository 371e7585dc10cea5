from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearth.suite.manifest import TaskKind
from hearth.suite.power import DEVIATION, smallest_detectable


@given(st.sampled_from(TaskKind), st.integers(1, 10**6))
def test_four_times_the_items_see_half_the_difference(kind: TaskKind, items: int) -> None:
    assert smallest_detectable(kind, 4 * items) == pytest.approx(
        smallest_detectable(kind, items) / 2
    )


def test_the_formula_is_the_published_one() -> None:
    # z(0.95) + z(0.80) = 1.6449 + 0.8416
    expected = 2.4865 * DEVIATION[TaskKind.CLOZE] / math.sqrt(400)
    assert smallest_detectable(TaskKind.CLOZE, 400) == pytest.approx(expected, rel=1e-4)
