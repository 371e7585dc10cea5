"""What a training survives: servers away, daemons killed, a rank that hangs."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest

from hearth.attempt import Attempt, Outcome
from hearth.build import EventKind
from hearth.errors import EXIT_TRANSIENT
from hearth.model import Stage
from hearth.train.checkpoint import name_of
from tests.machine import Going
from tests.rehearsal.conftest import (
    CHECKPOINT_STEPS,
    HANG_SECONDS,
    Rehearsed,
    sealed,
    trained_again,
)

pytestmark = [pytest.mark.network, pytest.mark.timeout(1200)]

AWAY_SECONDS = 60.0
STARTING = ") starting"  # as a triggerer says of each trigger
FOLLOWS = ": train: "  # as it says of one that trains


@pytest.fixture(scope="module")
def endless(machine: Rehearsed) -> Iterator[tuple[Going, Attempt]]:
    """A build whose training does not end by itself."""
    going, attempt = machine.train_without_end(seed=2)
    yield going, attempt
    machine.fail_run(going)


def test_slurms_servers_may_be_away_for_a_minute_and_a_token_expire_while_a_job_runs(
    machine: Any, endless: Any
) -> None:
    going, attempt = endless
    machine.slurm.stop_rest()
    machine.slurm.stop_controller()
    back = time.monotonic() + AWAY_SECONDS
    machine.until(
        "the triggerer notices", 120, lambda: "asking again" in machine.triggered(going, "train")
    )
    machine.slurm.start_controller()
    machine.until_on(going, attempt)
    machine.until("a minute is over", 2 * AWAY_SECONDS, lambda: time.monotonic() > back)
    machine.slurm.start_rest()
    said = len(machine.triggered(going, "train").split(FOLLOWS))
    machine.until(
        "the triggerer, whose token expired, follows it again",
        120,
        lambda: len(machine.triggered(going, "train").split(FOLLOWS)) > said,
    )
    machine.until_on(going, attempt)
    assert going.attempts(Stage.TRAIN).numbers() == [attempt.number]
    assert len(machine.numbers(attempt)) == 1


def test_scheduler_and_triggerer_may_be_killed_while_a_job_runs(machine: Any, endless: Any) -> None:
    going, attempt = endless
    machine.stack.kill("triggerer")
    machine.stack.kill("scheduler")
    before = machine.triggered(going, "train").count(STARTING)
    machine.stack.up()
    machine.until(
        "a triggerer waits for it again",
        180,
        lambda: machine.triggered(going, "train").count(STARTING) > before,
    )
    machine.until_on(going, attempt)
    assert going.attempts(Stage.TRAIN).numbers() == [attempt.number]
    assert len(going.events(EventKind.ATTEMPT_STARTED, stage=Stage.TRAIN)) == 1


def test_a_rank_that_hangs_is_ended_and_the_newest_checkpoint_that_is_whole_gone_on_from(
    machine: Any, endless: Any
) -> None:
    going, _ = endless
    attempts = going.attempts(Stage.TRAIN)
    attempt = attempts.latest()
    machine.until("two checkpoints", 120, lambda: len(sealed(attempt)) > 1)
    machine.hang(attempt)
    time.sleep(HANG_SECONDS / 4)  # what was on its way to the store is there
    *_, whole, newest = sealed(attempt)
    files = attempt.folder.list(f"checkpoints/{name_of(newest)}")
    shard = next(info.path for info in files if info.path.endswith(".distcp"))
    attempt.folder.put(shard, attempt.folder.get(shard)[:-100])
    end = machine.until("it is ended", 6 * HANG_SECONDS, attempt.exit)
    assert (end.outcome, end.code) == (Outcome.FAILED, EXIT_TRANSIENT), end.message
    assert "a rank hangs; all were ended" in end.message
    trained_again(machine, going, attempt.number + 1)
    said = machine.said(attempts.latest())
    assert "checkpoint refused, the one before is used" in said
    assert attempt.folder.url(shard) in said
    assert f"resumes from {attempt.folder.url(f'checkpoints/{name_of(whole)}')}" in said
    assert whole == newest - CHECKPOINT_STEPS
