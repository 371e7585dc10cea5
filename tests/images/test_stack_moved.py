"""A machine that was given the backup of another, gone since, and loses its services."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
import yaml

from hearth.build import EventKind
from hearth.model import Stage
from tests.images.building import (
    PATIENCE,
    await_tasks,
    build,
    complete,
    end,
    failures,
    ran,
    session,
    start,
)
from tests.images.conftest import PREFIX, ROOT, Machine, machine
from tests.images.proof import IMAGES

KILLED = ("worker", "scheduler", "triggerer", "api-server", "dag-processor")
REBUILT = frozenset({Stage.CURATE, Stage.TRAIN, Stage.EVALUATE})

pytestmark = pytest.mark.timeout(2400, func_only=False)  # starting the stack is most of it


@pytest.fixture(scope="module")
def second(secrets: Path, backups: Path) -> Iterator[Machine]:
    """An empty machine that was given the backup, with the profile celery."""
    assert (backups / "one").is_dir(), "tests/images/test_stack.py makes it: run that too"
    with machine(secrets, "celery", HEARTH_EXECUTOR="CeleryExecutor") as one:
        done = one.script("restore", backups / "one")
        assert done.returncode == 0, done.stderr
        assert "docker/settings 'monitoring'" in done.stdout
        one.compose.up()
        yield one


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


def test_an_upgrade_keeps_what_there_is_and_the_images_that_ran(
    second: Machine, tmp_path: Path
) -> None:
    done = second.script("upgrade", tmp_path / "before", "--built")
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "before" / "SHA256SUMS").exists()
    for name in IMAGES:
        assert image_id(f"{name}:before") == image_id(f"{name}:latest")
        subprocess.run(["buildah", "rmi", f"{PREFIX}-{name}:before"], check=True)
    assert "worker" in second.compose.running()
    with session(second.secrets) as client:
        assert client.get("/api/v2/dags/build_llm/dagRuns").json()["total_entries"] == 2


def test_the_probes_of_the_chart_pass_in_the_image(second: Machine) -> None:
    values = yaml.safe_load((ROOT / "deploy" / "helm" / "values.yaml").read_text())
    for part, name in (
        ("scheduler", "scheduler"),
        ("triggerer", "triggerer"),
        ("dagProcessor", "dag-processor"),
    ):
        done = second.compose.execute(name, *values[part]["livenessProbe"]["command"])
        assert done.returncode == 0, (part, done.stderr)
    triggerer = values["triggerer"]["livenessProbe"]["command"]
    assert second.compose.execute("worker", *triggerer).returncode != 0, "no triggerer runs there"


def test_a_queue_asks_for_its_password(second: Machine) -> None:
    assert second.redis is not None
    assert second.redis.ping(password=False).startswith("NOAUTH")
    assert second.redis.ping(password=True) == "PONG"


def test_a_build_outlives_the_loss_of_every_part_of_airflow(second: Machine) -> None:
    """Each is killed while a stage's job goes on, and none of it has a job started twice.

    How many builds that takes depends on the machine: a new one begins when one is over.
    """
    runs: list[dict[str, Any]] = []
    killed: list[tuple[int, datetime]] = []
    with session(second.secrets) as client:
        for name in KILLED:
            # A worker does something while a task runs; a job goes on while its task waits, too.
            names, states = (
                (None, frozenset({"running"}))
                if name == "worker"
                else (REBUILT, frozenset({"running", "deferred"}))
            )
            while not runs or not await_tasks(client, runs[-1], names, states):
                if runs:
                    end(client, runs[-1])
                runs.append(start(client, recipe="tiny", rebuild_from="curate"))
            killed.append((len(runs) - 1, datetime.now(UTC)))
            second.compose.kill(name)
            second.compose.start(name)
            second.compose.await_healthy(name)
        runs = [end(client, run) for run in runs]
        for run in runs:
            assert run["state"] == "success", failures(client, run)
            assert ran(client, run), "stages ran anew"
    for number, at in killed:
        assert datetime.fromisoformat(runs[number]["end_date"]) > at, "the run was over by then"
    for attempts in started(second, len(runs)):
        assert attempts.keys() >= REBUILT
        assert all(numbers == [1] for numbers in attempts.values()), attempts
    assert complete()


def started(machine: Machine, count: int) -> list[dict[str, list[int]]]:
    """The numbers of the attempts that the newest builds started, by stage."""
    found = []
    for one in told(machine, "--limit", str(count))["builds"]:
        attempts: dict[str, list[int]] = {}
        for event in told(machine, one["build"]):
            if event["kind"] == EventKind.ATTEMPT_STARTED:
                attempts.setdefault(event["stage"], []).append(event["data"]["attempt"])
        found.append(attempts)
    return found


def told(machine: Machine, *words: str) -> Any:
    """What `hearth status` says."""
    done = machine.compose.execute("scheduler", "hearth", "status", *words, "--json")
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def image_id(name: str) -> str:
    """The id of one of the images."""
    what = ["buildah", "inspect", "--type=image", "--format={{.FromImageID}}", f"{PREFIX}-{name}"]
    return subprocess.run(what, check=True, capture_output=True, text=True).stdout.strip()
