"""What a team gets that starts the compose file."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import pytest

if TYPE_CHECKING:
    from tests.images.containers import Compose

AIRFLOW = "http://127.0.0.1:8080"
ENDPOINT = "http://127.0.0.1:8000"
PATIENCE = 900.0


@pytest.mark.timeout(1800, func_only=False)  # starting the stack is most of it
def test_a_build_goes_through_to_an_endpoint_that_answers(stack: Compose, secrets: Path) -> None:
    with session(secrets) as client:
        run = build(client, recipe="tiny")
        assert run["state"] == "success", failures(client, run)
    answer = httpx.post(
        f"{ENDPOINT}/v1/completions", json={"prompt": "Debian", "max_tokens": 8}, timeout=60
    )
    assert answer.json()["choices"][0]["text"]


@contextmanager
def session(secrets: Path) -> Iterator[httpx.Client]:
    """Log in as the administrator."""
    login = {"username": "admin", "password": (secrets / "admin_password").read_text()}
    with httpx.Client(base_url=AIRFLOW, timeout=60) as client:
        token = client.post("/auth/token", json=login).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def build(client: httpx.Client, **conf: Any) -> dict[str, Any]:
    """Trigger a build, and wait for its end."""
    dag = "/api/v2/dags/build_llm"
    deadline = time.monotonic() + PATIENCE
    while client.get(dag).is_error:  # a new database has no DAG until it is parsed
        assert time.monotonic() < deadline
        time.sleep(2)
    asked = {"logical_date": None, "conf": conf}
    answer = client.post(f"{dag}/dagRuns", json=asked).raise_for_status()
    where = f"{dag}/dagRuns/{answer.json()['dag_run_id']}"
    while time.monotonic() < deadline:
        run: dict[str, Any] = client.get(where).raise_for_status().json()
        if run["state"] in {"success", "failed"}:
            return run
        time.sleep(2)
    raise TimeoutError(where)


def failures(client: httpx.Client, run: dict[str, Any]) -> list[str]:
    """The tasks of a run that failed, with the end of their logs."""
    where = f"/api/v2/dags/build_llm/dagRuns/{run['dag_run_id']}/taskInstances"
    tasks = client.get(where).json()["task_instances"]
    return [
        client.get(f"{where}/{task['task_id']}/logs/{task['try_number']}").text[-3000:]
        for task in tasks
        if task["state"] == "failed"
    ]
