"""Builds on the stack under test, by Airflow's API, and what its endpoint says."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx

from hearth.model import Stage

AIRFLOW: Final = "http://127.0.0.1:8080"
ENDPOINT: Final = "http://127.0.0.1:8000"
PATIENCE: Final = 900.0
ENDED: Final = frozenset({"success", "failed"})


@contextmanager
def session(secrets: Path) -> Iterator[httpx.Client]:
    """Log in as the administrator."""
    login = {"username": "admin", "password": (secrets / "admin_password").read_text()}
    with httpx.Client(base_url=AIRFLOW, timeout=60) as client:
        token = client.post("/auth/token", json=login).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def complete() -> str:
    """What the endpoint says; nothing if it does not."""
    asked = {"prompt": "Debian", "max_tokens": 8}
    answer = httpx.post(f"{ENDPOINT}/v1/completions", json=asked, timeout=60)
    return str(answer.json()["choices"][0]["text"]) if answer.is_success else ""


def build(client: httpx.Client, **conf: Any) -> dict[str, Any]:
    """Trigger a build, and wait for its end."""
    return end(client, start(client, **conf))


def start(client: httpx.Client, **conf: Any) -> dict[str, Any]:
    """Trigger a build."""
    dag = "/api/v2/dags/build_llm"
    deadline = time.monotonic() + PATIENCE
    while client.get(dag).is_error:  # a new database has no DAG until it is parsed
        assert time.monotonic() < deadline
        time.sleep(2)
    answer = client.post(f"{dag}/dagRuns", json={"logical_date": None, "conf": conf})
    run: dict[str, Any] = answer.raise_for_status().json()
    return run


def end(client: httpx.Client, run: dict[str, Any]) -> dict[str, Any]:
    """Wait for a run's end."""
    deadline = time.monotonic() + PATIENCE
    while run["state"] not in ENDED:
        assert time.monotonic() < deadline, run
        time.sleep(2)
        run = client.get(where(run)).raise_for_status().json()
    return run


def where(run: dict[str, Any]) -> str:
    """The address of a run."""
    return f"/api/v2/dags/build_llm/dagRuns/{run['dag_run_id']}"


def tasks(client: httpx.Client, run: dict[str, Any]) -> list[dict[str, Any]]:
    """The tasks of a run."""
    answer = client.get(f"{where(run)}/taskInstances").raise_for_status().json()
    found: list[dict[str, Any]] = answer["task_instances"]
    return found


def await_tasks(
    client: httpx.Client, run: dict[str, Any], names: frozenset[str] | None, states: frozenset[str]
) -> bool:
    """Wait until one of some tasks (or of all) is in a state; false once the run is over."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        for task in tasks(client, run):
            if task["state"] in states and (names is None or task["task_id"] in names):
                return True
        if client.get(where(run)).raise_for_status().json()["state"] in ENDED:
            return False
        time.sleep(0.5)
    raise TimeoutError(where(run))


def ran(client: httpx.Client, run: dict[str, Any]) -> set[str]:
    """The stages of a run that were not reused."""
    return {
        task["task_id"]
        for task in tasks(client, run)
        if task["task_id"] in set(Stage) and "reused " not in log_of(client, run, task)
    }


def log_of(client: httpx.Client, run: dict[str, Any], task: dict[str, Any]) -> str:
    """The log of a task's last try."""
    place = f"{where(run)}/taskInstances/{task['task_id']}/logs/{task['try_number']}"
    return client.get(place).text


def failures(client: httpx.Client, run: dict[str, Any]) -> list[str]:
    """The tasks of a run that failed, with the end of their logs."""
    return [
        log_of(client, run, task)[-3000:]
        for task in tasks(client, run)
        if task["state"] == "failed"
    ]
