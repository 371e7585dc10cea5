"""A person clears a training, gives it up, or deletes its run: nothing that costs money is left."""

from __future__ import annotations

import time
from typing import Any

import pytest

from hearth.attempt import Attempt, Outcome
from hearth.model import Stage
from tests.machine import Going
from tests.rehearsal.conftest import GONE_SECONDS, NODES, Rehearsed, trained_again

pytestmark = [pytest.mark.network, pytest.mark.timeout(1200)]

CANCELLED_SECONDS = 30.0  # from a person's button to the job's end
REAPED_SECONDS = 300.0  # from a run's deletion until nothing of it is left


@pytest.fixture(scope="module")
def endless(machine: Rehearsed) -> tuple[Going, Attempt]:
    """A build whose training does not end by itself."""
    return machine.train_without_end(seed=5)


def assert_cancelled(machine: Any, attempt: Attempt, by: str) -> None:
    end = machine.until("its last word", CANCELLED_SECONDS, attempt.exit)
    assert end.outcome in {Outcome.CANCELLED, Outcome.FAILED}
    request = attempt.cancel_request()
    assert request is not None
    assert request.by == by


def test_a_task_that_is_cleared_goes_on_as_the_next_attempt(machine: Any, endless: Any) -> None:
    going, _ = endless
    attempt = going.attempts(Stage.TRAIN).latest()
    machine.clear_task(going, "train")
    assert_cancelled(machine, attempt, by=going.id)
    trained_again(machine, going, attempt.number + 1)


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
    trained_again(machine, going, number + 1)
    assert set(machine.instances()) == NODES


def test_what_a_deleted_run_left_behind_is_reaped(machine: Any, endless: Any) -> None:
    going, _ = endless
    attempt = going.attempts(Stage.TRAIN).latest()
    # The triggerer does not hear it, and the teardown is given up too: only the reaper is left.
    machine.stack.kill("triggerer")
    machine.fail_task(going, "cluster_end")
    machine.fail_run(going)
    machine.delete_run(going)
    late = time.monotonic() + REAPED_SECONDS
    machine.stack.up()
    machine.until(
        "the reaper's turn",
        late - time.monotonic(),
        lambda: not machine.queue() and not machine.paid_for(),
    )
    assert_cancelled(machine, attempt, by="reaper")
