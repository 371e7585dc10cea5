"""The laws of reaping clusters."""

from __future__ import annotations

import time
from types import SimpleNamespace
from typing import Any

import pytest

from hearth.model import Stage
from hearth.storage import Store
from operators.hyperpod.cluster import HyperPodClusterOperator
from operators.reap import ReapOperator
from operators.train import TrainOperator
from rehearsal.aws.faults import FaultKind


def setup() -> HyperPodClusterOperator:
    operator = HyperPodClusterOperator(task_id="cluster", profile="test")
    operator.poll_seconds = 0.05  # type: ignore[assignment]
    return operator


def reap(runs: dict[str, str]) -> None:
    """Let the reaper run once under an Airflow that knows these runs and their states."""
    airflow = SimpleNamespace(
        get_dr_count=lambda dag_id, run_ids: int(run_ids[0] in runs),
        get_dagrun_state=lambda dag_id, run_id: runs[run_id],
    )
    context: Any = {"ti": airflow}
    ReapOperator(task_id="reap").execute(context)


@pytest.mark.parametrize("runs", [{"run": "failed"}, {"run": "success"}, {}])
def test_the_cluster_of_a_run_that_is_over_or_deleted_is_deleted(
    cloud: Any, place: Any, run: Any, runs: Any
) -> None:
    cloud.profile(keep="false")
    run(setup(), place.build())
    reap(runs)
    deadline = time.monotonic() + 10
    while cloud.clusters() and time.monotonic() < deadline:
        reap(runs)
    assert cloud.clusters() == []


def test_the_nodes_of_a_run_that_is_over_are_given_back(cloud: Any, place: Any, run: Any) -> None:
    run(setup(), place.build("over"))
    run(setup(), place.build("active"))
    reap({"over": "failed", "active": "running"})
    assert cloud.counts()["workers"] == 2
    reap({"over": "failed", "active": "failed"})
    assert cloud.counts()["workers"] == 0


def test_a_run_deleted_in_mid_training_loses_its_job_and_its_cluster(
    cloud: Any, place: Any, run: Any, defer: Any, until: Any
) -> None:
    cloud.profile(keep="false")
    context = place.build()
    run(setup(), context)
    place.wish(Stage.TRAIN, wait=True, progress=[40])
    defer(TrainOperator(task_id="train"), context)
    attempt = place.execution(context, Stage.TRAIN).attempts.get(1)
    until(attempt.progress)

    def nothing_left() -> bool:
        reap({})
        return attempt.exit() is not None and cloud.clusters() == []

    until(nothing_left)
    assert attempt.cancel_request().by == "reaper"


def test_a_cluster_that_an_active_run_needs_is_left_alone(cloud: Any, place: Any, run: Any) -> None:
    cloud.profile(keep="false")
    run(setup(), place.build())
    reap({"run": "running"})
    reap({"run": "queued"})
    reap({"run": "something new"})
    assert len(cloud.clusters()) == 1
    assert cloud.aws.calls("DeleteCluster") == []


def test_nodes_are_given_back_once_the_change_that_goes_on_is_over(
    cloud: Any, place: Any, run: Any
) -> None:
    run(setup(), place.build())
    cloud.aws.fault("UpdateCluster", FaultKind.THROTTLE)
    reap({})
    assert cloud.counts()["workers"] == 2
    reap({})
    assert cloud.counts()["workers"] == 0


def test_nodes_that_a_person_added_stay(cloud: Any, place: Any, run: Any) -> None:
    run(setup(), place.build())
    reap({})
    cloud.settled()
    described = cloud.hook.describe("hearth")
    workers = next(g for g in described["InstanceGroups"] if g["InstanceGroupName"] == "workers")
    group = {
        name: workers[name] for name in ("InstanceGroupName", "InstanceType", "ExecutionRole")
    } | {"InstanceCount": 1}
    cloud.hook.call("update_cluster", ClusterName="hearth", InstanceGroups=[group])
    cloud.settled()
    reap({})
    assert cloud.counts()["workers"] == 1


def test_an_aws_that_is_away_keeps_no_store_from_being_reaped(cloud: Any, place: Any) -> None:
    cloud.aws.fault("ListClusters", FaultKind.UNAVAILABLE, 5)
    reap({})
    root: Store = place.root
    assert root.uri
