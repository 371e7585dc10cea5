"""The laws of what is asked of SageMaker."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearth.aws import AwsSettings, HyperPod, RepairAction
from hearth.errors import SpecError
from hearth.hyperpod import lease
from hearth.hyperpod.nodes import Ledger, Node, Repaired, health_of, plan_repair
from hearth.hyperpod.plan import (
    State,
    counts_of,
    create_request,
    name_of,
    state_of,
    unreached,
    update_request,
)
from hearth.storage import Store
from hearth.storagesettings import StorageSettings

NOW = datetime(2026, 1, 2, tzinfo=UTC)
AWS = AwsSettings(region="cn-north-1", subnets=("s",), security_groups=("g",), kms_key="alias/k")


def pod(**changes: Any) -> HyperPod:
    return HyperPod.model_validate(
        {
            "cluster": "hearth",
            "execution_role": "nodes",
            "lifecycle": {"uri": "s3://sagemaker-x/lifecycle"},
            "groups": [
                {"name": "head", "instance_type": "ml.m5.large", "count": 1, "slurm": "Controller"},
                {
                    "name": "workers",
                    "instance_type": "ml.p4d.24xlarge",
                    "count": 4,
                    "idle": 1,
                    "volume_gib": 100,
                },
            ],
            **changes,
        }
    )


def described(workers: int = 4, instance_type: str = "ml.p4d.24xlarge") -> dict[str, Any]:
    groups = [("head", "ml.m5.large", 1), ("workers", instance_type, workers)]
    return {
        "ClusterName": "hearth",
        "ClusterStatus": "InService",
        "NodeRecovery": "Automatic",
        "InstanceGroups": [
            {
                "InstanceGroupName": name,
                "InstanceType": kind,
                "ExecutionRole": "r",
                "CurrentCount": count,
                "TargetCount": count,
                "Status": "InService",
            }
            for name, kind, count in groups
        ],
    }


def node(id_: str = "i-1", group: str = "workers", status: str = "Failure") -> Node:
    return Node(id=id_, group=group, status=status)


def repaired(id_: str, *, build: str = "b", answered: bool = False, minutes: int = 0) -> Repaired:
    return Repaired(
        instance=id_,
        group="workers",
        action=RepairAction.REPLACE,
        build=build,
        reason="",
        asked=NOW - timedelta(minutes=minutes),
        answered=answered,
    )


def test_a_kept_cluster_has_one_name_and_one_of_its_own_follows_the_build() -> None:
    assert name_of(pod(), "a") == name_of(pod(), "b") == "hearth"
    own = pod(keep=False)
    assert name_of(own, "a") == name_of(own, "a") != name_of(own, "b")
    assert len(name_of(pod(keep=False, cluster="c" * 50), "a")) <= 63


def test_a_request_names_role_network_key_and_who_asks() -> None:
    request = create_request(AWS, pod(keep=False), "build", "s3://store", "1" * 12)
    workers = request["InstanceGroups"][1]
    assert workers["ExecutionRole"].endswith(f"::{'1' * 12}:role/nodes")
    volume = workers["InstanceStorageConfigs"][0]["EbsVolumeConfig"]
    assert volume["VolumeKmsKeyId"] == "alias/k"
    assert request["VpcConfig"] == {"SecurityGroupIds": ["g"], "Subnets": ["s"]}
    tags = {tag["Key"]: tag["Value"] for tag in request["Tags"]}
    assert lease.read(tags, "s3://store").needed_by == ("build",)
    # moto answers 500 without it, after the cluster is stored.
    assert all("ThreadsPerCore" in group for group in request["InstanceGroups"])


def test_nothing_is_asked_for_a_cluster_that_is_as_it_should_be() -> None:
    counts = counts_of(pod(), leased=True)
    assert update_request(AWS, pod(), described(), counts, "1") is None


def test_only_groups_that_change_are_named() -> None:
    request = update_request(AWS, pod(), described(), counts_of(pod(), leased=False), "1")
    assert request
    assert [group["InstanceGroupName"] for group in request["InstanceGroups"]] == ["workers"]
    assert request["InstanceGroups"][0]["InstanceCount"] == 1
    assert "CurrentCount" not in request["InstanceGroups"][0]


def test_the_count_of_a_group_that_is_never_scaled_is_a_persons() -> None:
    seen = described()
    seen["InstanceGroups"][0]["TargetCount"] = 3
    assert update_request(AWS, pod(), seen, counts_of(pod(), leased=True), "1") is None


def test_an_instance_type_is_never_changed_in_place() -> None:
    with pytest.raises(SpecError, match="name a new group"):
        update_request(
            AWS, pod(), described(instance_type="ml.g5.xlarge"), {"head": 1, "workers": 4}, "1"
        )


def test_a_status_that_is_not_known_is_waited_for() -> None:
    assert state_of({"ClusterStatus": "Hibernating"}) is State.CHANGING
    assert state_of(None) is State.ABSENT


def test_a_cluster_in_service_may_lack_nodes() -> None:
    seen = described()
    seen["InstanceGroups"][1]["CurrentCount"] = 2
    assert unreached(seen) == {"workers": (2, 4)}


@given(st.text(max_size=300))
def test_any_text_can_be_a_tags_value(text: str) -> None:
    value = lease.value_of(text)
    assert len(value) <= 256
    assert lease.value_of(value) == value


def test_nodes_that_were_asked_for_and_do_not_show_are_missed() -> None:
    found = health_of([node("i-1", status="Running")], described(), ["workers"])
    assert found.missing == 3
    assert not found.settled
    leaving = [node(f"i-{n}", status="Running") for n in range(4)] + [
        node("i-9", status="ShuttingDown")
    ]
    assert health_of(leaving, described(), ["workers"]).missing == 0


def test_a_repair_is_asked_for_once_and_again_only_if_nobody_answered() -> None:
    plan = plan_repair(
        [node("i-1"), node("i-2")], {"i-1": repaired("i-1", answered=True)}, pod(), "b", NOW
    )
    assert [one.id for one in plan.ask] == ["i-2"]
    assert [one.id for one in plan.wait] == ["i-1"]
    again = plan_repair([node("i-1")], {"i-1": repaired("i-1")}, pod(), "b", NOW)
    assert [one.id for one in again.ask] == ["i-1"]


def test_a_node_that_its_repair_did_not_mend_is_left_to_a_person() -> None:
    ledger = {"i-1": repaired("i-1", answered=True, minutes=60)}
    ((_, why),) = plan_repair([node("i-1")], ledger, pod(), "b", NOW).refused
    assert "is faulty still" in why


@given(
    faulty=st.integers(0, 6),
    used=st.integers(0, 4),
    others=st.integers(0, 4),
    budget=st.integers(0, 5),
)
def test_a_budget_is_one_builds_and_never_exceeded(
    faulty: int, used: int, others: int, budget: int
) -> None:
    settings = pod(repair={"budget": budget})
    ledger = {f"u-{n}": repaired(f"u-{n}") for n in range(used)}
    ledger |= {f"o-{n}": repaired(f"o-{n}", build="other") for n in range(others)}
    plan = plan_repair([node(f"i-{n}") for n in range(faulty)], ledger, settings, "b", NOW)
    assert len(plan.ask) == max(0, min(faulty, budget - used))
    assert len(plan.ask) + len(plan.refused) == faulty


def test_the_first_to_note_a_repair_is_the_one_whose_it_is(tmp_path: Path) -> None:
    ledger = Ledger(Store.open(StorageSettings(uri=f"file://{tmp_path}")), "hearth")
    assert ledger.ask(node(), RepairAction.REPLACE, "first").build == "first"
    assert ledger.ask(node(), RepairAction.REPLACE, "second").build == "first"
    ledger.answered("i-1")
    assert ledger.all()["i-1"].answered
