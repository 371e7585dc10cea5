"""A production recipe rehearsed: real Airflow, real Slurm, what it does when things die.

The tests share one rehearsal and go on where the one before left it.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest

from hearth.attempt import Attempt, Outcome
from hearth.build import EventKind
from hearth.compute.slurm.folder import Start
from hearth.model import Stage
from hearth.train.checkpoint import MANIFEST, step_of

pytestmark = [pytest.mark.network, pytest.mark.timeout(1200)]

ALL_STAGES = (Stage.MIRROR, Stage.SUITE, Stage.CURATE, Stage.TRAIN, Stage.EVALUATE)
NODES = {"worker-1", "worker-2", "worker-3"}
STEPS = {"train_steps": 300, "train_seed": 1}
ENDLESS = {"train_steps": 20_000, "train_seed": 2}
GONE_SECONDS = 60.0
STARTING = ") starting"  # as a triggerer says of each trigger
OVER = {"success", "failed"}


def newest(attempt: Attempt) -> int:
    """The step of the newest checkpoint that is whole in the store."""
    paths = [info.path for info in attempt.folder.list("checkpoints")]
    whole = [path.split("/")[-2] for path in paths if path.endswith(MANIFEST)]
    return max(step_of(name) for name in whole)


class Bereft(NamedTuple):
    """What was seen of a build that lost a node."""

    going: Any
    attempt: Attempt
    start: Start
    durable: int
    before: dict[str, str]
    after: dict[str, str]


def weights(going: Any) -> str:
    return str(going.record(Stage.TRAIN).output("model/model.safetensors").sha256)


def assert_cancelled(machine: Any, attempt: Attempt, by: str) -> None:
    end = machine.until("its last word", GONE_SECONDS, attempt.exit)
    assert end.outcome in {Outcome.CANCELLED, Outcome.FAILED}
    request = attempt.cancel_request()
    assert request is not None
    assert request.by == by


def trained_again(machine: Any, going: Any, number: int) -> None:
    """Wait until an attempt trains, in one job."""
    attempts = going.attempts(Stage.TRAIN)
    machine.until("the next attempt", 240, lambda: attempts.latest().number == number)
    machine.until_trained(going, 0.002)
    machine.until("one job alone", GONE_SECONDS, lambda: machine.queue() == ["RUNNING"])


# The rehearsal itself -----------------------------------------------------------------------------


def test_every_stage_is_one_job_of_slurm_and_training_has_two_nodes(
    machine: Any, first: Any
) -> None:
    for stage in ALL_STAGES:
        assert len(machine.numbers(first.attempts(stage).latest())) == 1, stage
    name = machine.job(first.attempts(Stage.TRAIN).latest()).slurm_name
    nodes = machine.slurm.run("sacct", "-n", "-X", "-P", "--name", name, "-o", "nnodes")
    assert nodes == "2"
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
def bereft(machine: Any, first: Any) -> Any:
    """A build that lost a node in mid-training, as its training had ended."""
    going = machine.trigger(**STEPS, rebuild_from="train")
    attempt = machine.until_trained(going, 0.3)
    before = machine.instances()
    start = machine.job(attempt).start()
    assert start is not None
    durable = newest(attempt)
    machine.rehearsal.lose(start.node)
    machine.until("its replacement", 240, lambda: machine.aws.calls("BatchReplaceClusterNodes"))

    def again() -> bool:
        machine.spare_the_pause(start.job)
        now = machine.job(attempt).start()
        assert now is not None
        return bool(now.restart > start.restart)

    machine.until("Slurm starts the job again", 300, again)
    machine.until("training's end", 400, lambda: machine.tasks(going)[Stage.TRAIN] == "success")
    after = machine.until(
        "three nodes", 120, lambda: found if len(found := machine.instances()) == 3 else None
    )
    # What follows was seen to its end before.
    machine.fail_run(going)
    machine.until("its end", 180, lambda: machine.state(going) in OVER)
    return Bereft(going, attempt, start, durable, before, after)


def test_a_lost_node_puts_training_back_under_its_job_id(machine: Any, bereft: Any) -> None:
    start, now = bereft.start, machine.job(bereft.attempt).start()
    assert (now.job, now.restart) == (start.job, start.restart + 1)
    assert bereft.going.attempts(Stage.TRAIN).numbers() == [bereft.attempt.number]
    assert machine.numbers(bereft.attempt) == {str(start.job)}


def test_training_goes_on_from_the_newest_checkpoint_to_the_same_weights(
    first: Any, bereft: Any
) -> None:
    record = bereft.going.record(Stage.TRAIN)
    assert record.metrics["resumed_from"] >= bereft.durable
    assert record.fingerprint != first.record(Stage.TRAIN).fingerprint
    assert weights(bereft.going) == weights(first)


def test_the_lost_node_and_no_other_is_replaced_through_hyperpod(machine: Any, bereft: Any) -> None:
    before, after = bereft.before, bereft.after
    assert {node for node in before if before[node] != after[node]} == {bereft.start.node}
    assert len(machine.aws.calls("BatchReplaceClusterNodes")) == 1


# Servers die --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def endless(machine: Any, first: Any) -> Any:
    """A build whose training does not end by itself."""
    going = machine.trigger(**ENDLESS)
    return going, machine.until_trained(going, 0.002)


def test_slurms_servers_may_be_away_while_a_job_runs(machine: Any, endless: Any) -> None:
    going, attempt = endless
    machine.slurm.stop_rest()
    machine.slurm.stop_controller()
    machine.until(
        "the triggerer notices", 120, lambda: "asking again" in machine.triggered(going, "train")
    )
    machine.slurm.start_controller()
    machine.slurm.start_rest()
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


# A person gives up --------------------------------------------------------------------------------


def test_a_task_that_is_cleared_goes_on_as_the_next_attempt(machine: Any, endless: Any) -> None:
    going, attempt = endless
    machine.clear_task(going, "train")
    assert_cancelled(machine, attempt, by=going.id)
    trained_again(machine, going, attempt.number + 1)


def test_a_task_marked_failed_has_its_job_cancelled_and_the_cluster_given_back(
    machine: Any, endless: Any
) -> None:
    going, _ = endless
    attempt = going.attempts(Stage.TRAIN).latest()
    machine.fail_task(going, "train")
    assert_cancelled(machine, attempt, by=going.id)
    machine.until("no job is left", GONE_SECONDS, lambda: not machine.queue())
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
    machine.until("its end", 180, lambda: machine.state(going) in OVER)
    machine.delete_run(going)
    assert machine.queue() == ["RUNNING"]
    assert machine.paid_for()
    machine.stack.up()
    machine.reap()
    assert attempt.exit() is not None
    assert machine.queue() == []
    machine.until("nothing is paid for", GONE_SECONDS, lambda: not machine.paid_for())
