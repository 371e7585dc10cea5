"""The law of the cluster's tasks in a build's graph, run by Airflow's own scheduling of it.

What a real scheduler, triggerer and Slurm make of the same is the rehearsal's tier to say.
"""

from __future__ import annotations

from typing import Any

from airflow.sdk import DAG
from airflow.utils.db import initdb

from hearth.model import Stage
from operators.factory import build_dag
from operators.hyperpod.cluster import HyperPodClusterOperator, HyperPodReleaseOperator


def build() -> DAG:
    """The build's graph; its cluster tasks wait in place, as `DAG.test` forgets what they defer."""
    dag = build_dag("build_llm", doc="A build.\n")
    for task in dag.tasks:
        if isinstance(task, HyperPodClusterOperator | HyperPodReleaseOperator):
            task.deferrable, task.poll_seconds = False, 0.1  # type: ignore[assignment]
    return dag


def test_a_build_that_fails_gives_its_cluster_back(cloud: Any, place: Any) -> None:
    initdb()
    place.wish(Stage.MIRROR, error="DataError", message="record 7 is damaged")
    conf = {"recipe": "tiny", "profile": "test"}
    run = build().test(run_conf=conf, mark_success_pattern="preflight")
    states = {task.task_id: str(task.state) for task in run.get_task_instances()}
    assert str(run.state) == "failed"
    assert (states["cluster"], states["mirror"], states["train"]) == (
        "success", "failed", "upstream_failed",
    )  # fmt: skip
    assert states["cluster_end"] == "success"
    assert cloud.aws.calls("UpdateCluster")
    assert cloud.counts()["workers"] == 0
