"""The laws of training on a cluster whose nodes fail: told, tied to what AWS says, and mended."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from airflow.sdk.exceptions import TaskDeferred

from hearth import execution
from hearth.compute.backend import JobHandle, JobStatus
from hearth.compute.local import LocalBackend
from hearth.compute.outcome import Cause, JobState
from hearth.compute.registry import open_backend
from hearth.model import Stage
from hearth.profile import load_profile
from hearth.settings import settings
from operators import kill
from operators.hyperpod.cluster import HyperPodClusterOperator
from operators.train import TrainOperator, TrainTrigger
from rehearsal.aws.faults import FaultKind

NODE_LOST = JobStatus(
    state=JobState.PENDING,
    cause=Cause.NODE_FAILED,
    reason="lost its node (workers-1): Slurm is about to start it again",
    job="17",
)


class Scheduler(LocalBackend):
    """Runs jobs on this machine, and says of those that run what a test wants to be said."""

    says: JobStatus

    def status(self, handle: JobHandle) -> JobStatus:
        found = super().status(handle)
        return found if found.state.final else type(self).says


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> type[Scheduler]:
    class Own(Scheduler):
        says = JobStatus(state=JobState.RUNNING, job="17")

    def opened(*arguments: Any) -> Scheduler:
        local = open_backend(*arguments)
        assert isinstance(local, LocalBackend)
        return Own(local.jobs, local.environments)

    monkeypatch.setattr(execution, "open_backend", opened)
    return Own


@pytest.fixture
def begin(
    cloud: Any, place: Any, run: Any, defer: Any, until: Any, scheduler: Any
) -> Callable[..., tuple[Any, Any]]:
    """Starts a build that trains on a cluster in service: its context, and what it waits for."""
    del scheduler

    def start(**profile: Any) -> tuple[Any, Any]:
        cloud.profile(**profile)
        context = place.build()
        setup = HyperPodClusterOperator(task_id="cluster", profile="test")
        setup.poll_seconds = 0.05  # type: ignore[assignment]
        run(setup, context)
        place.wish(Stage.TRAIN, wait=True, progress=[40])
        deferred = defer(TrainOperator(task_id="train"), context)
        until(place.execution(context, Stage.TRAIN).attempts.get(1).progress)
        return context, deferred

    return start


@pytest.fixture
def training(begin: Any) -> Any:
    return begin()


def concern(trigger: Any) -> Any:
    """What a trigger has the operator see to, after one look."""
    watched = trigger._open()
    return trigger.concern(watched, watched.execution.look(watched.attempt))


def hosts(cloud: Any) -> dict[str, str]:
    return {node.host: node.id for node in cloud.hook.nodes("hearth")}


def resumed(context: Any, event: dict[str, Any]) -> TrainTrigger:
    """Resume in a worker; return what it waits for then."""
    with pytest.raises(TaskDeferred) as caught:
        TrainOperator(task_id="train").resume(context, event)
    trigger = caught.value.trigger
    assert isinstance(trigger, TrainTrigger)
    return trigger


def test_a_lost_node_is_told_of_and_replaced_while_the_job_waits_to_be_started_again(
    cloud: Any, place: Any, wait: Any, training: Any, scheduler: Any, until: Any, capsys: Any
) -> None:
    context, deferred = training
    before = hosts(cloud)
    scheduler.says = NODE_LOST
    cloud.aws.fail_node("hearth", "workers-1", "GPU fell off the bus")
    event = wait(deferred.trigger)
    said = capsys.readouterr().out
    assert "job 17: lost its node (workers-1)" in said
    assert f"faulty: workers {before['workers-1']}" in said
    assert "GPU fell off the bus" in said
    assert cloud.aws.calls("BatchReplaceClusterNodes") == []
    trigger = resumed(context, event)
    # Airflow throws away what a trigger said once its task defers again: it is said once more.
    repeated = capsys.readouterr().out
    assert "job 17: lost its node (workers-1)" in repeated
    assert "GPU fell off the bus" in repeated
    assert f"replace: workers {before['workers-1']}" in repeated
    cloud.settled()
    after = hosts(cloud)
    assert {name for name in before if before[name] != after[name]} == {"workers-1"}
    assert len(cloud.aws.calls("BatchReplaceClusterNodes")) == 1
    cluster_events = [e.data["what"] for e in place.build_of(context).events()
                      if e.kind == "cluster"]  # fmt: skip
    assert any("replace workers" in str(what) for what in cluster_events)
    scheduler.says = JobStatus(state=JobState.RUNNING, job="17", restarts=1)
    place.release(Stage.TRAIN)
    attempt = place.execution(context, Stage.TRAIN).attempts.get(1)
    until(attempt.exit)
    result = TrainOperator(task_id="train").resume(context, wait(trigger))
    assert result["uri"] == attempt.artifact.uri
    assert place.starts(Stage.TRAIN) == [1]


def test_a_person_may_take_the_task_away_while_it_sees_to_a_node(
    cloud: Any, place: Any, wait: Any, training: Any, scheduler: Any, monkeypatch: Any
) -> None:
    context, deferred = training
    scheduler.says = NODE_LOST
    cloud.aws.fail_node("hearth", "workers-1")
    event, task = wait(deferred.trigger), TrainOperator(task_id="train")
    with pytest.raises(TaskDeferred):
        task.resume(context, event)
    monkeypatch.setattr(kill, "ask", lambda _task, _seconds: "failed")
    task.on_kill()
    assert place.execution(context, Stage.TRAIN).attempts.get(1).exit() is not None


def test_a_restart_is_told_of_once_and_a_cluster_that_is_well_is_left_alone(
    cloud: Any, place: Any, wait: Any, training: Any, scheduler: Any, until: Any, capsys: Any
) -> None:
    _, deferred = training
    scheduler.says = JobStatus(state=JobState.RUNNING, job="17", restarts=1)
    trigger = deferred.trigger
    for _ in range(3):
        assert concern(trigger) == {}
    said = capsys.readouterr().out
    assert said.count("job 17 restarted: 1") == 1
    assert said.count("cluster hearth: 3 running") == 1
    assert trigger.worried is False
    place.release(Stage.TRAIN)


def test_no_node_is_asked_about_while_nothing_is_wrong_with_the_job(
    cloud: Any, place: Any, training: Any
) -> None:
    _, deferred = training
    asked = len(cloud.aws.calls("ListClusterNodes"))
    trigger = deferred.trigger
    assert concern(trigger) == {}
    assert len(cloud.aws.calls("ListClusterNodes")) == asked
    place.release(Stage.TRAIN)


def test_a_stall_is_tied_to_what_the_cluster_says(
    cloud: Any, place: Any, training: Any, capsys: Any
) -> None:
    _, deferred = training
    cloud.aws.fail_node("hearth", "workers-2", "NVLink is down")
    trigger = deferred.trigger
    trigger.stall_seconds = 1e9
    assert concern(trigger) == {}
    trigger.stall_seconds = 500.0
    trigger._watchdog._since -= 1_000
    assert concern(trigger)["stalled"] == [0, "train", 40]
    trigger.stall_seconds = 1_500.0
    assert concern(trigger)["repair"] is True
    said = capsys.readouterr().out
    assert "gets no further in step 'train', at 40" in said
    assert "NVLink is down" in said
    place.release(Stage.TRAIN)


def test_what_is_a_persons_to_mend_is_said_and_the_job_waits(
    cloud: Any, place: Any, begin: Any, scheduler: Any, capsys: Any
) -> None:
    _, deferred = begin(budget=0)
    scheduler.says = NODE_LOST
    cloud.aws.fail_node("hearth", "workers-1")
    assert concern(deferred.trigger) == {}
    assert deferred.trigger.worried is True
    assert "a person is to look at workers" in capsys.readouterr().out
    place.release(Stage.TRAIN)


def test_what_aws_mends_by_itself_is_told_and_not_asked_for(
    cloud: Any, place: Any, begin: Any, scheduler: Any, capsys: Any
) -> None:
    _, deferred = begin(recovery="Automatic")
    scheduler.says = NODE_LOST
    cloud.aws.fail_node("hearth", "workers-1", "GPU fell off the bus")
    assert concern(deferred.trigger) == {}
    assert "GPU fell off the bus" in capsys.readouterr().out
    assert cloud.aws.calls("BatchReplaceClusterNodes") == []
    place.release(Stage.TRAIN)


def test_who_only_joined_a_job_repairs_nothing_for_it(
    cloud: Any, place: Any, defer: Any, training: Any, scheduler: Any
) -> None:
    other = place.build("other")
    trigger = defer(TrainOperator(task_id="train"), other).trigger
    scheduler.says = NODE_LOST
    cloud.aws.fail_node("hearth", "workers-1")
    assert concern(trigger) == {}
    place.release(Stage.TRAIN)


@pytest.mark.parametrize("kind", [FaultKind.THROTTLE, FaultKind.LOST_ANSWER])
def test_an_aws_that_does_not_answer_harms_no_training_and_is_asked_again(
    cloud: Any, training: Any, place: Any, scheduler: Any, capsys: Any, kind: Any
) -> None:
    context, deferred = training
    before = hosts(cloud)
    scheduler.says = NODE_LOST
    cloud.aws.fail_node("hearth", "workers-1")
    cloud.aws.fault("DescribeCluster", FaultKind.THROTTLE)
    trigger = deferred.trigger
    assert concern(trigger) == {}
    assert "how its cluster is cannot be told" in capsys.readouterr().out
    trigger._look_at = 0.0
    event = concern(trigger)
    cloud.aws.fault("BatchReplaceClusterNodes", kind)
    again = resumed(context, {"fingerprint": trigger.fingerprint, "attempt": 1, **event})
    assert again.worried is True
    for _ in range(3):
        again._look_at = 0.0
        event = concern(again)
        if not event:
            break
        again = resumed(context, {"fingerprint": trigger.fingerprint, "attempt": 1, **event})
    cloud.settled()
    after = hosts(cloud)
    assert {name for name in before if before[name] != after[name]} == {"workers-1"}
    replaced = [event for event in cloud.hook.events("hearth") if "replacing" in event.text]
    assert len(replaced) == 1
    place.release(Stage.TRAIN)


def test_a_profile_without_a_cluster_has_nothing_to_ask(
    place: Any, defer: Any, scheduler: Any, until: Any
) -> None:
    place.wish(Stage.TRAIN, wait=True, progress=[40])
    context = place.build()
    trigger = defer(TrainOperator(task_id="train"), context).trigger
    assert load_profile("test").aws is None
    assert settings().home == place.home
    scheduler.says = NODE_LOST
    assert concern(trigger) == {}
    assert trigger.worried is False
    place.release(Stage.TRAIN)
