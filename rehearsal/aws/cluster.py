"""HyperPod clusters as the emulator keeps them: groups, nodes, tags, events.

A node has a slot in its group. Its replacement takes the same slot, so that a slot can stand for a
machine: the hook that is told of every change may stop and start a Slurm node there.
"""

from __future__ import annotations

import copy
import hashlib
import time
import uuid
from dataclasses import dataclass, field
from typing import Any, Final

from hearth.aws import arn

RUNNING: Final = "Running"
PENDING: Final = "Pending"
FAILURE: Final = "Failure"
SHUTTING_DOWN: Final = "ShuttingDown"
REPLACEABLE: Final = frozenset({RUNNING, FAILURE, "DeepHealthCheckInProgress"})

_OURS: Final = ("InstanceCount", "MinInstanceCount")


@dataclass
class Node:
    """An instance."""

    group: str
    slot: int
    instance_type: str
    id: str = field(default_factory=lambda: f"i-{uuid.uuid4().hex[:17]}")
    status: str = PENDING
    message: str = ""
    launched: float = field(default_factory=time.time)

    @property
    def name(self) -> str:
        """The machine that it is: `<group>-<slot>`."""
        return f"{self.group}-{self.slot}"

    def summary(self) -> dict[str, Any]:
        """Return it as `ListClusterNodes` has it."""
        status = {"Status": self.status}
        if self.message:
            status["Message"] = self.message
        return {
            "InstanceGroupName": self.group,
            "InstanceId": self.id,
            "InstanceType": self.instance_type,
            "LaunchTime": self.launched,
            "InstanceStatus": status,
            "PrivateDnsHostname": self.name,
        }


@dataclass
class Cluster:
    """A cluster. `seen` is what readers see, which may lag behind what is."""

    name: str
    region: str
    account: str
    settings: dict[str, Any]
    groups: dict[str, dict[str, Any]]
    tags: dict[str, str]
    status: str = "Creating"
    failure: str = ""
    created: float = field(default_factory=time.time)
    nodes: list[Node] = field(default_factory=list)
    events: list[dict[str, Any]] = field(default_factory=list)
    views: list[tuple[float, dict[str, Any] | None, list[dict[str, Any]]]] = field(
        default_factory=list
    )

    @property
    def arn(self) -> str:
        """Its ARN, which names an id and not the cluster."""
        key = hashlib.sha256(f"{self.account}/{self.region}/{self.name}".encode()).hexdigest()[:12]
        return arn(self.region, "sagemaker", self.account, f"cluster/{key}")

    def describe(self) -> dict[str, Any]:
        """Return it as `DescribeCluster` has it."""
        groups = []
        for name, group in self.groups.items():
            mine = [node for node in self.nodes if node.group == name]
            groups.append(
                {
                    **{key: value for key, value in group.items() if key not in _OURS},
                    "CurrentCount": sum(node.status == RUNNING for node in mine),
                    "TargetCount": group["InstanceCount"],
                    "Status": self.status,
                }
            )
        return {
            **self.settings,
            "ClusterArn": self.arn,
            "ClusterName": self.name,
            "ClusterStatus": self.status,
            "CreationTime": self.created,
            "FailureMessage": self.failure,
            "InstanceGroups": groups,
        }

    def summary(self, seen: dict[str, Any]) -> dict[str, Any]:
        """Return what `ListClusters` has of a view."""
        names = ("ClusterArn", "ClusterName", "CreationTime", "ClusterStatus")
        return {name: seen[name] for name in names}

    def fit(self) -> tuple[list[Node], list[Node]]:
        """Bring the nodes to the groups' counts; return those that came and those that go."""
        came: list[Node] = []
        go: list[Node] = []
        for name, group in self.groups.items():
            mine = {n.slot: n for n in self.nodes if n.group == name and n.status != SHUTTING_DOWN}
            came += [
                Node(name, slot, group.get("InstanceType", "ml.m5.large"))
                for slot in range(1, group["InstanceCount"] + 1)
                if slot not in mine
            ]
            go += [node for slot, node in mine.items() if slot > group["InstanceCount"]]
        go += [node for node in self.nodes if node.group not in self.groups]
        for node in go:
            node.status = SHUTTING_DOWN
        self.nodes += came
        return came, go

    def note(self, level: str, text: str, node: Node | None = None) -> None:
        """Add an event."""
        event: dict[str, Any] = {
            "EventId": str(uuid.uuid4()),
            "ClusterArn": self.arn,
            "ClusterName": self.name,
            "ResourceType": "Instance" if node else "Cluster",
            "EventTime": time.time(),
            "Description": text,
            "EventLevel": level,
        }
        if node:
            event |= {"InstanceGroupName": node.group, "InstanceId": node.id}
        self.events.append(event)

    def show(self, *, gone: bool = False) -> None:
        """Let readers see what is now, once the lag is over."""
        described = None if gone else copy.deepcopy(self.describe())
        self.views.append((time.time(), described, [node.summary() for node in self.nodes]))

    def seen(self, lag: float) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
        """Return what readers see: its description, None before and after it exists; its nodes."""
        latest: tuple[dict[str, Any] | None, list[dict[str, Any]]] = (None, [])
        for at, described, nodes in self.views:
            if at <= time.time() - lag:
                latest = (described, nodes)
        return latest
