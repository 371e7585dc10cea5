"""The laws of a cluster's nodes: waiting for their health, and mending them."""

from __future__ import annotations

from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from hearth.hyperpod.nodes import Ledger
from operators.hyperpod.cluster import HyperPodClusterOperator
from operators.hyperpod.health import HyperPodHealthCheckOperator, HyperPodNodeHealthSensor
from operators.hyperpod.repair import HyperPodReplaceNodesOperator
from rehearsal.aws.faults import FaultKind


def repair(**options: Any) -> HyperPodReplaceNodesOperator:
    options = {"poll_seconds": 0.05, **options}
    return HyperPodReplaceNodesOperator(task_id="repair", profile="test", **options)


def health(**options: Any) -> HyperPodNodeHealthSensor:
    options = {"poll_seconds": 0.05, **options}
    return HyperPodNodeHealthSensor(task_id="health", profile="test", **options)


@pytest.fixture
def context(cloud: Any, place: Any, run: Any) -> Any:
    """A build whose cluster is in service."""
    made = place.build()
    operator = HyperPodClusterOperator(task_id="cluster", profile="test")
    operator.poll_seconds = 0.05  # type: ignore[assignment]
    run(operator, made)
    return made


def ids(cloud: Any) -> dict[str, str]:
    """The instances that run, by the machines that they are."""
    return {node.host: node.id for node in cloud.hook.nodes("hearth") if node.status == "Running"}


@pytest.mark.parametrize("deferrable", [True, False])
def test_a_faulty_node_is_replaced_and_no_other(
    cloud: Any, run: Any, context: Any, deferrable: Any
) -> None:
    before = ids(cloud)
    cloud.aws.fail_node("hearth", "workers-2")
    found = run(repair(deferrable=deferrable), context)
    after = ids(cloud)
    assert found == {"running": 3, "repaired": [before["workers-2"]]}
    assert {name for name in before if before[name] != after[name]} == {"workers-2"}


@pytest.mark.parametrize(
    ("kind", "calls"),
    [(FaultKind.LOST_ANSWER, 2), (FaultKind.THROTTLE, 2), (FaultKind.UNAVAILABLE, 2)],
)
def test_one_replacement_whatever_becomes_of_the_answer(
    cloud: Any, run: Any, context: Any, kind: FaultKind, calls: int
) -> None:
    before = ids(cloud)
    cloud.aws.fail_node("hearth", "workers-1")
    cloud.aws.lag(0.3)
    cloud.shows("Failure")
    cloud.aws.fault("BatchReplaceClusterNodes", kind)
    run(repair(), context)
    run(repair(), context)
    after = ids(cloud)
    assert {name for name in before if before[name] != after[name]} == {"workers-1"}
    replaced = [event for event in cloud.hook.events("hearth") if "replacing" in event.text]
    assert len(replaced) == 1
    assert 1 <= len(cloud.aws.calls("BatchReplaceClusterNodes")) <= calls + 1


def test_two_builds_that_see_one_faulty_node_replace_it_once(
    cloud: Any, place: Any, run: Any, context: Any
) -> None:
    cloud.aws.fail_node("hearth", "workers-1")
    other = place.build("other")
    run(repair(), context)
    run(repair(), other)
    assert len(Ledger(place.root, "hearth").all()) == 1


def test_a_build_repairs_no_more_nodes_than_its_budget(
    cloud: Any, place: Any, run: Any, context: Any
) -> None:
    cloud.profile(budget=1)
    build = place.build("poor")
    before = ids(cloud)
    cloud.aws.fail_node("hearth", "workers-1")
    cloud.aws.fail_node("hearth", "workers-2")
    with pytest.raises(AirflowFailException, match="budget of 1 repairs is used up"):
        run(repair(), build)
    after = ids(cloud)
    assert sum(after.get(name) not in {None, before[name]} for name in before) == 1
    with pytest.raises(AirflowFailException, match="budget"):
        run(repair(), build)


def test_a_slurm_controller_is_left_to_a_person(cloud: Any, run: Any, context: Any) -> None:
    cloud.aws.fail_node("hearth", "controller-1")
    with pytest.raises(AirflowFailException, match="controller is not replaced"):
        run(repair(), context)
    assert cloud.aws.calls("BatchReplaceClusterNodes") == []


def test_a_node_is_rebooted_where_the_profile_says_so(
    cloud: Any, place: Any, run: Any, context: Any
) -> None:
    cloud.profile(action="reboot")
    before = ids(cloud)
    cloud.aws.fail_node("hearth", "workers-1")
    run(repair(), place.build("reboots"))
    assert ids(cloud) == before
    assert cloud.aws.calls("BatchRebootClusterNodes")


@pytest.mark.parametrize("deferrable", [True, False])
def test_the_sensor_waits_until_every_node_runs(
    cloud: Any, run: Any, context: Any, deferrable: Any
) -> None:
    node = ids(cloud)["workers-1"]
    cloud.hook.call("batch_replace_cluster_nodes", ClusterName="hearth", NodeIds=[node])
    assert run(health(deferrable=deferrable), context) == {"running": 3, "faulty": []}
    assert node not in ids(cloud).values()


def test_the_sensor_names_faulty_nodes(cloud: Any, place: Any, run: Any, context: Any) -> None:
    cloud.aws.fail_node("hearth", "workers-1", "GPU fell off the bus")
    faulty = run(health(until="settled"), context)["faulty"]
    assert len(faulty) == 1
    cloud.profile(minutes=0.01)
    with pytest.raises(AirflowFailException, match=rf"{faulty[0]}.*GPU fell off the bus"):
        run(health(), place.build("impatient"))


def test_deep_health_checks_are_started_once_and_waited_for(
    cloud: Any, run: Any, context: Any
) -> None:
    operator = HyperPodHealthCheckOperator(
        task_id="check", profile="test", groups=["workers"], poll_seconds=0.05
    )
    assert run(operator, context) == {"running": 2, "faulty": []}
    assert len(cloud.aws.calls("StartClusterHealthCheck")) == 1


def test_events_are_read_where_there_are_any(cloud: Any, run: Any, context: Any) -> None:
    cloud.aws.fail_node("hearth", "workers-1", "GPU fell off the bus")
    node = next(n.id for n in cloud.hook.nodes("hearth") if n.faulty)
    assert [event.text for event in cloud.hook.events("hearth", node=node)] == [
        "GPU fell off the bus"
    ]
    cloud.aws.fault("ListClusterEvents", FaultKind.UNKNOWN)
    assert cloud.hook.events("hearth") == []
