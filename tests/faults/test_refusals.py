"""What is asked for wrongly is refused in clear words, before anything runs."""

from __future__ import annotations

from typing import Any

import pytest

from hearth.errors import SpecError
from tests.machine import OVER

pytestmark = [pytest.mark.network, pytest.mark.timeout(1500)]

KEY = "AKIA" + "IOSFODNN7EXAMPLE"  # the one that AWS's manuals use


def refused(machine: Any, **conf: Any) -> str:
    """Trigger a build that its first task refuses; return what that task said."""
    jobs = machine.jobs()
    going = machine.trigger(**conf)
    machine.until("its end", 180, lambda: machine.state(going) in OVER)
    tasks = machine.tasks(going)
    assert tasks.pop("resolve") == "failed"
    assert set(tasks.values()) == {"upstream_failed"}
    assert machine.jobs() == jobs
    assert not going.resolved
    said: str = machine.task_log(going, "resolve")
    return said


@pytest.mark.parametrize(
    ("conf", "names"),
    [
        ({"train_steps": -1}, "train_steps"),
        ({"train_seed": "seven"}, "train_seed"),
        ({"recipe": "no-such-recipe"}, "no-such-recipe"),
        ({"rebuild_from": "rollout"}, "rebuild_from"),
    ],
)
def test_the_form_refuses_a_value_out_of_bounds(
    machine: Any, first: Any, conf: dict[str, Any], names: str
) -> None:
    with pytest.raises(SpecError, match=names):
        machine.trigger(**conf)


def test_an_unknown_key_is_refused_by_name(machine: Any, first: Any) -> None:
    said = refused(machine, train_stepz=5)
    assert "train_stepz" in said
    assert "what can be set is" in said


def test_a_secret_is_refused_and_not_repeated(machine: Any, first: Any) -> None:
    said = refused(machine, note=KEY)
    assert "note: looks like a secret" in said
    assert KEY not in said
