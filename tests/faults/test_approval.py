"""A person decides, through Airflow's own form, whether a model may serve."""

from __future__ import annotations

import contextlib
from typing import Any

import pytest

from hearth.build import EventKind
from hearth.errors import SpecError

pytestmark = [pytest.mark.network, pytest.mark.timeout(600)]


def asked(machine: Any) -> Any:
    """A build that waits for a person; everything before was reused."""
    going = machine.trigger(approve_by_hand=True)
    machine.until(
        "somebody is asked", 120, lambda: machine.tasks(going)["approve"] == "awaiting_input"
    )
    return going


def decide(machine: Any, going: Any, choice: str, reason: str) -> None:
    """Answer, and again whenever Airflow asks again, until it goes on.

    Airflow's scheduler takes a question that is answered within a blink of being asked for a task
    that ended badly: it loses the answer, or keeps it here and asks a second time.
    """

    def gone_on() -> bool:
        if machine.tasks(going)["approve"] == "awaiting_input":
            with contextlib.suppress(SpecError):  # this very question is answered already
                machine.answer(going, choice, reason)
        return machine.tasks(going)["approve"] == "success"

    machine.until("the decision is taken", 120, gone_on)


def decisions(going: Any) -> set[tuple[bool, str, str]]:
    """All that was decided, by whom and why: an answer that Airflow asked for twice is one."""
    kept = (event.data for event in going.events(EventKind.APPROVAL))
    return {(data["approved"], data["by"], data["reason"]) for data in kept}


def test_the_form_asks_for_a_reason_and_nothing_else(machine: Any, first: Any) -> None:
    going = asked(machine)
    question = machine.question(going)
    assert list(question["params"]) == ["reason"]
    assert "the build asks for it" in question["subject"]
    assert "| task | against |" in question["body"]
    decide(machine, going, "Approve", "the numbers are good")
    machine.finish(going)
    assert decisions(going) == {(True, "admin", "the numbers are good")}
    assert going.events(EventKind.ROLLED_OUT)


def test_a_rejection_stops_before_any_traffic_moves(machine: Any, first: Any) -> None:
    state = machine.endpoint_state()
    going = asked(machine)
    decide(machine, going, "Reject", "the licence")
    machine.finish(going)
    assert machine.tasks(going)["rollout"] == "skipped"
    assert decisions(going) == {(False, "admin", "the licence")}
    assert going.events(EventKind.ROLLED_OUT) == []
    assert machine.endpoint_state() == state
