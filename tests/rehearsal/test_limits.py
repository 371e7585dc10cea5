"""How a training ends that may not go on: time is up, or it diverges."""

from __future__ import annotations

import re
from typing import Any

import pytest

from hearth.attempt import Outcome
from hearth.build import EventKind
from hearth.compute.outcome import Cause
from hearth.errors import EXIT_DATA, EXIT_TRANSIENT
from hearth.model import Stage
from hearth.train.checkpoint import name_of
from tests.rehearsal.conftest import ENDLESS, GONE_SECONDS, OVER, sealed

pytestmark = [pytest.mark.network, pytest.mark.timeout(1200)]

LIMIT_MINUTES = 1.25
# A weight decay of ten times a rate that rises to one turns every matrix into -9 times itself.
FALLING_APART = {
    "optimizer": {"kind": "adamw", "learning_rate": 1, "weight_decay": 10},
    "schedule": {"warmup_steps": 30},
    "operation": {"divergence": 100, "interval_steps": 2, "checkpoint_steps": 2},
}


def test_training_writes_a_last_checkpoint_before_its_time_limit_and_goes_on_from_that(
    machine: Any,
) -> None:
    with machine.time_limit(LIMIT_MINUTES):
        going = machine.trigger(**ENDLESS, train_seed=3)
        machine.until("it is resolved", 180, lambda: going.build.folder.exists("build.json"))
    attempts = going.attempts(Stage.TRAIN)
    machine.until("its first attempt", 300, attempts.numbers)
    attempt = attempts.get(1)
    machine.until("it trains", 120, lambda: (now := attempt.progress()) and now.step == "train")
    machine.step_aside()
    end = machine.until("its time is up", 300, attempt.exit)
    number = machine.job(attempt).start().job
    assert (end.outcome, end.code) == (Outcome.FAILED, EXIT_TRANSIENT), end.message
    last = sealed(attempt)[-1]
    assert f"stopped on request after step {last}, with a checkpoint there" in end.message
    said = machine.until("its job's word", GONE_SECONDS, machine.job(attempt).exit)
    assert (said.cause, said.exit_code) == (Cause.TIME_LIMIT, EXIT_TRANSIENT)
    # It was not Slurm that had to end it.
    assert machine.until("its end", GONE_SECONDS, lambda: machine.end_of(number)) == "FAILED"
    again = machine.until(
        "the next attempt",
        180,
        lambda: found if (found := attempts.latest()).number > attempt.number else None,
    )
    resumed = f"resumes from {attempt.folder.url(f'checkpoints/{name_of(last)}')}"
    machine.until("it goes on from there", 180, lambda: resumed in machine.said(again))
    machine.fail_run(going)


def test_training_that_diverges_ends_the_build_says_why_and_keeps_what_was_good(
    machine: Any,
) -> None:
    with machine.training(**FALLING_APART):
        going = machine.trigger(train_seed=4)
        machine.until("its end", 300, lambda: machine.state(going) in OVER)
    tasks = machine.tasks(going)
    assert (tasks[Stage.TRAIN], tasks["cluster_end"]) == ("failed", "success")
    assert going.attempts(Stage.TRAIN).numbers() == [1], "another would end there too"
    attempt = going.attempts(Stage.TRAIN).latest()
    end = attempt.exit()
    found = re.search(
        r"loss: .*(?:nan|inf), at step (\d+): training diverged.*Last good checkpoint: step (\d+)$",
        end.message,
    )
    assert found, end.message
    step, good = map(int, found.groups())
    assert good < step
    assert good in sealed(attempt)
    assert end.code == EXIT_DATA
    assert end.message in going.events(EventKind.FAILED)[-1].data["error"]
