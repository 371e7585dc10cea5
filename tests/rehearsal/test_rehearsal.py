"""A production recipe rehearsed: real Airflow, real Slurm, what it does when things die.

The tests share one rehearsal and go on where the one before left it.
"""

from __future__ import annotations

import re
import time
from typing import Any, NamedTuple

import pytest

from hearth.attempt import Attempt, Outcome
from hearth.build import EventKind
from hearth.compute.outcome import Cause
from hearth.compute.slurm.folder import Start
from hearth.errors import EXIT_DATA, EXIT_TRANSIENT
from hearth.model import Stage
from hearth.train.checkpoint import MANIFEST, name_of, step_of
from tests.rehearsal.conftest import CHECKPOINT_STEPS, HANG_SECONDS, NODES, STEPS

pytestmark = [pytest.mark.network, pytest.mark.timeout(1200)]

ALL_STAGES = (Stage.MIRROR, Stage.SUITE, Stage.CURATE, Stage.TRAIN, Stage.EVALUATE)
ENDLESS = {"train_steps": 100_000, "train_seed": 2}
FIRST_STEPS = CHECKPOINT_STEPS / ENDLESS["train_steps"]
LIMIT_MINUTES = 1.25
# A weight decay of ten times a rate that rises to one turns every matrix into -9 times itself.
FALLING_APART = {
    "optimizer": {"kind": "adamw", "learning_rate": 1, "weight_decay": 10},
    "schedule": {"warmup_steps": 30},
    "operation": {"divergence": 100, "interval_steps": 2, "checkpoint_steps": 2},
}
GONE_SECONDS = 60.0
CANCELLED_SECONDS = 30.0  # from a person's button to the job's end
REAPED_SECONDS = 300.0  # from a run's deletion until nothing of it is left
AWAY_SECONDS = 60.0
STARTING = ") starting"  # as a triggerer says of each trigger
FOLLOWS = ": train: "  # as it says of one that trains
OVER = {"success", "failed"}


def sealed(attempt: Attempt) -> list[int]:
    """The steps of the checkpoints that are whole in the store."""
    paths = [info.path for info in attempt.folder.list("checkpoints")]
    return sorted(step_of(path.split("/")[-2]) for path in paths if path.endswith(MANIFEST))


def deep_in(attempt: Attempt) -> bool:
    """Whether an attempt trains in the second half of the steps between two checkpoints."""
    seen = attempt.progress()
    assert seen is not None
    assert seen.step == "train", "it trained faster than it could be looked at"
    return seen.done % CHECKPOINT_STEPS >= CHECKPOINT_STEPS / 2


class Bereft(NamedTuple):
    """What was seen of a build that lost a node."""

    going: Any
    attempt: Attempt
    start: Start
    done: int
    before: dict[str, str]
    after: dict[str, str]


def weights(going: Any) -> str:
    return str(going.record(Stage.TRAIN).output("model/model.safetensors").sha256)


def assert_cancelled(machine: Any, attempt: Attempt, by: str) -> None:
    end = machine.until("its last word", CANCELLED_SECONDS, attempt.exit)
    assert end.outcome in {Outcome.CANCELLED, Outcome.FAILED}
    request = attempt.cancel_request()
    assert request is not None
    assert request.by == by


def trained_again(machine: Any, going: Any, number: int) -> None:
    """Wait until an attempt trains, in one job."""
    attempts = going.attempts(Stage.TRAIN)
    machine.until("the next attempt", 240, lambda: attempts.latest().number == number)
    machine.until_trained(going, FIRST_STEPS)
    machine.until("one job alone", GONE_SECONDS, lambda: machine.queue() == ["RUNNING"])


# The rehearsal itself -----------------------------------------------------------------------------


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
def bereft(machine: Any, first: Any) -> Any:
    """A build that lost a node in mid-training, as its training had ended."""
    going = machine.trigger(**STEPS, rebuild_from="train")
    attempt = machine.until_trained(going, 0.3)
    before = machine.instances()
    start = machine.job(attempt).start()
    assert start is not None
    machine.until("the next checkpoint is near", 120, lambda: deep_in(attempt))
    machine.rehearsal.lose(start.node)
    done = attempt.progress().done
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
    return Bereft(going, attempt, start, done, before, after)


def test_a_lost_node_puts_training_back_under_its_job_id(machine: Any, bereft: Any) -> None:
    start, now = bereft.start, machine.job(bereft.attempt).start()
    assert (now.job, now.restart) == (start.job, start.restart + 1)
    assert bereft.going.attempts(Stage.TRAIN).numbers() == [bereft.attempt.number]
    assert machine.numbers(bereft.attempt) == {str(start.job)}


def test_training_loses_at_most_the_steps_of_one_interval_and_comes_to_the_same_weights(
    first: Any, bereft: Any
) -> None:
    record = bereft.going.record(Stage.TRAIN)
    assert bereft.done - record.metrics["resumed_from"] <= CHECKPOINT_STEPS
    assert record.fingerprint != first.record(Stage.TRAIN).fingerprint
    assert weights(bereft.going) == weights(first)


def test_the_lost_node_and_no_other_is_replaced_through_hyperpod(machine: Any, bereft: Any) -> None:
    before, after = bereft.before, bereft.after
    assert {node for node in before if before[node] != after[node]} == {bereft.start.node}
    assert len(machine.aws.calls("BatchReplaceClusterNodes")) == 1


# Time is up ---------------------------------------------------------------------------------------


def test_training_writes_a_last_checkpoint_before_its_time_limit_and_goes_on_from_that(
    machine: Any, first: Any
) -> None:
    with machine.time_limit(LIMIT_MINUTES):
        going = machine.trigger(**{**ENDLESS, "train_seed": 3})
        machine.until("it is resolved", 180, lambda: going.build.folder.exists("build.json"))
    attempts = going.attempts(Stage.TRAIN)
    machine.until("its first attempt", 300, attempts.numbers)
    attempt = attempts.get(1)
    end = machine.until("its time is up", 300, attempt.exit)
    number = machine.job(attempt).start().job
    assert (end.outcome, end.code) == (Outcome.FAILED, EXIT_TRANSIENT)
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
    machine.until("its end", 180, lambda: machine.state(going) in OVER)


# Training goes wrong ------------------------------------------------------------------------------


def test_training_that_diverges_ends_the_build_says_why_and_keeps_what_was_good(
    machine: Any, first: Any
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


# Servers die --------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def endless(machine: Any, first: Any) -> Any:
    """A build whose training does not end by itself."""
    going = machine.trigger(**ENDLESS)
    return going, machine.until_trained(going, FIRST_STEPS)


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


# A rank hangs -------------------------------------------------------------------------------------


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
    assert (end.outcome, end.code) == (Outcome.FAILED, EXIT_TRANSIENT)
    assert "a rank hangs; all were ended" in end.message
    trained_again(machine, going, attempt.number + 1)
    said = machine.said(attempts.latest())
    assert "checkpoint refused, the one before is used" in said
    assert attempt.folder.url(shard) in said
    assert f"resumes from {attempt.folder.url(f'checkpoints/{name_of(whole)}')}" in said
    assert whole == newest - CHECKPOINT_STEPS


# A person gives up --------------------------------------------------------------------------------


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
    machine.until("its end", 180, lambda: machine.state(going) in OVER)
    machine.delete_run(going)
    late = time.monotonic() + REAPED_SECONDS
    machine.stack.up()
    machine.until(
        "the reaper's turn",
        late - time.monotonic(),
        lambda: not machine.queue() and not machine.paid_for(),
    )
    assert_cancelled(machine, attempt, by="reaper")
