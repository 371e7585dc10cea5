"""The law that joins the emulated HyperPod to a real Slurm: its nodes are Slurm's nodes."""

from __future__ import annotations

import time
from typing import Any

import boto3
import pytest

from rehearsal.aws.process import emulator
from rehearsal.nodes import hook
from rehearsal.slurm import Cluster

pytestmark = pytest.mark.slurm
GROUP = {
    "InstanceGroupName": "worker",
    "InstanceType": "ml.g5.xlarge",
    "InstanceCount": 3,
    "ExecutionRole": "a-role-of-the-emulator",
}


def instances(sagemaker: Any) -> dict[str, str]:
    """The instances by the Slurm nodes that they are, once all of them run."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        rows = sagemaker.list_cluster_nodes(ClusterName="hp")["ClusterNodeSummaries"]
        if len(rows) == 3 and {row["InstanceStatus"]["Status"] for row in rows} == {"Running"}:
            return {row["PrivateDnsHostname"]: row["InstanceId"] for row in rows}
        time.sleep(0.1)
    pytest.fail("the nodes do not come up")


def test_a_node_that_is_replaced_is_another_slurmd_under_the_same_name(cluster: Cluster) -> None:
    with emulator(provision_seconds=0.2, hook=hook(cluster.home)) as aws:
        sagemaker = boto3.client(
            "sagemaker",
            region_name="us-west-2",
            endpoint_url=aws.url,
            aws_access_key_id="rehearsal",
            aws_secret_access_key="rehearsal",  # noqa: S106 - the emulator takes anything
        )
        sagemaker.create_cluster(ClusterName="hp", NodeRecovery="None", InstanceGroups=[GROUP])
        before = instances(sagemaker)
        assert set(before) == set(cluster.nodes)
        daemons = {node: cluster.processes_of(node) for node in cluster.nodes}
        aws.fail_node("hp", "worker-2")
        sagemaker.batch_replace_cluster_nodes(ClusterName="hp", NodeIds=[before["worker-2"]])
        after = instances(sagemaker)
        cluster.until_idle(*cluster.nodes)
    assert {node for node in before if before[node] != after[node]} == {"worker-2"}
    changed = {node for node in cluster.nodes if cluster.processes_of(node) != daemons[node]}
    assert changed == {"worker-2"}
