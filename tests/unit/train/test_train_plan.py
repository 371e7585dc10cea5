from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearth.errors import EXIT_DATA, EXIT_DEFECT, EXIT_TRANSIENT, DataError, TransientError
from hearth.train.plan import DataOrder, RankError, failure_of, rate_at, validation_steps
from hearth.train.spec import ScheduleSection, ScheduleShape

SCHEDULES = st.builds(
    ScheduleSection,
    shape=st.sampled_from(ScheduleShape),
    warmup_steps=st.integers(0, 20),
    floor=st.floats(0, 1),
)


@given(SCHEDULES, st.integers(22, 200))
def test_the_rate_rises_then_falls_to_its_floor(schedule: ScheduleSection, steps: int) -> None:
    rates = [rate_at(step, steps, schedule) for step in range(steps)]
    warm = schedule.warmup_steps
    assert all(a < b for a, b in pairwise(rates[:warm]))
    assert rates[warm] == 1
    assert all(a >= b - 1e-12 for a, b in pairwise(rates[warm:]))
    assert rates[-1] == pytest.approx(schedule.floor, abs=1e-9)
    assert all(0 <= rate <= 1 for rate in rates)


@given(st.integers(1, 1000), st.integers(1, 50))
def test_validation_is_taken_before_the_first_and_after_the_last_step(
    steps: int, times: int
) -> None:
    found = validation_steps(steps, times)
    assert {0, steps} <= found
    assert len(found) <= times + 1
    assert max(found) == steps


@given(st.integers(1, 60), st.integers(0, 5), st.integers(0, 400))
def test_a_sequence_depends_on_nothing_but_seed_and_number(
    blocks: int, seed: int, number: int
) -> None:
    walked = DataOrder(blocks, seed)
    seen = [walked.block(n) for n in range(number + 1)]
    assert DataOrder(blocks, seed).block(number) == seen[number]


@given(st.integers(1, 60), st.integers(0, 5))
def test_a_pass_takes_every_block_once(blocks: int, seed: int) -> None:
    order = DataOrder(blocks, seed)
    for start in (0, blocks):
        assert sorted(order.block(start + n) for n in range(blocks)) == list(range(blocks))


def test_passes_and_seeds_differ_in_their_order() -> None:
    order = DataOrder(50, 0)
    first, second = ([order.block(start + n) for n in range(50)] for start in (0, 50))
    assert first != second
    assert first != [DataOrder(50, 1).block(n) for n in range(50)]


@pytest.mark.parametrize("world_size", [1, 2, 4, 8])
def test_a_step_holds_the_same_sequences_on_any_number_of_ranks(world_size: int) -> None:
    order = DataOrder(100, 3)
    step = [block for rank in range(world_size) for block in order.of_rank(5, 8, rank, world_size)]
    assert step == order.of_rank(5, 8, 0, 1)


def words(code: int, at: float, *, lost_peer: bool = False) -> RankError:
    return RankError(rank=int(at), code=code, error="E", message="why", at=at, lost_peer=lost_peer)


def test_a_rank_that_says_nothing_was_killed_and_may_try_again() -> None:
    assert isinstance(failure_of([]), TransientError)


def test_a_closed_connection_is_not_the_reason() -> None:
    closed = words(EXIT_TRANSIENT, 1, lost_peer=True)
    assert "killed by a signal" in str(failure_of([closed]))
    error = failure_of([closed, words(EXIT_DATA, 2)])
    assert isinstance(error, DataError)
    assert str(error) == "rank 2: why"


def test_the_first_error_is_the_reason() -> None:
    error = failure_of([words(EXIT_DEFECT, 2), words(EXIT_TRANSIENT, 1)])
    assert error.exit_code == EXIT_TRANSIENT
