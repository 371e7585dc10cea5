"""What a team gets that starts the compose file, loses services, moves to another machine."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from hearth.model import Stage
from tests.images.conftest import ROOT, Machine, machine
from tests.images.monitoring import firing, missing, monitoring, rules

AIRFLOW = "http://127.0.0.1:8080"
ENDPOINT = "http://127.0.0.1:8000"
PATIENCE = 900.0
KILLED = ("worker", "scheduler", "triggerer", "api-server", "dag-processor")

pytestmark = pytest.mark.timeout(2400, func_only=False)  # starting the stack is most of it


@pytest.fixture(scope="module")
def backup(secrets: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Of a machine, gone since, that the first tests were about."""
    folder = tmp_path_factory.mktemp("backup") / "one"
    with ExitStack() as stack:
        first = stack.enter_context(machine(secrets, "monitoring", HEARTH_MONITORING="True"))
        stack.enter_context(monitoring(first.compose.services, ROOT, first.folder / "watch"))
        first.compose.up()
        check_a_build(first)
        check_the_numbers()
        done = first.script("backup", folder)
        assert done.returncode == 0, done.stderr
        assert "api-server" in first.compose.running(), "it goes on after a backup"
        assert first.script("backup", folder).returncode == 73, "no backup is written over"
        assert first.script("restore", folder).returncode == 75, "nothing is restored over a stack"
    return folder


@pytest.fixture(scope="module")
def second(secrets: Path, backup: Path) -> Iterator[Machine]:
    """An empty machine that was given the backup, with the profile celery."""
    with machine(secrets, "celery", HEARTH_EXECUTOR="CeleryExecutor") as one:
        done = one.script("restore", backup)
        assert done.returncode == 0, done.stderr
        one.compose.up()
        yield one


def check_a_build(first: Machine) -> None:
    """The recipe `tiny` goes through to an endpoint that answers."""
    with session(first.secrets) as client:
        run = build(client, recipe="tiny")
        assert run["state"] == "success", failures(client, run)
    assert complete()


def check_the_numbers() -> None:
    """Every rule found what it reads in the series of a real build, and none of them cried."""
    assert missing([*rules(ROOT, "record"), *rules(ROOT, "record").values()]) == []
    recorded = set(rules(ROOT, "record"))
    for name, expression in rules(ROOT, "alert").items():
        assert set(re.findall(r"hearth:[\w:]+", expression)) <= recorded, name
    assert not firing() & {"HearthStageFailing", "HearthBuildFailed"}


def test_a_restored_machine_has_history_endpoint_and_lineage(second: Machine) -> None:
    deadline = time.monotonic() + PATIENCE
    while not (text := complete()):
        assert time.monotonic() < deadline, second.compose.log("endpoint")
        time.sleep(2)
    assert text
    with session(second.secrets) as client:
        runs = client.get("/api/v2/dags/build_llm/dagRuns").raise_for_status().json()["dag_runs"]
        assert [run["state"] for run in runs] == ["success"]
    traced = second.compose.execute("scheduler", "hearth", "trace", "endpoint")
    assert traced.returncode == 0, traced.stderr
    lineage = second.compose.execute("scheduler", "cat", "/var/lib/airflow/logs/lineage.jsonl")
    made = [json.loads(line)["job"]["name"] for line in lineage.stdout.splitlines() if line]
    assert "build_llm.train" in made


def test_a_build_after_a_restore_starts_no_job(second: Machine) -> None:
    with session(second.secrets) as client:
        run = build(client, recipe="tiny")
        assert run["state"] == "success", failures(client, run)
        assert ran(client, run) == set()


def test_an_upgrade_keeps_what_there_is(second: Machine, tmp_path: Path) -> None:
    done = second.script("upgrade", tmp_path / "before", "--built")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "before" / "SHA256SUMS").exists()
    with session(second.secrets) as client:
        assert client.get("/api/v2/dags/build_llm/dagRuns").json()["total_entries"] == 2


def test_a_queue_asks_for_its_password(second: Machine) -> None:
    assert second.redis is not None
    assert second.redis.ping(password=False).startswith("NOAUTH")
    assert second.redis.ping(password=True) == "PONG"


def test_a_build_outlives_the_loss_of_every_part_of_airflow(second: Machine) -> None:
    with session(second.secrets) as client:
        run = start(client, recipe="tiny", rebuild_from="curate")
        for name in KILLED:
            await_a_job(client, run)
            second.compose.kill(name)
            second.compose.start(name)
            second.compose.await_healthy(name)
        run = end(client, run)
        assert run["state"] == "success", failures(client, run)
        assert ran(client, run), "stages ran anew"
    assert complete()


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
    while run["state"] not in {"success", "failed"}:
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


def await_a_job(client: httpx.Client, run: dict[str, Any]) -> None:
    """Wait until a task of a run goes on, or until the run has ended."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if {"running", "deferred"} & {task["state"] for task in tasks(client, run)}:
            return
        if client.get(where(run)).json()["state"] in {"success", "failed"}:
            return
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
