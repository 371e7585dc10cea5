"""The laws of telling people."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk.exceptions import AirflowFailException

from hearth.errors import SpecError
from operators import listener
from operators.notify import FailureNotifier
from operators.opened import fail


@pytest.fixture
def told(place: Any) -> Iterator[list[dict[str, Any]]]:
    """What reaches the one address that the profile names."""
    received: list[dict[str, Any]] = []

    class Inbox(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Inbox)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    (place.home / "notify").write_text(f"json://127.0.0.1:{server.server_port}/")
    yield received
    server.shutdown()
    server.server_close()


def failed(context: dict[str, Any]) -> dict[str, Any]:
    """The context that Airflow calls back with."""
    with pytest.raises(AirflowFailException) as caught:
        fail(SpecError("train.steps = -1: must be positive"))
    return {**context, "exception": caught.value}


def row(context: dict[str, Any], state: str = "failed") -> SimpleNamespace:
    """The task as the API server sees it."""
    ti = context["ti"]
    return SimpleNamespace(**vars(ti), state=state, dag_run=SimpleNamespace(conf={}))


def listen(task: Any, previous: Any = None) -> None:
    before = set(threading.enumerate())
    listener.on_task_instance_failed(previous, task, "set to failed by hand")
    for thread in set(threading.enumerate()) - before:
        thread.join(30)


def test_a_failure_reaches_people_with_all_they_need(place: Any, told: Any) -> None:
    context = place.build()
    FailureNotifier()(failed(context))
    (notice,) = told
    assert notice["title"] == "Hearth: tiny: task failed"
    for part in ("SpecError: train.steps", "http://airflow/log", "correct the recipe `tiny`"):
        assert part in notice["message"]
    event = place.build_of(context).events()[-1]
    assert (event.kind, event.data["code"]) == ("failed", 64)


def test_a_failure_is_told_once_whoever_sees_it(place: Any, told: Any) -> None:
    context = place.build()
    FailureNotifier()(failed(context))
    FailureNotifier()(failed(context))
    listen(row(context), previous="running")
    assert len(told) == 1


def test_a_task_that_a_person_marks_failed_is_told_of(place: Any, told: Any) -> None:
    listen(row(place.build()))
    (notice,) = told
    assert "a person marked it failed" in notice["message"]


def test_the_next_try_is_told_of_again(place: Any, told: Any) -> None:
    context = place.build()
    FailureNotifier()(failed(context))
    context["ti"].try_number = 2
    FailureNotifier()(failed(context))
    assert len(told) == 2


def test_the_listener_leaves_workers_retries_and_other_dags_alone(place: Any, told: Any) -> None:
    task = row(place.build())
    listen(SimpleNamespace(**vars(task), bundle_instance=None))
    listen(SimpleNamespace(**{**vars(task), "state": "up_for_retry"}))
    listen(SimpleNamespace(**{**vars(task), "dag_id": "reap"}))
    assert told == []


def test_a_failure_before_there_is_a_build_is_told_of_too(place: Any, told: Any) -> None:
    FailureNotifier()(failed(place.context("never-resolved")))
    (notice,) = told
    assert "train.steps" in notice["message"]


@pytest.mark.parametrize("address", ["json://127.0.0.1:1/", "nonsense", ""])
def test_an_address_that_does_not_work_fails_nothing(place: Any, address: str) -> None:
    (place.home / "notify").write_text(address)
    context = place.build()
    FailureNotifier()(failed(context))
    assert place.kinds(context)[-1] == "failed"


def test_a_store_that_is_away_fails_nothing(place: Any) -> None:
    context = failed(place.build())
    (place.config / "profiles" / "test.yaml").unlink()
    FailureNotifier()(context)
