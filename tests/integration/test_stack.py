"""The real stack: two of them on one machine, crashes, and nothing left behind."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from hearth.compute.process import ProcessIdentity
from hearth.errors import SpecError
from hearth.stack import ports, store
from hearth.stack.stack import Stack
from hearth.storage import Store
from tests.own_stack import own_settings

pytestmark = pytest.mark.timeout(600)

OLDER = "3.1.0"
"""An Airflow from before the installed one."""


def until(happened: Callable[[], Any], seconds: float = 60.0) -> Any:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if value := happened():
            return value
        time.sleep(0.1)
    pytest.fail(f"it did not happen within {seconds} seconds")


@pytest.fixture(scope="module")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    stack = Stack(own_settings(tmp_path_factory.mktemp("one")), print, watched=False)
    try:
        stack.up()
        yield stack
    finally:
        stack.stop()


@pytest.fixture
def neighbour(tmp_path: Path) -> Iterator[Stack]:
    stack = Stack(own_settings(tmp_path / "other"), print)
    yield stack
    stack.stop()


def pids(stack: Stack) -> dict[str, int | None]:
    return {service.name: service.pid for service in stack.status()}


@contextmanager
def login(stack: Stack) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=stack.airflow_url, trust_env=False, timeout=60) as client:
        body = {"username": "admin", "password": stack.secrets.admin_password()}
        token = client.post("/auth/token", json=body).raise_for_status().json()["access_token"]
        client.headers["Authorization"] = f"Bearer {token}"
        yield client


def names(client: httpx.Client) -> set[str]:
    return {dag["dag_id"] for dag in client.get("/api/v2/dags").json()["dags"]}


def test_up_again_starts_nothing(stack: Stack) -> None:
    before = pids(stack)
    assert all(before.values())
    assert not stack.up()
    assert pids(stack) == before


def test_the_store_takes_the_generated_key_and_no_other(stack: Stack) -> None:
    storage = stack.profile.storage
    ours = Store.open(storage)
    assert ours.create("stack/one", b"1")
    assert not ours.create("stack/one", b"2")
    assert ours.get("stack/one") == b"1"
    credentials = stack.settings.home / "wrong"
    credentials.write_text("[default]\naws_access_key_id = any\naws_secret_access_key = any\n")
    stranger = Store.open(storage.model_copy(update={"credentials_file": credentials}))
    with pytest.raises(SpecError, match="refused access"):
        stranger.get("stack/one")


def test_airflow_lets_in_the_generated_password_and_no_other(stack: Stack) -> None:
    for user, password in (("admin", "admin"), ("admin", ""), ("airflow", "airflow")):
        body = {"username": user, "password": password}
        answer = httpx.post(
            f"{stack.airflow_url}/auth/token", json=body, trust_env=False, timeout=60
        )
        assert answer.is_client_error
    with login(stack) as client:
        assert client.get("/api/v2/dags").is_success
        assert client.get("/api/v2/config").is_client_error


def test_every_dag_of_the_project_is_there_without_an_error(stack: Stack) -> None:
    with login(stack) as client:
        until(lambda: {"build_llm", "reap"} <= names(client))
        assert client.get("/api/v2/importErrors").json()["import_errors"] == []


def test_a_port_that_a_stranger_holds_is_named_with_its_setting(
    stack: Stack, tmp_path: Path
) -> None:
    mine = stack.settings.model_copy(update={"home": tmp_path})
    with pytest.raises(SpecError) as caught:
        Stack(mine).up()
    message = str(caught.value)
    assert f"pid {pids(stack)['store']} (" in message
    assert "HEARTH_S3_PORT" in message


@pytest.mark.parametrize("component", ["store", "scheduler", "triggerer", "endpoint"])
def test_up_brings_back_what_was_killed_and_only_that(stack: Stack, component: str) -> None:
    before = pids(stack)
    stack.kill(component)
    assert pids(stack) == {**before, component: None}
    assert stack.up()
    after = pids(stack)
    assert after.pop(component) not in {None, before.pop(component)}
    assert after == before


def test_what_dies_in_a_watched_stack_is_started_again_by_itself(stack: Stack) -> None:
    watched = Stack(stack.settings, print)
    assert watched.up()
    before = pids(stack)
    try:
        stack.kill("triggerer")
        after = until(lambda: all((now := pids(stack)).values()) and now)
        assert after.pop("triggerer") != before.pop("triggerer")
        assert after == before
        assert not watched.up()
    finally:
        watched.daemons["watch"].stop()


def test_a_store_that_was_killed_keeps_what_it_took(stack: Stack) -> None:
    objects = Store.open(stack.profile.storage)
    objects.put("stack/kept", b"kept")
    stack.kill("store")
    stack.restart("store")
    assert objects.get("stack/kept") == b"kept"


def test_stopping_one_stack_leaves_its_neighbour_alone(stack: Stack, neighbour: Stack) -> None:
    before = pids(stack)
    neighbour.secrets.ensure()
    store.prepare(neighbour.settings.home, neighbour.secrets)
    neighbour.daemons["store"].start()
    assert neighbour.processes()
    assert neighbour.stop()
    assert not neighbour.processes()
    assert pids(stack) == before


def test_the_database_of_an_older_airflow_is_brought_up_to_date_and_keeps_its_history(
    stack: Stack,
) -> None:
    with login(stack) as client:
        until(lambda: "reap" in names(client))
        run = client.post("/api/v2/dags/reap/dagRuns", json={"logical_date": None})
        page = f"/api/v2/dags/reap/dagRuns/{run.raise_for_status().json()['dag_run_id']}"
        until(lambda: client.get(page).json()["state"] == "success")
    stack.stop()
    subprocess.run(
        [sys.executable, "-m", "airflow", "db", "downgrade", "--to-version", OLDER, "--yes"],
        env=stack._airflow_environment,
        check=True,
    )
    (stack.settings.home / "airflow" / "migrated-to").write_text(OLDER)
    stack.up()
    with login(stack) as client:
        assert client.get(page).raise_for_status().json()["state"] == "success"


def test_stop_after_a_crash_leaves_no_process_and_no_port(stack: Stack) -> None:
    home = stack.settings.home
    secrets = {path: path.read_bytes() for path in stack.secrets.folder.iterdir()}
    # Found by parentage, not by the mark that `stop` goes by.
    scheduler = psutil.Process(pids(stack)["scheduler"])
    family = [ProcessIdentity.of(child.pid) for child in scheduler.children(recursive=True)]
    for name in ("scheduler", "api-server", "endpoint"):
        stack.kill(name)
    workers = [process for process in family if process and process.alive()]
    assert workers, "whoever kills the scheduler leaves its workers"
    for path in (home / "run").glob("*.json"):
        path.unlink()  # as if the pid files were lost with a full disk
    left: set[ProcessIdentity] = stack.processes()
    assert left
    again = Stack(stack.settings, print)
    assert again.stop()
    assert not [process for process in left if process.alive()]
    assert not [process for process in workers if process.alive()]
    assert all(ports.is_free(port.number) for port in ports.all_ports(stack.settings))
    assert not again.stop()
    assert {path: path.read_bytes() for path in secrets} == secrets
