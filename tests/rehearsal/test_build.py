"""Production's operators build: from nothing to an endpoint, bereft of a node, up to a limit."""

from __future__ import annotations

import re
from typing import Any, NamedTuple

import pytest

from hearth.attempt import Attempt, Outcome
from hearth.build import EventKind
from hearth.compute.outcome import Cause
from hearth.compute.slurm.folder import Start
from hearth.errors import EXIT_DATA, EXIT_TRANSIENT
from hearth.model import Stage
from hearth.train.checkpoint import name_of
from rehearsal.aws.faults import FaultKind
from tests.machine import OVER, Going
from tests.rehearsal.conftest import (
    CHECKPOINT_STEPS,
    ENDLESS,
    FIRST_STEPS,
    GONE_SECONDS,
    Rehearsed,
    sealed,
)

pytestmark = [pytest.mark.slurm, pytest.mark.network, pytest.mark.timeout(1200)]

ALL_STAGES = (Stage.MIRROR, Stage.SUITE, Stage.CURATE, Stage.TRAIN, Stage.EVALUATE)
STEPS = {"train_steps": 3 * CHECKPOINT_STEPS, "train_seed": 1}
LIMIT_MINUTES = 1.5
# A weight decay of ten times a rate that rises to one turns every matrix into -9 times itself.
FALLING_APART = {
    "optimizer": {"kind": "adamw", "learning_rate": 1, "weight_decay": 10},
    "schedule": {"warmup_steps": 30},
    "operation": {"divergence": 100, "interval_steps": 2, "checkpoint_steps": 2},
    "numerics": {"world_size": 1},
}


def deep_in(attempt: Attempt) -> bool:
    """Whether an attempt trains in the second half of the steps between two checkpoints."""
    seen = attempt.progress()
    assert seen is not None
    assert seen.step == "train", "it trained faster than it could be looked at"
    return seen.done % CHECKPOINT_STEPS >= CHECKPOINT_STEPS / 2


class Bereft(NamedTuple):
    """A build that lost a node in mid-training, and what was seen of it before."""

    going: Going
    attempt: Attempt
    start: Start
    done: int
    instances: dict[str, str]


def weights(going: Any) -> str:
    return str(going.record(Stage.TRAIN).output("model/model.safetensors").sha256)


@pytest.fixture(scope="module")
def first(machine: Rehearsed) -> Going:
    """A build from nothing to an endpoint, for whose cluster SageMaker's first answer was lost."""
    assert not machine.aws.calls("CreateCluster"), "whoever built here before has a cluster"
    machine.aws.fault("CreateCluster", FaultKind.LOST_ANSWER)
    return machine.build(**STEPS)


def test_every_stage_is_one_job_of_slurm_and_training_has_two_nodes(
    machine: Any, first: Any
) -> None:
    for stage in ALL_STAGES:
        assert len(machine.numbers(first.attempts(stage).latest())) == 1, stage
    name = machine.job(first.attempts(Stage.TRAIN).latest()).slurm_name
    assert machine.slurm.accounted(name, "nnodes") == ["2"]
    assert machine.complete().headers["X-Hearth-Version"] == machine.serving()


def test_one_cluster_is_created_though_the_first_answer_was_lost(machine: Any, first: Any) -> None:
    cluster = [event.data["what"] for event in first.events(EventKind.CLUSTER)]
    assert cluster == ["in service", "given back"]
    assert machine.aws.calls("CreateCluster")
    machine.until("nothing is paid for", GONE_SECONDS, lambda: not machine.paid_for())


def test_what_was_emulated_is_on_record(first: Any) -> None:
    for stage in ALL_STAGES:
        assert any("emulated" in doubt for doubt in first.record(stage).unverified), stage


def test_every_object_is_encrypted_under_the_profiles_key(machine: Any, first: Any) -> None:
    paths = [info.path for info in machine.root.list(f"artifacts/{Stage.TRAIN}")]
    assert paths
    assert {machine.encryption(path) for path in paths} == {"aws:kms"}


# A node dies --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def bereft(machine: Rehearsed, first: Going) -> Bereft:
    """A build that lost a node in mid-training, as Slurm has started its job again."""
    going = machine.trigger(**STEPS, rebuild_from="train")
    attempt = machine.until_trained(going, 0.3)
    instances = machine.instances()
    start = machine.job(attempt).start()
    assert start is not None
    machine.until("the next checkpoint is near", 120, lambda: deep_in(attempt))
    machine.rehearsal.lose(start.node)
    seen = attempt.progress()
    assert seen is not None
    machine.until("its replacement", 240, lambda: machine.aws.calls("BatchReplaceClusterNodes"))

    def again() -> bool:
        machine.spare_the_pause(start.job)
        now = machine.job(attempt).start()
        assert now is not None
        return now.restart > start.restart

    machine.until("Slurm starts the job again", 300, again)
    return Bereft(going, attempt, start, seen.done, instances)


def test_a_lost_node_puts_training_back_under_its_job_id(machine: Any, bereft: Any) -> None:
    start, now = bereft.start, machine.job(bereft.attempt).start()
    assert (now.job, now.restart) == (start.job, start.restart + 1)
    assert machine.numbers(bereft.attempt) == {str(start.job)}


def test_the_lost_node_and_no_other_is_replaced_through_hyperpod(machine: Any, bereft: Any) -> None:
    before = bereft.instances
    machine.until("three nodes", 120, lambda: len(machine.instances()) == len(before))
    after = machine.instances()
    assert {node for node in before if before[node] != after[node]} == {bereft.start.node}
    assert len(machine.aws.calls("BatchReplaceClusterNodes")) == 1


# While that trains on, another diverges, and the time of a third is up ----------------------------


@pytest.fixture(scope="module")
def limited(machine: Rehearsed) -> Going:
    """A build that trains, and will for longer than its time limit."""
    with machine.training_job(time_limit_minutes=LIMIT_MINUTES):
        return machine.resolved(machine.trigger(**ENDLESS, train_seed=3))


@pytest.fixture(scope="module")
def diverging(machine: Rehearsed) -> Going:
    """A build whose training falls apart, on the one node where others leave room for it."""
    with machine.training_job(nodes=1), machine.training(**FALLING_APART):
        return machine.resolved(machine.trigger(train_seed=4))


@pytest.mark.usefixtures("limited", "diverging")  # they begin meanwhile
def test_training_loses_at_most_the_steps_of_one_interval_and_comes_to_the_same_weights(
    machine: Any, first: Any, bereft: Any
) -> None:
    going = bereft.going
    evaluates = {"running", "deferred"}
    machine.until("training's end", 400, lambda: machine.tasks(going)[Stage.EVALUATE] in evaluates)
    machine.fail_run(going)  # what follows was seen to its end before
    record = going.record(Stage.TRAIN)
    assert bereft.done - record.metrics["resumed_from"] <= CHECKPOINT_STEPS
    assert record.fingerprint != first.record(Stage.TRAIN).fingerprint
    assert weights(going) == weights(first)
    assert going.attempts(Stage.TRAIN).numbers() == [bereft.attempt.number]
    assert len(machine.numbers(bereft.attempt)) == 1


def test_training_that_diverges_ends_the_build_says_why_and_keeps_what_was_good(
    machine: Any, limited: Any, diverging: Any
) -> None:
    machine.step_aside(machine.until_trained(limited, FIRST_STEPS))
    going = diverging
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


def test_training_writes_a_last_checkpoint_before_its_time_limit_and_goes_on_from_that(
    machine: Any, limited: Any
) -> None:
    going, attempts = limited, limited.attempts(Stage.TRAIN)
    attempt = attempts.get(1)
    end = machine.until("its time is up", 300, attempt.exit)
    number = machine.job(attempt).start().job
    assert (end.outcome, end.code) == (Outcome.FAILED, EXIT_TRANSIENT), end.message
    last = sealed(attempt)[-1]
    assert f"stopped on request after step {last}, with a checkpoint there" in end.message
    said = machine.until("its job's word", GONE_SECONDS, machine.job(attempt).exit)
    assert (said.cause, said.exit_code) == (Cause.TIME_LIMIT, EXIT_TRANSIENT)
    # It was not Slurm that had to end it.
    assert machine.until("its end", GONE_SECONDS, lambda: machine.end_of(number)) == "FAILED"
    machine.until("the next attempt", 180, lambda: attempts.latest().number > attempt.number)
    again = attempts.get(attempt.number + 1)
    resumed = f"resumes from {attempt.folder.url(f'checkpoints/{name_of(last)}')}"
    machine.until("it goes on from there", 180, lambda: resumed in machine.said(again))
    machine.fail_run(going)
