"""One training without end, and all that happens to it.

Each test goes on where the one before left it. Servers are away, daemons are killed, a rank hangs;
then people clear it, give it up, and delete its run: nothing that costs money is left.
"""

from __future__ import annotations

import time
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
    FIRST_STEPS,
    GONE_SECONDS,
    HANG_SECONDS,
    NODES,
    Rehearsed,
    goes_on,
    sealed,
)

pytestmark = [pytest.mark.slurm, pytest.mark.network, pytest.mark.timeout(1200)]

AWAY_SECONDS = 60.0
CANCELLED_SECONDS = 30.0  # from a person's button to the job's end
REAPED_SECONDS = 300.0  # from a run's deletion until nothing of it is left
REAPER_SECONDS = 120.0  # between two turns of the reaper, by the schedule of its DAG
STARTING = ") starting"  # as a triggerer says of each trigger
FOLLOWS = ": train: "  # as it says of one that trains


@pytest.fixture(scope="module")
def endless(machine: Rehearsed) -> tuple[Going, Attempt]:
    """A build whose training does not end by itself, and its first attempt."""
    return machine.train_without_end(seed=2)


def assert_cancelled(machine: Any, attempt: Attempt, by: str) -> None:
    end = machine.until("its last word", CANCELLED_SECONDS, attempt.exit)
    assert end.outcome in {Outcome.CANCELLED, Outcome.FAILED}
    request = attempt.cancel_request()
    assert request is not None
    assert request.by == by


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
    goes_on(machine, going, attempt.number + 1)
    machine.step_aside(machine.until_trained(going, FIRST_STEPS))
    said = machine.said(attempts.latest())
    assert "checkpoint refused, the one before is used" in said
    assert attempt.folder.url(shard) in said
    assert f"resumes from {attempt.folder.url(f'checkpoints/{name_of(whole)}')}" in said
    assert whole == newest - CHECKPOINT_STEPS


# People -------------------------------------------------------------------------------------------


def test_a_task_that_is_cleared_goes_on_as_the_next_attempt(machine: Any, endless: Any) -> None:
    going, _ = endless
    attempt = going.attempts(Stage.TRAIN).latest()
    machine.clear_task(going, "train")
    assert_cancelled(machine, attempt, by=going.id)
    goes_on(machine, going, attempt.number + 1)


def test_a_task_marked_failed_has_its_job_cancelled_and_the_cluster_given_back(
    machine: Any, endless: Any
) -> None:
    going, _ = endless
    attempt = going.attempts(Stage.TRAIN).latest()
    machine.fail_task(going, "train")
    machine.until("no job is left", CANCELLED_SECONDS, lambda: not machine.queue())
    assert_cancelled(machine, attempt, by=going.id)
    machine.until("its end", 180, lambda: machine.state(going) == "failed")
    assert machine.tasks(going)["cluster_end"] == "success"
    machine.until("nothing is paid for", GONE_SECONDS, lambda: not machine.paid_for())


def test_a_failed_build_that_is_cleared_gets_its_cluster_again(machine: Any, endless: Any) -> None:
    going, _ = endless
    number = going.attempts(Stage.TRAIN).latest().number
    machine.clear_task(going, "train")
    goes_on(machine, going, number + 1)
    assert set(machine.instances()) == NODES


def test_what_a_deleted_run_left_behind_is_reaped(machine: Any, endless: Any) -> None:
    going, _ = endless
    attempt = going.attempts(Stage.TRAIN).latest()
    # The triggerer does not hear it, and the teardown is given up too: only the reaper is left.
    machine.stack.kill("triggerer")
    machine.fail_task(going, "cluster_end")
    machine.fail_run(going)
    machine.delete_run(going)
    late = time.monotonic() + REAPED_SECONDS - REAPER_SECONDS
    machine.stack.up()
    machine.reap()  # as Airflow has done by its schedule, for which this does not wait
    assert machine.reaped()
    machine.until(
        "all is released",
        late - time.monotonic(),
        lambda: not machine.queue() and not machine.paid_for(),
    )
    assert_cancelled(machine, attempt, by="reaper")
