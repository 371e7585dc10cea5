"""The laws of the DAGs."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from airflow.sdk import RetryAction
from airflow.sdk.exceptions import ParamValidationError
from airflow.serialization.serialized_objects import DagSerialization

from hearth.errors import DataError, TransientError

CHECKOUT = Path(__file__).resolve().parents[2]
BUILDS = ["build_llm", "weekly_demo", "weekly_tiny"]
HEAVY = ["ray", "torch", "transformers", "nemo_curator", "lm_eval", "matplotlib", "pyarrow"]


def test_every_dag_parses(dagbag: Any) -> None:
    assert dagbag.import_errors == {}
    assert sorted(dagbag.dags) == ["build_llm", "preflight", "reap", "weekly_demo", "weekly_tiny"]


@pytest.mark.parametrize("dag_id", BUILDS)
def test_a_build_goes_from_sources_to_the_endpoint(dagbag: Any, dag_id: str) -> None:
    dag = dagbag.dags[dag_id]
    chain = ["resolve", "mirror", "suite", "curate", "train", "evaluate", "gate", "approve"]
    for task, following in zip(chain, [*chain[1:], "rollout"], strict=True):
        assert following in dag.get_task(task).downstream_task_ids
    assert dag.get_task("gate").upstream_task_ids == {
        "evaluate", "evaluate_serving", "evaluate_anchor",
    }  # fmt: skip
    assert dag.get_task("gate").trigger_rule == "none_failed"
    assert dag.get_task("rollout").upstream_task_ids == {"approve"}


@pytest.mark.parametrize("dag_id", BUILDS)
def test_two_builds_can_run_at_once(dagbag: Any, dag_id: str) -> None:
    assert dagbag.dags[dag_id].max_active_runs >= 2


def test_builds_by_hand_are_ready_and_weekly_ones_wait_to_be_switched_on(dagbag: Any) -> None:
    assert dagbag.dags["build_llm"].schedule is None
    assert dagbag.dags["build_llm"].is_paused_upon_creation is False
    for dag_id in ("weekly_demo", "weekly_tiny"):
        assert dagbag.dags[dag_id].is_paused_upon_creation is True
        assert dagbag.dags[dag_id].catchup is False
    assert dagbag.dags["weekly_tiny"].schedule == "0 3 * * 1"
    assert dagbag.dags["weekly_tiny"].params["recipe"] == "tiny"


def test_the_reaper_runs_often_enough_to_release_everything_within_five_minutes(
    dagbag: Any,
) -> None:
    # What is left behind just after one run is ended by the next, which has as long as a period.
    reap = dagbag.dags["reap"]
    assert 2 * reap.schedule < timedelta(minutes=5)
    assert reap.is_paused_upon_creation is False
    assert reap.max_active_runs == 1


@pytest.mark.parametrize("dag_id", BUILDS)
def test_every_field_of_the_form_is_described_bounded_and_has_a_default(
    dagbag: Any, dag_id: str
) -> None:
    params = dagbag.dags[dag_id].params
    params.validate()
    for name in params:
        field = params.get_param(name)
        assert field.description, name
        assert field.schema["title"], name
        kind = field.schema["type"]
        kinds = {kind} if isinstance(kind, str) else set(kind)
        if "string" in kinds:
            assert "enum" in field.schema, f"{name} takes free text"
        if kinds & {"integer", "number"}:
            assert {"minimum", "exclusiveMinimum"} & set(field.schema), name
            assert {"maximum", "exclusiveMaximum"} & set(field.schema), name


@pytest.mark.parametrize(
    "wrong",
    [
        {"recipe": "another"},
        {"profile": "AKIAA1B2C3D4E5F6G7H8"},
        {"train_steps": 0},
        {"train_steps": "ghp_" + "a" * 36},
        {"rebuild_from": "rollout"},
        {"approve_by_hand": "yes"},
    ],
)
def test_a_wrong_form_is_refused_before_it_is_stored(dagbag: Any, wrong: Any) -> None:
    serialized = DagSerialization.from_dict(DagSerialization.to_dict(dagbag.dags["build_llm"]))
    with pytest.raises(ParamValidationError):
        serialized.params.deep_merge(wrong).validate()


@pytest.mark.parametrize("dag_id", BUILDS)
def test_only_what_passes_is_tried_again(dagbag: Any, dag_id: str) -> None:
    for task in dagbag.dags[dag_id].tasks:
        assert task.retries > 0
        assert task.retry_exponential_backoff
        decide = task.retry_policy.evaluate
        assert decide(TransientError("x"), 1, 4).action is RetryAction.RETRY
        assert decide(DataError("x"), 1, 4).action is RetryAction.FAIL
        assert decide(ValueError("x"), 1, 4).action is RetryAction.FAIL


@pytest.mark.parametrize("dag_id", BUILDS)
def test_every_task_tells_of_its_failure(dagbag: Any, dag_id: str) -> None:
    assert all(task.on_failure_callback for task in dagbag.dags[dag_id].tasks)


def test_dags_survive_serialization(dagbag: Any) -> None:
    for dag in dagbag.dags.values():
        DagSerialization.from_dict(DagSerialization.to_dict(dag))


def test_parsing_imports_no_library_of_a_stage(config: Path) -> None:
    code = (
        "import sys, json\n"
        "from airflow.dag_processing.dagbag import DagBag\n"
        "before = set(sys.modules)\n"
        f"bag = DagBag(dag_folder={str(CHECKOUT / 'dags')!r})\n"
        "assert not bag.import_errors, bag.import_errors\n"
        f"print(json.dumps([m for m in {HEAVY!r} if m in set(sys.modules) - before]))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout.splitlines()[-1]) == []


@pytest.mark.parametrize("path", sorted((CHECKOUT / "dags").glob("*.py")), ids=lambda p: p.name)
def test_a_dag_file_is_one_screen_without_logic(path: Path) -> None:
    text = path.read_text()
    assert len(text.splitlines()) <= 40
    logic = (ast.If, ast.For, ast.While, ast.FunctionDef, ast.ClassDef, ast.Try)
    assert not [node for node in ast.walk(ast.parse(text)) if isinstance(node, logic)]
