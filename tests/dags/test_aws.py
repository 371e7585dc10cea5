"""The laws of the DAGs on a machine whose profile names a cluster."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from airflow.dag_processing.dagbag import DagBag
from airflow.sdk.exceptions import AirflowFailException
from airflow.serialization.serialized_objects import DagSerialization

from hearth.settings import settings
from operators.hyperpod.health import HyperPodHealthCheckOperator, HyperPodNodeHealthSensor
from operators.resolve import ResolveOperator

CHECKOUT = Path(__file__).resolve().parents[2]
CLUSTER = """
aws:
  region: cn-northwest-1
  hyperpod:
    cluster: hearth
    execution_role: nodes
    lifecycle: {uri: "s3://sagemaker-x/lifecycle"}
    groups: [{name: workers, instance_type: ml.g5.xlarge, count: 1, idle: 0}]
"""


@pytest.fixture(scope="module")
def on_aws(config: Path, dagbag: Any) -> Iterator[Any]:
    del dagbag  # it is made first, without a cluster
    path = config / "profiles" / "cluster.yaml"
    path.write_text((config / "profiles" / "local.yaml").read_text() + CLUSTER)
    path.write_text(path.read_text().replace("name: local", "name: cluster"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEARTH_PROFILE", "cluster")
        settings.cache_clear()
        yield DagBag(dag_folder=str(CHECKOUT / "dags"))
    path.unlink()
    settings.cache_clear()


def test_a_build_is_probed_first_and_started_on_a_cluster_that_is_given_back(on_aws: Any) -> None:
    assert on_aws.import_errors == {}
    for dag_id in ("build_llm", "weekly_demo"):
        dag = on_aws.dags[dag_id]
        assert [task.task_id for task in dag.roots] == ["preflight"]
        for task, following in (
            ("preflight", "resolve"),
            ("resolve", "cluster"),
            ("cluster", "mirror"),
            ("cluster", "cluster_end"),
            ("evaluate_anchor", "cluster_end"),
            ("evaluate", "cluster_end"),
        ):
            assert following in dag.get_task(task).downstream_task_ids
        assert dag.get_task("cluster").is_setup
        end = dag.get_task("cluster_end")
        assert end.is_teardown
        assert end.on_failure_fail_dagrun
        assert "gate" not in end.upstream_task_ids
        assert all(task.retries > 0 and task.on_failure_callback for task in dag.tasks)


def test_a_probe_is_run_by_form(on_aws: Any) -> None:
    dag = on_aws.dags["preflight"]
    assert [task.task_id for task in dag.tasks] == ["preflight"]
    assert dag.schedule is None
    assert dag.is_paused_upon_creation is False
    assert dag.params["profile"] == "cluster"
    assert dag.params.get_param("profile").schema["enum"] == ["cluster", "local", "other"]


def test_the_documented_graph_checks_nodes_before_they_train(on_aws: Any) -> None:
    del on_aws  # this machine's profile names a cluster
    page = (CHECKOUT / "docs" / "operations.md").read_text("utf-8")
    (code,) = re.findall(r"```python\n(from operators\.factory.*?)```", page, re.DOTALL)
    made: dict[str, Any] = {}
    exec(code, made)  # noqa: S102 - what people are told to write
    dag = made["dag"]
    for task, following in (("cluster", "check"), ("check", "well"), ("well", "train")):
        assert following in dag.get_task(task).downstream_task_ids
    check, well = dag.get_task("check"), dag.get_task("well")
    assert isinstance(check, HyperPodHealthCheckOperator)
    assert isinstance(well, HyperPodNodeHealthSensor)
    assert check.profile == well.profile == "{{ params.profile }}"
    DagSerialization.from_dict(DagSerialization.to_dict(dag))


def test_clusters_survive_serialization(on_aws: Any) -> None:
    for dag in on_aws.dags.values():
        DagSerialization.from_dict(DagSerialization.to_dict(dag))


def test_a_machine_without_a_cluster_has_no_tasks_for_one(dagbag: Any) -> None:
    for dag in dagbag.dags.values():
        assert not dag.has_task("cluster")


def test_a_clusters_profile_is_refused_where_nothing_starts_it(
    on_aws: Any, dagbag: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve = dagbag.dags["build_llm"].get_task("resolve")
    assert isinstance(resolve, ResolveOperator)
    context: Any = {"params": {"recipe": "demo", "profile": "cluster"}}
    with pytest.raises(AirflowFailException, match="HEARTH_PROFILE=cluster"):
        resolve.execute(context)
