"""Stopping everything in the middle of a build, and starting it again."""

from __future__ import annotations

from typing import Any

import pytest

from hearth.model import Stage
from hearth.stack.ports import all_ports, is_free

pytestmark = [pytest.mark.network, pytest.mark.timeout(1500)]


def test_a_stopped_stack_leaves_nothing_and_goes_on_when_it_is_back(
    machine: Any, first: Any
) -> None:
    machine.open_gate()
    version = machine.serving()
    going = machine.trigger(train_steps=400, train_seed=3)
    attempt = machine.until_trained(going, 0.2)

    machine.stack.stop()
    assert machine.processes_of(attempt) == set()
    assert machine.stack.processes() == set()
    assert all(is_free(port.number) for port in all_ports(machine.stack.settings))

    machine.stack.up()
    answers = machine.until("the endpoint answers", 120, lambda: _answer(machine))
    assert answers == version
    machine.finish(going)
    assert going.attempts(Stage.TRAIN).numbers() == [1, 2]
    assert going.record(Stage.TRAIN).metrics["resumed_from"] > 0


def _answer(machine: Any) -> str | None:
    """The version that answers, once one does."""
    answer = machine.complete()
    return answer.headers["X-Hearth-Version"] if answer.is_success else None
