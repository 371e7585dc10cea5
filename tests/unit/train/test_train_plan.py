from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearth.errors import EXIT_DATA, EXIT_DEFECT, EXIT_TRANSIENT, DataError, TransientError
from hearth.train.plan import (
    ROUND,
    DataOrder,
    Divergence,
    Mixture,
    RankError,
    exhausted,
    failure_of,
    of_rank,
    quotas,
    rate_at,
    utilisation,
    validation_steps,
)
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


@pytest.mark.parametrize("ranks", [1, 2, 4, 8])
def test_a_step_holds_the_same_sequences_on_any_number_of_ranks(ranks: int) -> None:
    step = [number for rank in range(ranks) for number in of_rank(5, 8, rank, ranks)]
    assert step == list(range(40, 48))


WEIGHTS = st.lists(st.floats(0.001, 100), min_size=1, max_size=8)


@given(WEIGHTS, st.integers(0, 5), st.integers(0, 2 * ROUND))
def test_a_sequences_group_depends_on_nothing_but_weights_seed_and_number(
    weights: list[float], seed: int, number: int
) -> None:
    walked = Mixture(weights, seed)
    walked.of(0)
    assert walked.of(number) == Mixture(weights, seed).of(number)


@settings(max_examples=25)
@given(WEIGHTS, st.integers(0, 5))
def test_every_group_gives_its_share_and_each_of_its_sequences_in_turn(
    weights: list[float], seed: int
) -> None:
    mixture = Mixture(weights, seed)
    drawn = [mixture.of(number) for number in range(2 * ROUND)]
    for group, weight in enumerate(weights):
        numbers = [number for of, number in drawn if of == group]
        assert sorted(numbers) == list(range(len(numbers)))
        assert abs(len(numbers) / 2 - ROUND * weight / sum(weights)) <= len(weights)
        assert numbers


@given(
    st.lists(st.just(0.0) | st.floats(0.001, 100), min_size=1, max_size=20), st.integers(21, 2000)
)
def test_quotas_add_up_and_leave_out_nobody_who_has_a_weight(
    weights: list[float], total: int
) -> None:
    weights = [*weights, 1.0]
    found = quotas(weights, total)
    assert sum(found) == total
    assert all((quota > 0) == (weight > 0) for quota, weight in zip(found, weights, strict=True))


def test_a_loss_far_above_the_best_has_diverged_and_noise_has_not() -> None:
    falling = [5 - n / 100 for n in range(100)]
    noisy = [loss + (1.5 if n % 7 == 0 else 0) for n, loss in enumerate(falling)]
    watched = Divergence(2.0, noisy)
    assert not watched.see(4)
    assert any([Divergence(2.0, noisy).see(90), *map(watched.see, [7.5] * 19)])


def test_a_resumed_run_knows_how_low_the_loss_was() -> None:
    low, high = [1.0] * 30, [6.0] * 10
    whole, resumed = Divergence(2.0), Divergence(2.0, low)
    for loss in low:
        whole.see(loss)
    assert [whole.see(loss) for loss in high] == [resumed.see(loss) for loss in high]
    assert resumed.see(6.0)


@pytest.mark.parametrize(
    ("losses", "patience", "over"),
    [
        ([5, 4, 3], 1, False),
        ([5, 4, 4], 1, True),
        ([5, 3, 4, 3.5], 2, True),
        ([5, 3, 4, 2.5], 2, False),
        ([3, 4], 2, False),
        ([3, 4, 5, 6], None, False),
    ],
)
def test_patience_ends_with_validations_that_bring_nothing(
    losses: list[float], patience: int | None, *, over: bool
) -> None:
    assert exhausted(losses, patience) is over


def test_half_the_peak_is_half() -> None:
    # 6 × 1e9 parameters × 1e4 tokens/s = 6e13 of 2 × 6e13.
    assert utilisation(10**9, 1e4, ranks=2, teraflops=60) == pytest.approx(0.5)


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
