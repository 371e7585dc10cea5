"""What to ask of SageMaker for a cluster to be as the profile wants it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from enum import StrEnum
from typing import Any, Final

from hearth.aws import AwsSettings, HyperPod, InstanceGroup, SlurmRole, arn
from hearth.errors import HearthError, SpecError
from hearth.hyperpod import lease

_SAME: Final = (
    "InstanceGroupName",
    "InstanceType",
    "InstanceRequirements",
    "LifeCycleConfig",
    "ExecutionRole",
    "ThreadsPerCore",
    "InstanceStorageConfigs",
    "OnStartDeepHealthChecks",
    "TrainingPlanArn",
    "OverrideVpcConfig",
    "ScheduledUpdateConfig",
    "SlurmConfig",
)
"""What a described group has in common with a requested one."""


class ClusterFailed(HearthError):  # noqa: N818 - what happened, as SageMaker has it
    """A cluster, or a part of it, did not come up or did not stay up."""


class State(StrEnum):
    """How a cluster stands."""

    ABSENT = "absent"
    CHANGING = "changing"
    READY = "ready"
    FAILED = "failed"
    GOING = "going"


_STATES: Final = {
    "InService": State.READY,
    "Failed": State.FAILED,
    "Deleting": State.GOING,
    "Creating": State.CHANGING,
    "Updating": State.CHANGING,
    "RollingBack": State.CHANGING,
    "SystemUpdating": State.CHANGING,
}


def state_of(described: Mapping[str, Any] | None) -> State:
    """Return how a cluster stands, by `DescribeCluster`'s answer; None: there is none.

    A status that Hearth does not know yet counts as a change that goes on.
    """
    if described is None:
        return State.ABSENT
    return _STATES.get(str(described["ClusterStatus"]), State.CHANGING)


def name_of(settings: HyperPod, build: str) -> str:
    """Return the cluster's name: the same however often a build asks."""
    if settings.keep:
        return settings.cluster
    return f"{settings.cluster}-{hashlib.sha256(build.encode()).hexdigest()[:10]}"


def counts_of(settings: HyperPod, *, leased: bool) -> dict[str, int]:
    """Return how many nodes each group is to have."""
    return {
        group.name: group.count if leased or group.idle is None else group.idle
        for group in settings.groups
    }


def create_request(
    aws: AwsSettings, settings: HyperPod, build: str, store: str, account: str
) -> dict[str, Any]:
    """Return the arguments of `CreateCluster`.

    Args:
        aws: region, key and network.
        settings: the cluster.
        build: the build that asks for it.
        store: the URI of the store that the build lies in.
        account: the account's number.
    """
    tags = {lease.STORE: lease.value_of(store)}
    if settings.keep:
        tags |= {lease.key_of(build): "1", lease.SCALED: "1"}
    else:
        tags |= {lease.BUILD: build}
    request: dict[str, Any] = {
        "ClusterName": name_of(settings, build),
        "InstanceGroups": [
            _group(aws, settings, group, group.count, account) for group in settings.groups
        ],
        "NodeRecovery": settings.node_recovery,
        "Tags": [{"Key": key, "Value": value} for key, value in tags.items()],
    }
    if aws.subnets:
        request["VpcConfig"] = {
            "SecurityGroupIds": list(aws.security_groups),
            "Subnets": list(aws.subnets),
        }
    if settings.continuous:
        request["NodeProvisioningMode"] = "Continuous"
    if any(group.slurm for group in settings.groups):
        request["Orchestrator"] = {"Slurm": {}}
    return request


def update_request(
    aws: AwsSettings,
    settings: HyperPod,
    described: Mapping[str, Any],
    counts: Mapping[str, int],
    account: str,
) -> dict[str, Any] | None:
    """Return the arguments of `UpdateCluster`; None if nothing is to change.

    Only groups that change are named. A group that the profile does not name is left alone, and so
    is the count of one that it never scales.

    Raises:
        SpecError: what the profile wants cannot be changed on a cluster that is there.
    """
    there = {str(group["InstanceGroupName"]): group for group in described["InstanceGroups"]}
    changed = []
    for group in settings.groups:
        known = there.get(group.name)
        if known is None:
            changed.append(_group(aws, settings, group, counts[group.name], account))
            continue
        if known.get("InstanceType") != group.instance_type:
            message = (
                f"cluster {described['ClusterName']}, group {group.name}: instance_type = "
                f"{group.instance_type}: it is {known.get('InstanceType')} there, and SageMaker "
                "cannot change it: name a new group, or correct the profile"
            )
            raise SpecError(message)
        if group.idle is not None and known.get("TargetCount") != counts[group.name]:
            same = {key: known[key] for key in _SAME if known.get(key)}
            changed.append({**same, "InstanceCount": counts[group.name]})
    request: dict[str, Any] = {"ClusterName": described["ClusterName"]}
    if changed:
        request["InstanceGroups"] = changed
    if described.get("NodeRecovery", settings.node_recovery) != settings.node_recovery:
        request["NodeRecovery"] = settings.node_recovery
    if len(request) == 1:
        return None
    # SageMaker wants groups in every update.
    request.setdefault("InstanceGroups", [_as_it_is(described)])
    return request


def unreached(described: Mapping[str, Any]) -> dict[str, tuple[int, int]]:
    """Return the groups that have not the nodes they are to have: their current and target counts.

    A cluster may be in service before its nodes are.
    """
    return {
        str(group["InstanceGroupName"]): (int(group["CurrentCount"]), int(group["TargetCount"]))
        for group in described["InstanceGroups"]
        if group.get("CurrentCount") != group.get("TargetCount")
    }


def _as_it_is(described: Mapping[str, Any]) -> dict[str, Any]:
    group = described["InstanceGroups"][0]
    same = {key: group[key] for key in _SAME if group.get(key)}
    return {**same, "InstanceCount": group["TargetCount"]}


def _group(
    aws: AwsSettings, settings: HyperPod, group: InstanceGroup, count: int, account: str
) -> dict[str, Any]:
    role = settings.execution_role
    if ":" not in role:
        role = arn(aws.region, "iam", account, f"role/{role}")
    request: dict[str, Any] = {
        "InstanceGroupName": group.name,
        "InstanceType": group.instance_type,
        "InstanceCount": count,
        "ExecutionRole": role,
        "ThreadsPerCore": group.threads_per_core,
        "LifeCycleConfig": {
            "SourceS3Uri": settings.lifecycle.uri,
            "OnCreate": settings.lifecycle.on_create,
        },
    }
    if group.volume_gib:
        volume: dict[str, Any] = {"VolumeSizeInGB": group.volume_gib}
        if aws.kms_key:
            volume["VolumeKmsKeyId"] = aws.kms_key
        request["InstanceStorageConfigs"] = [{"EbsVolumeConfig": volume}]
    if group.training_plan:
        request["TrainingPlanArn"] = group.training_plan
    if group.deep_health_checks:
        request["OnStartDeepHealthChecks"] = list(group.deep_health_checks)
    if group.slurm:
        slurm: dict[str, Any] = {"NodeType": str(group.slurm)}
        if group.slurm is SlurmRole.COMPUTE:
            slurm["PartitionNames"] = [group.name]
        request["SlurmConfig"] = slurm
    return request
