"""When to cancel a job: only if a person wanted its task gone.

Airflow calls `on_kill` for less: evicting a worker looks like a kill, and so does a triggerer that
was slow enough to lose its triggers. So it is asked what became of the task first, and unsure means
that the job goes on: whoever comes back finds it, and the reaper ends what nobody wants.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from enum import StrEnum
from typing import Any, Final, Protocol

from hearth.attempt import Attempt
from hearth.errors import HearthError
from hearth.execution import Execution

log = logging.getLogger(__name__)

WORKER_SECONDS: Final = 3.0
"""A worker that is being stopped has five seconds to say anything."""

TRIGGERER_SECONDS: Final = 60.0
"""Nothing is urgent there: whoever waits for the answer waits in a thread."""

UNKNOWN: Final = "unknown"
"""Airflow did not answer, or has no such task."""

_ALIVE: Final = frozenset({"deferred", "running", UNKNOWN})


class Side(StrEnum):
    """Where `on_kill` was called."""

    WORKER = "worker"
    TRIGGERER = "triggerer"


class TaskKey(Protocol):
    """What names a task instance."""

    dag_id: str
    run_id: str
    task_id: str
    map_index: int | None


StateOf = Callable[[TaskKey], str | None]


def state_of(task: TaskKey) -> str | None:
    """Ask Airflow for a task's state; None is the state of a task that was cleared."""
    from airflow.sdk.execution_time.task_runner import RuntimeTaskInstance  # noqa: PLC0415 - slow

    states = RuntimeTaskInstance.get_task_states(
        dag_id=task.dag_id, task_ids=[task.task_id], run_ids=[task.run_id]
    )
    mapped = task.map_index is not None and task.map_index >= 0
    name = f"{task.task_id}_{task.map_index}" if mapped else task.task_id
    state = states.get(task.run_id, {}).get(name, UNKNOWN)
    return None if state is None else str(getattr(state, "value", state))


def a_person_changed(state: str | None, side: Side) -> bool:
    """Whether a task's state says that a person took it away from its job.

    In the triggerer `running` means that the task was cleared and has started again already; in the
    worker it means that nobody did anything, and the worker itself is going.
    """
    if side is Side.TRIGGERER and state == "running":
        return True
    return state not in _ALIVE


def ask(task: TaskKey, seconds: float, state_of: StateOf = state_of) -> str | None:
    """Ask for a task's state, for a while: a signal handler must not hang."""
    answer: list[str | None] = [UNKNOWN]

    def run() -> None:
        try:
            answer[0] = state_of(task)
        except Exception as error:  # noqa: BLE001 - whatever it is, it means "unsure"
            log.warning("the state of task %s is not known: %s", task.task_id, error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(seconds)
    return answer[0]


def cancel_if_ours(execution: Execution, attempt: Attempt, build: str, state: str | None) -> bool:
    """Cancel an attempt after a person's kill, if it belongs to the build; else let it be.

    Returns:
        Whether it was cancelled by this.
    """
    owner = attempt.claim.owner
    if owner != build:
        log.info("detached from %s: it belongs to build %s and goes on", attempt.name, owner)
        return False
    reason = f"its task was {'cleared' if state is None else f'made {state}'} by a person"
    try:
        cancelled = execution.cancel(attempt, by=build, reason=reason)
    except HearthError as error:
        log.warning("%s is not cancelled, the reaper will: %s", attempt.name, error)
        return False
    log.info("%s: %s", attempt.name, "cancelled" if cancelled else "had ended already")
    return cancelled


def describe(kind: Side, state: Any) -> str:
    """Say why a job is left alone."""
    return f"{kind} is going, the task is {state}: the job goes on"
