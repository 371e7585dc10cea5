"""SageMaker's HyperPod operations, one verb each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from hearth.aws import RepairAction
from hearth.awsapi import AwsRefused
from hearth.hyperpod.nodes import Node
from hearth.model import FrozenModel
from operators.aws import AwsHook

BATCH: Final = 25
"""As many nodes SageMaker repairs in a call."""

_NOT_FOUND: Final = frozenset({"ResourceNotFound", "ResourceNotFoundException"})
_NO_EVENTS: Final = frozenset({"ValidationException", "UnknownOperationException"})


class ClusterEvent(FrozenModel):
    """Something that SageMaker says happened to a cluster or a node."""

    at: datetime
    text: str
    level: str
    node: str | None = None

    def __str__(self) -> str:
        """Say it in a line."""
        return f"{self.at:%H:%M:%S} {self.level} {self.node or 'cluster'}: {self.text}"


class HyperPodHook(AwsHook):
    """A client of SageMaker's HyperPod."""

    waiters = Path(__file__).with_name("waiters.json")

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Make a hook.

        Args:
            args: as for `AwsHook`.
            kwargs: as for `AwsHook`.
        """
        super().__init__(*args, **{**kwargs, "client_type": "sagemaker"})

    def describe(self, cluster: str) -> dict[str, Any] | None:
        """Return a cluster by its name or ARN; None if there is none."""
        try:
            return self.call("describe_cluster", ClusterName=cluster)
        except AwsRefused as refused:
            if refused.code in _NOT_FOUND:
                return None
            raise

    def names(self, beginning: str) -> Iterator[str]:
        """Yield the names of the clusters that begin so."""
        for row in self._pages("list_clusters", "ClusterSummaries", NameContains=beginning):
            if row["ClusterName"].startswith(beginning):
                yield str(row["ClusterName"])

    def tags(self, arn: str) -> dict[str, str]:
        """Return a cluster's tags; none of one that has just gone."""
        try:
            return {
                str(tag["Key"]): str(tag["Value"])
                for tag in self._pages("list_tags", "Tags", ResourceArn=arn)
            }
        except AwsRefused as refused:
            if refused.code in _NOT_FOUND:
                return {}
            raise

    def tag(self, arn: str, tags: Mapping[str, str]) -> None:
        """Set tags."""
        pairs = [{"Key": key, "Value": value} for key, value in tags.items()]
        self.call("add_tags", ResourceArn=arn, Tags=pairs)

    def untag(self, arn: str, *keys: str) -> None:
        """Take tags away."""
        self.call("delete_tags", ResourceArn=arn, TagKeys=list(keys))

    def nodes(self, cluster: str) -> list[Node]:
        """Return all nodes."""
        rows = self._pages("list_cluster_nodes", "ClusterNodeSummaries", ClusterName=cluster)
        return [Node.of(row) for row in rows]

    def events(
        self, cluster: str, since: datetime | None = None, node: str | None = None
    ) -> list[ClusterEvent]:
        """Return what happened, oldest first; nothing without continuous provisioning.

        Args:
            cluster: its name.
            since: only what happened after.
            node: only what happened to this instance.
        """
        narrowed: dict[str, Any] = {"SortBy": "EventTime", "SortOrder": "Ascending"}
        if since is not None:
            narrowed["EventTimeAfter"] = since
        if node is not None:
            narrowed["NodeId"] = node
        try:
            rows = list(
                self._pages("list_cluster_events", "Events", ClusterName=cluster, **narrowed)
            )
        except AwsRefused as refused:
            if refused.code in _NO_EVENTS:
                self.log.info("no cluster events: %s", refused.words)
                return []
            raise
        return [
            ClusterEvent(
                at=row["EventTime"],
                text=str(row.get("Description") or ""),
                level=str(row.get("EventLevel") or "Info"),
                node=row.get("InstanceId"),
            )
            for row in rows
        ]

    def repair(
        self, cluster: str, action: RepairAction, nodes: Sequence[str]
    ) -> tuple[list[str], dict[str, str]]:
        """Ask for nodes to be replaced or rebooted.

        Returns:
            Those that SageMaker took on, and the others with its code.
        """
        done: list[str] = []
        failed: dict[str, str] = {}
        for start in range(0, len(nodes), BATCH):
            answer = self.call(
                f"batch_{action}_cluster_nodes",
                ClusterName=cluster,
                NodeIds=list(nodes[start : start + BATCH]),
            )
            done += answer.get("Successful", [])
            failed |= {row["NodeId"]: row["ErrorCode"] for row in answer.get("Failed", [])}
        return done, failed

    def check(
        self, cluster: str, groups: Mapping[str, Sequence[str]], checks: Sequence[str]
    ) -> None:
        """Start deep health checks. Nodes that fail are repaired by SageMaker.

        Args:
            cluster: its name.
            groups: names of groups, and in each the instances to check; none: all.
            checks: `InstanceStress`, `InstanceConnectivity`.
        """
        configs = []
        for name, ids in groups.items():
            config: dict[str, Any] = {"InstanceGroupName": name, "DeepHealthChecks": list(checks)}
            configs.append(config | ({"InstanceIds": list(ids)} if ids else {}))
        self.call(
            "start_cluster_health_check",
            ClusterName=cluster,
            DeepHealthCheckConfigurations=configs,
        )

    def _pages(self, operation: str, key: str, **arguments: Any) -> Iterator[dict[str, Any]]:
        token: dict[str, str] = {}
        while True:
            answer = self.call(operation, **arguments, **token)
            yield from answer.get(key, [])
            if not answer.get("NextToken"):
                return
            token = {"NextToken": answer["NextToken"]}
