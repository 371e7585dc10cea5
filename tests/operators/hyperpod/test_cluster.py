"""The laws of a build's cluster."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException, TaskDeferred

from hearth.hyperpod import lease
from hearth.model import Stage
from operators import kill
from operators.hyperpod import cluster, triggers
from operators.hyperpod.cluster import HyperPodClusterOperator, HyperPodReleaseOperator
from rehearsal.aws.faults import FaultKind


def setup(**options: Any) -> HyperPodClusterOperator:
    options = {"poll_seconds": 1, **options}
    operator = HyperPodClusterOperator(task_id="cluster", profile="test", **options)
    operator.poll_seconds = 0.05  # type: ignore[assignment]
    return operator


def teardown(**options: Any) -> HyperPodReleaseOperator:
    operator = HyperPodReleaseOperator(task_id="cluster_end", profile="test", **options)
    operator.poll_seconds = 0.05  # type: ignore[assignment]
    return operator


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_cluster_is_created_scaled_for_the_run_and_scaled_back(
    cloud: Any, place: Any, run: Any, deferrable: Any
) -> None:
    context = place.build()
    assert run(setup(deferrable=deferrable), context) == {"cluster": "hearth"}
    assert cloud.counts() == {"controller": 1, "workers": 2}
    assert all(node.status == "Running" for node in cloud.hook.nodes("hearth"))
    run(teardown(deferrable=deferrable), context)
    assert cloud.counts() == {"controller": 1, "workers": 0}
    assert place.kinds(context)[-2:] == ["cluster", "cluster"]


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_cluster_of_the_builds_own_is_deleted(
    cloud: Any, place: Any, run: Any, deferrable: Any
) -> None:
    cloud.profile(keep="false")
    context = place.build()
    name = run(setup(deferrable=deferrable), context)["cluster"]
    assert name.startswith("hearth-")
    assert cloud.clusters() == [name]
    run(teardown(deferrable=deferrable), context)
    assert cloud.clusters() == []


@pytest.mark.parametrize(
    ("states", "fails"),
    [
        ({"train": "failed", "gate": "skipped"}, True),
        ({"train": "failed", "gate": "upstream_failed"}, False),
        ({"evaluate_anchor": "skipped", "gate": None}, False),
    ],
)
def test_a_run_that_was_marked_failed_ends_so_once_its_cluster_is_given_back(
    cloud: Any, place: Any, run: Any, states: Any, fails: Any
) -> None:
    context = place.build()
    run(setup(), context)
    context["ti"].get_task_states = lambda **_: {context["ti"].run_id: states}
    if fails:
        with pytest.raises(AirflowFailException, match="was marked failed"):
            run(teardown(), context)
    else:
        run(teardown(), context)
    assert cloud.counts()["workers"] == 0


def test_the_nodes_role_and_the_clusters_arn_are_of_the_regions_partition(
    cloud: Any, place: Any, run: Any
) -> None:
    run(setup(), place.build())
    described = cloud.hook.describe("hearth")
    assert described["ClusterArn"].split(":")[1] == "aws-cn"
    role = described["InstanceGroups"][0]["ExecutionRole"]
    assert role.split(":")[1] == "aws-cn"
    assert role.endswith(":role/hearth-nodes")


@pytest.mark.parametrize(
    ("keep", "kind", "times"),
    [
        ("true", FaultKind.THROTTLE, 2),
        ("true", FaultKind.LOST_ANSWER, 1),
        ("false", FaultKind.LOST_ANSWER, 1),
    ],
)
def test_one_cluster_whatever_becomes_of_the_answer(
    cloud: Any, place: Any, tried: Any, keep: str, kind: FaultKind, times: int
) -> None:
    cloud.profile(keep=keep)
    cloud.aws.fault("CreateCluster", kind, times)
    cloud.aws.lag(0.3)
    context = place.build()
    tried(setup, context)
    tried(setup, context)
    assert len(cloud.clusters()) == 1


def test_a_cluster_that_shows_late_is_waited_for_and_not_made_again(
    cloud: Any, place: Any, run: Any
) -> None:
    cloud.aws.lag(1.5)
    assert run(setup(), place.build())
    assert cloud.aws.calls("CreateCluster") == ["CreateCluster"]


def test_a_cluster_that_is_there_is_adopted_and_updated(cloud: Any, place: Any, run: Any) -> None:
    run(setup(), place.build("first"))
    cloud.profile(count=3)
    assert run(setup(), place.build("second"))
    assert cloud.clusters() == ["hearth"]
    assert cloud.counts() == {"controller": 1, "workers": 3}


def test_nodes_stay_while_another_build_needs_them(cloud: Any, place: Any, run: Any) -> None:
    first, second = place.build("first"), place.build("second")
    run(setup(), first)
    run(setup(), second)
    run(teardown(), first)
    assert cloud.counts()["workers"] == 2
    run(teardown(), second)
    assert cloud.counts()["workers"] == 0


def test_a_lease_taken_while_another_ends_keeps_its_nodes(
    cloud: Any, place: Any, run: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = place.build("first"), place.build("second")
    run(setup(), first)
    build = place.build_of(second).id
    keeper = cloud.keeper
    plain = keeper.hook.call

    def call(operation: str, **arguments: Any) -> Any:
        answer = plain(operation, **arguments)
        if operation == "update_cluster":
            arn = cloud.hook.describe("hearth")["ClusterArn"]
            cloud.hook.tag(arn, {lease.key_of(build): "1"})
        return answer

    monkeypatch.setattr(keeper.hook, "call", call)
    keeper.release(place.build_of(first).id)
    cloud.settled()
    assert run(setup(), second)
    assert cloud.counts()["workers"] == 2


def test_somebody_elses_cluster_is_left_alone_unless_the_profile_adopts_it(
    cloud: Any, place: Any, run: Any
) -> None:
    group = {
        "InstanceGroupName": "controller", "InstanceType": "ml.m5.large", "InstanceCount": 1,
        "ExecutionRole": "a-role-of-somebody-else",
    }  # fmt: skip
    cloud.hook.call(
        "create_cluster", ClusterName="hearth", InstanceGroups=[group], NodeRecovery="None"
    )
    cloud.settled()
    context = place.build()
    with pytest.raises(AirflowFailException, match="adopt: true"):
        run(setup(), context)
    assert cloud.counts() == {"controller": 1}
    cloud.profile(adopt="true")
    adopted = place.build("adopted")
    assert run(setup(), adopted)
    assert cloud.counts() == {"controller": 1, "workers": 2}
    run(teardown(), adopted)
    assert cloud.counts() == {"controller": 1, "workers": 0}


def test_another_stores_cluster_is_left_alone(cloud: Any, place: Any, run: Any) -> None:
    run(setup(), place.build())
    arn = cloud.hook.describe("hearth")["ClusterArn"]
    cloud.hook.tag(arn, {lease.STORE: "s3://another"})
    with pytest.raises(AirflowFailException, match="is not Hearth's for this store"):
        run(setup(), place.build("other"))
    assert list(cloud.keeper.reap(lambda _build: False)) == []


def test_a_cluster_that_does_not_come_up_is_given_back(cloud: Any, place: Any, run: Any) -> None:
    cloud.profile(keep="false", minutes=0.0001)
    context = place.build()
    with pytest.raises(AirflowFailException, match="not in service after"):
        run(setup(), context)
    name = cloud.keeper.name(place.build_of(context).id)
    # Deleting it may have to wait for the change that goes on: then the reaper does.
    for _ in range(100):
        list(cloud.keeper.reap(lambda _build: False))
        if cloud.hook.describe(name) is None:
            break
    assert cloud.clusters() == []


def test_no_cluster_is_started_for_what_is_reused(cloud: Any, place: Any, run: Any) -> None:
    context = place.build()
    for stage in (Stage.MIRROR, Stage.SUITE, Stage.CURATE, Stage.TRAIN, Stage.EVALUATE):
        place.finish(context, stage)
    assert run(setup(), context) is None
    assert cloud.aws.calls("CreateCluster") == []
    run(teardown(), context)


def test_a_profile_without_a_cluster_needs_none(cloud: Any, place: Any, run: Any) -> None:
    path = place.config / "profiles" / "test.yaml"
    path.write_text(path.read_text().split("\naws:")[0])
    context = place.build()
    assert run(setup(), context) is None
    assert run(teardown(), context) is None


@pytest.mark.parametrize(
    ("state", "kept"), [("failed", False), ("success", True), (None, True), ("deferred", True)]
)
def test_only_a_person_who_gives_the_task_up_gives_the_cluster_back(
    cloud: Any, place: Any, run: Any, monkeypatch: pytest.MonkeyPatch, state: Any, kept: Any
) -> None:
    cloud.profile(keep="false")
    context = place.build()
    with pytest.raises(TaskDeferred) as caught:
        setup().execute(context)
    trigger = caught.value.trigger
    cloud.settled(trigger.cluster)
    monkeypatch.setattr(kill, "ask", lambda *_: state)
    trigger._kill(SimpleNamespace(task_id="cluster"))
    described = cloud.hook.describe(trigger.cluster)
    assert (described is not None and described["ClusterStatus"] != "Deleting") is kept


def test_a_trigger_outlives_an_aws_that_is_away(cloud: Any, place: Any) -> None:
    with pytest.raises(TaskDeferred) as caught:
        setup().execute(place.build())
    for kind in (FaultKind.UNAVAILABLE, FaultKind.THROTTLE):
        cloud.aws.fault("DescribeCluster", kind, 2)

    async def events() -> list[Any]:
        return [event.payload async for event in caught.value.trigger.run()]

    assert len(asyncio.run(asyncio.wait_for(events(), 20))) == 1


def test_a_triggers_settings_survive_the_database(cloud: Any, place: Any) -> None:
    context = place.build()
    with pytest.raises(TaskDeferred) as caught:
        setup().execute(context)
    path, arguments = caught.value.trigger.serialize()
    assert path == "operators.hyperpod.triggers.ClusterTrigger"
    again = triggers.ClusterTrigger(**arguments)
    assert again.serialize() == (path, arguments)
    assert again._hook_parameters["endpoint_url"] == f"{cloud.aws.url}/"
    assert cluster.POLL_SECONDS == 30
