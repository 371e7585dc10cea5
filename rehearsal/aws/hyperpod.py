"""The HyperPod operations of SageMaker.

moto 5.2.5 has create, describe, list and delete, with every cluster in service at once and a 500
after the effect where `ThreadsPerCore` is left out; it has none of the others. So all of them are
here, over one model. Their words and rules are those of
https://docs.aws.amazon.com/sagemaker/latest/APIReference/ (named at each operation) and of the
service model in botocore 1.43.117.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final, NamedTuple

from rehearsal.aws.cloud import Cloud
from rehearsal.aws.cluster import REPLACEABLE, Cluster, Node

_PAGE: Final = 100
_BATCH: Final = 25
_KEPT: Final = (
    "VpcConfig",
    "NodeRecovery",
    "NodeProvisioningMode",
    "Orchestrator",
    "ClusterRole",
    "AutoScaling",
    "TieredStorageConfig",
)


class Refused(Exception):  # noqa: N818 - as in AWS's words
    """An error answer."""

    def __init__(self, code: str, message: str, status: int = 400) -> None:
        """Keep what is answered.

        Args:
            code: AWS's code.
            message: AWS's words.
            status: of HTTP.
        """
        super().__init__(message)
        self.code = code
        self.status = status


class Call(NamedTuple):
    """A request: who asks where, and for what."""

    cloud: Cloud
    region: str
    account: str
    body: dict[str, Any]


def create_cluster(call: Call) -> dict[str, Any]:
    """API_CreateCluster: `ResourceInUse` if the name is taken."""
    body, name = call.body, str(call.body["ClusterName"])
    with call.cloud.lock:
        if (call.region, name) in call.cloud.clusters:
            code, message = "ResourceInUse", f"Cluster with name {name} already exists."
            raise Refused(code, message)
        cluster = Cluster(
            name=name,
            region=call.region,
            account=call.account,
            settings={key: body[key] for key in _KEPT if key in body},
            groups={group["InstanceGroupName"]: group for group in body.get("InstanceGroups", [])},
            tags=_pairs(body.get("Tags", [])),
        )
        cluster.fit()
        cluster.note("Info", "creating the cluster")
        call.cloud.clusters[call.region, name] = cluster
        cluster.show()
    call.cloud.settle(cluster)
    return {"ClusterArn": cluster.arn}


def update_cluster(call: Call) -> dict[str, Any]:
    """API_UpdateCluster: counts and groups; `ConflictException` while another change goes on."""
    cluster = _cluster(call)
    with call.cloud.lock:
        if cluster.status != "InService":
            code, message = "ConflictException", f"Cluster {cluster.name} is {cluster.status}."
            raise Refused(code, message)
        for group in call.body.get("InstanceGroups", []):
            known = cluster.groups.get(group["InstanceGroupName"], {})
            cluster.groups[group["InstanceGroupName"]] = {**known, **group}
        for name in call.body.get("InstanceGroupsToDelete", []):
            cluster.groups.pop(name, None)
        cluster.settings |= {key: call.body[key] for key in _KEPT if key in call.body}
        _, stopped = cluster.fit()
        cluster.status = "Updating"
        cluster.note("Info", "updating the cluster")
        cluster.show()
    call.cloud.settle(cluster, stopped)
    return {"ClusterArn": cluster.arn}


def delete_cluster(call: Call) -> dict[str, Any]:
    """API_DeleteCluster: `ConflictException` while another change goes on."""
    cluster = _cluster(call)
    with call.cloud.lock:
        if cluster.status in {"Creating", "Updating"}:
            code, message = "ConflictException", f"Cluster {cluster.name} is {cluster.status}."
            raise Refused(code, message)
        again, cluster.status = cluster.status == "Deleting", "Deleting"
        cluster.show()
    if not again:
        call.cloud.remove(cluster)
    return {"ClusterArn": cluster.arn}


def describe_cluster(call: Call) -> dict[str, Any]:
    """API_DescribeCluster."""
    return _seen(call)[0]


def list_clusters(call: Call) -> dict[str, Any]:
    """API_ListClusters: by name, pages of `MaxResults`."""
    found = []
    with call.cloud.lock:
        for (region, name), cluster in sorted(call.cloud.clusters.items()):
            seen, _ = cluster.seen(call.cloud.lag_seconds)
            if region == call.region and seen and str(call.body.get("NameContains", "")) in name:
                found.append(cluster.summary(seen))
    return _page(call, "ClusterSummaries", found)


def list_cluster_nodes(call: Call) -> dict[str, Any]:
    """API_ListClusterNodes: pages of `MaxResults`."""
    part = str(call.body.get("InstanceGroupNameContains", ""))
    nodes = [node for node in _seen(call)[1] if part in node["InstanceGroupName"]]
    return _page(call, "ClusterNodeSummaries", nodes)


def batch_replace_cluster_nodes(call: Call) -> dict[str, Any]:
    """API_BatchReplaceClusterNodes: up to 25 nodes, each with an answer of its own."""
    return _batch(call, call.cloud.replace)


def batch_reboot_cluster_nodes(call: Call) -> dict[str, Any]:
    """API_BatchRebootClusterNodes: up to 25 nodes, each with an answer of its own."""
    return _batch(call, call.cloud.reboot)


def list_cluster_events(call: Call) -> dict[str, Any]:
    """API_ListClusterEvents: "only supported when `NodeProvisioningMode` is `Continuous`"."""
    cluster = _cluster(call)
    if cluster.settings.get("NodeProvisioningMode") != "Continuous":
        code = "ValidationException"
        message = "ListClusterEvents needs NodeProvisioningMode Continuous."
        raise Refused(code, message)
    wanted = call.body
    events = [
        event
        for event in cluster.events
        if wanted.get("NodeId") in {None, event.get("InstanceId")}
        and wanted.get("ResourceType") in {None, event["ResourceType"]}
        and event["EventTime"] >= float(wanted.get("EventTimeAfter", 0))
    ]
    if wanted.get("SortOrder", "Descending") == "Descending":
        events.reverse()
    return _page(call, "Events", events)


def start_cluster_health_check(call: Call) -> dict[str, Any]:
    """API_StartClusterHealthCheck: nodes are checked for a while, then run again."""
    cluster = _cluster(call)
    chosen: list[Node] = []
    for config in call.body["DeepHealthCheckConfigurations"]:
        ids = set(config.get("InstanceIds", ()))
        chosen += [
            node
            for node in cluster.nodes
            if node.group == config["InstanceGroupName"] and (not ids or node.id in ids)
        ]
    with call.cloud.lock:
        for node in chosen:
            node.status = "DeepHealthCheckInProgress"
        cluster.show()

    def done() -> None:
        with call.cloud.lock:
            for node in chosen:
                if node.status == "DeepHealthCheckInProgress":
                    node.status = "Running"
            cluster.show()

    call.cloud.later(done)
    return {"ClusterArn": cluster.arn}


def add_tags(call: Call) -> dict[str, Any]:
    """API_AddTags, of a cluster: a key that is there is overwritten."""
    cluster = _tagged(call)
    with call.cloud.lock:
        cluster.tags |= _pairs(call.body["Tags"])
    return {"Tags": _tags(cluster)}


def delete_tags(call: Call) -> dict[str, Any]:
    """API_DeleteTags, of a cluster."""
    cluster = _tagged(call)
    with call.cloud.lock:
        for key in call.body["TagKeys"]:
            cluster.tags.pop(key, None)
    return {}


def list_tags(call: Call) -> dict[str, Any]:
    """API_ListTags, of a cluster."""
    return _page(call, "Tags", _tags(_tagged(call)))


OPERATIONS: Final[Mapping[str, Callable[[Call], dict[str, Any]]]] = {
    "CreateCluster": create_cluster,
    "UpdateCluster": update_cluster,
    "DeleteCluster": delete_cluster,
    "DescribeCluster": describe_cluster,
    "ListClusters": list_clusters,
    "ListClusterNodes": list_cluster_nodes,
    "BatchReplaceClusterNodes": batch_replace_cluster_nodes,
    "BatchRebootClusterNodes": batch_reboot_cluster_nodes,
    "ListClusterEvents": list_cluster_events,
    "StartClusterHealthCheck": start_cluster_health_check,
}

TAGGING: Final[Mapping[str, Callable[[Call], dict[str, Any]]]] = {
    "AddTags": add_tags,
    "DeleteTags": delete_tags,
    "ListTags": list_tags,
}
"""Only for the ARNs of clusters: the tags of everything else are moto's."""


def _cluster(call: Call) -> Cluster:
    wanted = str(call.body["ClusterName"])
    for (region, name), cluster in call.cloud.clusters.items():
        if region == call.region and wanted in {name, cluster.arn}:
            return cluster
    code, message = "ResourceNotFound", f"Cluster {wanted} not found."
    raise Refused(code, message)


def _seen(call: Call) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    cluster = _cluster(call)
    described, nodes = cluster.seen(call.cloud.lag_seconds)
    if described is None:
        code, message = "ResourceNotFound", f"Cluster {cluster.name} not found."
        raise Refused(code, message)
    return described, nodes


def _tagged(call: Call) -> Cluster:
    for cluster in call.cloud.clusters.values():
        if cluster.arn == call.body["ResourceArn"]:
            return cluster
    code, message = "ResourceNotFound", f"{call.body['ResourceArn']} not found."
    raise Refused(code, message)


def _batch(call: Call, act: Callable[[Cluster, Node], None]) -> dict[str, Any]:
    ids = call.body.get("NodeIds", [])
    if not 1 <= len(ids) <= _BATCH:
        code, message = "ValidationException", f"NodeIds: {len(ids)} is not between 1 and {_BATCH}."
        raise Refused(code, message)
    cluster = _cluster(call)
    done, failed = [], []
    for id_ in ids:
        node = next((one for one in cluster.nodes if one.id == id_), None)
        if node is None:
            failed.append(_failure(id_, "InstanceIdNotFound"))
        elif node.status not in REPLACEABLE:
            failed.append(_failure(id_, "InvalidInstanceStatus"))
        else:
            act(cluster, node)
            done.append(id_)
    return {"Successful": done, "Failed": failed}


def _failure(id_: str, code: str) -> dict[str, str]:
    return {"NodeId": id_, "ErrorCode": code, "Message": f"{id_}: {code}"}


def _page(call: Call, key: str, rows: list[dict[str, Any]]) -> dict[str, Any]:
    start = int(call.body.get("NextToken") or 0)
    end = start + int(call.body.get("MaxResults") or _PAGE)
    answer: dict[str, Any] = {key: rows[start:end]}
    return answer | ({"NextToken": str(end)} if end < len(rows) else {})


def _pairs(tags: list[dict[str, str]]) -> dict[str, str]:
    return {tag["Key"]: tag["Value"] for tag in tags}


def _tags(cluster: Cluster) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in cluster.tags.items()]
