"""Training survives the death of its ranks, and that of all of Airflow, with the same weights."""

from __future__ import annotations

from typing import Any

import pytest

from hearth.attempt import Outcome
from hearth.build import EventKind
from hearth.model import Stage

pytestmark = [pytest.mark.network, pytest.mark.timeout(1500)]

LONG = {"train_steps": 400, "train_seed": 1}
AIRFLOW = ("scheduler", "triggerer", "dag-processor", "api-server")


@pytest.fixture(scope="module")
def ranks_killed(machine: Any, first: Any) -> Any:
    """A build whose training ranks were killed at half way."""
    machine.open_gate()
    going = machine.trigger(**LONG)
    attempt = machine.until_trained(going, 0.5)
    assert machine.kill_ranks(attempt) == 2
    return machine.finish(going)


@pytest.fixture(scope="module")
def airflow_killed(machine: Any, first: Any) -> Any:
    """A build that trains the same anew, during which all of Airflow was killed and restarted."""
    machine.open_gate()
    going = machine.trigger(**LONG, rebuild_from="train")
    attempt = machine.until_trained(going, 0.2)
    before = machine.processes_of(attempt)
    machine.stack.kill("worker")
    for name in AIRFLOW:
        machine.stack.kill(name)
    assert len(before) > 2
    assert attempt.exit() is None
    assert machine.processes_of(attempt) >= {one for one in before if one.alive()} != set()
    machine.stack.up()
    return machine.finish(going)


def test_killed_ranks_go_on_from_a_checkpoint_in_the_next_attempt(ranks_killed: Any) -> None:
    attempts = ranks_killed.attempts(Stage.TRAIN)
    assert attempts.numbers() == [1, 2]
    assert attempts.get(1).exit().outcome is Outcome.FAILED
    assert attempts.get(1).exit().code == 75
    record = ranks_killed.record(Stage.TRAIN)
    assert record.attempt == 2
    assert record.metrics["resumed_from"] > 0


def test_the_death_of_all_of_airflow_costs_no_attempt(machine: Any, airflow_killed: Any) -> None:
    assert airflow_killed.attempts(Stage.TRAIN).numbers() == [1]
    assert len(airflow_killed.events(EventKind.ATTEMPT_STARTED, stage=Stage.TRAIN)) == 1
    assert airflow_killed.record(Stage.TRAIN).metrics["resumed_from"] is None
    assert machine.complete().headers["X-Hearth-Version"] == machine.serving()


def test_interrupted_training_ends_in_the_weights_of_an_uninterrupted_one(
    ranks_killed: Any, airflow_killed: Any
) -> None:
    records = [build.record(Stage.TRAIN) for build in (ranks_killed, airflow_killed)]
    assert len({record.fingerprint for record in records}) == 2
    assert len({record.output("model/model.safetensors").sha256 for record in records}) == 1
