"""The laws of failure notices."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from hearth.build import Event, EventKind
from hearth.errors import EXIT_DATA, EXIT_DEFECT, EXIT_SPEC, EXIT_TRANSIENT
from hearth.notify import MAX_ERROR_CHARACTERS, FailureNotice, attempt_of, compose, job_seconds

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def notice(**changes: Any) -> FailureNotice:
    fields = {
        "build": "demo-1",
        "recipe": "demo",
        "profile": "local",
        "task": "train",
        "attempt": "2",
        "error": "loss is not a number",
        "code": EXIT_DEFECT,
        "log": "http://airflow/log",
        "job_seconds": 61.4,
    }
    return FailureNotice.model_validate({**fields, **changes})


def test_a_notice_names_everything_that_operations_needs() -> None:
    title, body = compose(notice())
    assert title == "Hearth: demo: train failed"
    for part in ("demo-1", "local", "attempt 2", "loss is not", "http://airflow/log", "61 s"):
        assert part in body
    assert body.splitlines()[-1].startswith("Next: ")


@pytest.mark.parametrize(
    ("code", "advice"),
    [
        (EXIT_SPEC, "correct the recipe"),
        (EXIT_DATA, "repair or remove the data"),
        (EXIT_TRANSIENT, "retries are used up"),
        (EXIT_DEFECT, "a defect"),
        (None, "a defect"),
    ],
)
def test_each_kind_of_error_has_its_own_next_step(code: Any, advice: Any) -> None:
    assert advice in compose(notice(code=code)).body


@pytest.mark.parametrize("task", ["gate", "rollout"])
def test_a_refused_model_is_no_broken_data(task: str) -> None:
    body = compose(notice(task=task, code=EXIT_DATA)).body
    assert "goes on serving" in body
    assert "data" not in body


def test_what_the_program_advises_comes_first() -> None:
    assert "Next: free some disk." in compose(notice(todo="free some disk")).body


def test_a_person_who_marked_it_is_named() -> None:
    assert "a person marked it failed" in compose(notice(by="a person")).body


def test_long_errors_are_cut() -> None:
    body = compose(notice(error="x" * 100_000)).body
    assert len(body) < MAX_ERROR_CHARACTERS + 1000
    assert "[…]" in body


def test_an_error_without_words_says_so() -> None:
    assert "Error: no message" in compose(notice(error=" \n")).body


def event(kind: EventKind, **data: Any) -> Event:
    return Event(kind=kind, at=NOW, data=data)


def test_cost_counts_what_ran_and_not_what_was_reused() -> None:
    events = [
        event(EventKind.STAGE_REUSED),
        event(EventKind.STAGE_DONE, cost={"wall_seconds": 10}),
        event(EventKind.ATTEMPT_ENDED, wall_seconds=2.5),
    ]
    assert job_seconds(events) == 12.5


def test_the_last_attempt_of_the_task_counts() -> None:
    events = [
        event(EventKind.ATTEMPT_STARTED, task="train", attempt=1),
        event(EventKind.ATTEMPT_STARTED, task="train", attempt=2),
        event(EventKind.ATTEMPT_STARTED, task="evaluate", attempt=1),
    ]
    assert attempt_of(events, "train") == "2"
    assert attempt_of(events, "gate") is None
