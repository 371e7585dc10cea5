"""What a failure notice says: pure text, sent by whoever has a way to send it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, NamedTuple

from pydantic import Field

from hearth.build import Event, EventKind
from hearth.errors import EXIT_DATA, EXIT_SPEC, EXIT_TRANSIENT
from hearth.model import FrozenModel

MAX_ERROR_CHARACTERS: Final = 1500
"""A notice is read on a telephone: the log has the rest."""


_DECISIONS: Final = {
    "gate": "what serves goes on serving: look at the gate's numbers, change the recipe (or its "
    "margins, if they were wrong), and build again",
    "rollout": "what served goes on serving: look at the candidate's log, then clear the task "
    "`rollout` to try it again, or change the recipe and build again",
}


class FailureNotice(FrozenModel):
    """One task of one build that failed, and will not be tried again by itself."""

    build: str = Field(description="The build's identifier.")
    recipe: str
    profile: str
    task: str = Field(description="The task of the DAG: a stage, or gate, approve, rollout.")
    attempt: str | None = Field(default=None, description="The attempt it waited for, if any.")
    error: str = Field(description="The error, whole.")
    code: int | None = Field(default=None, description="The exit code that stands for the error.")
    log: str = Field(description="Where the log is.")
    job_seconds: float = Field(default=0.0, ge=0, description="What this build's jobs took so far.")
    money: str | None = Field(default=None, description="What they cost, with currency, if known.")
    by: str | None = Field(default=None, description="Who marked the task failed, if a person did.")
    todo: str | None = Field(default=None, description="What the failed program says to do next.")


class Message(NamedTuple):
    """A title of one line, and a body."""

    title: str
    body: str


def next_step(notice: FailureNotice) -> str:
    """Return the next thing to do about a failure, in one sentence."""
    if notice.todo:
        return notice.todo
    if notice.by:
        return (
            f"{notice.by} marked it failed: clear the task `{notice.task}` to go on, or leave it; "
            "finished stages are reused by the next build"
        )
    if notice.code == EXIT_SPEC:
        return (
            f"correct the recipe `{notice.recipe}` or the profile `{notice.profile}` and trigger "
            "again: finished stages are reused"
        )
    if notice.code == EXIT_DATA:
        return _DECISIONS.get(notice.task) or (
            "repair or remove the data that the error names, then clear the task "
            f"`{notice.task}`: finished stages are reused"
        )
    if notice.code == EXIT_TRANSIENT:
        return (
            f"its retries are used up: once the cause is gone, clear the task `{notice.task}`; "
            "the next attempt resumes from what this one left"
        )
    return f"this looks like a defect: read the log, then clear the task `{notice.task}`"


def compose(notice: FailureNotice) -> Message:
    """Return the text of a failure notice."""
    error = notice.error.strip() or "no message"
    if len(error) > MAX_ERROR_CHARACTERS:
        error = error[:MAX_ERROR_CHARACTERS].rstrip() + " […]"
    cost = f"{notice.job_seconds:.0f} s of jobs" + (f", {notice.money}" if notice.money else "")
    lines = [
        f"Build {notice.build} of recipe {notice.recipe} under profile {notice.profile}",
        f"Task: {notice.task}" + (f" (attempt {notice.attempt})" if notice.attempt else ""),
        f"Error: {error}",
        f"Log: {notice.log}",
        f"Cost so far: {cost}",
        f"Next: {next_step(notice)}.",
    ]
    return Message(f"Hearth: {notice.recipe}: {notice.task} failed", "\n".join(lines))


def job_seconds(events: Iterable[Event]) -> float:
    """Return what the jobs that a build itself started took so far, in seconds."""
    total = 0.0
    for event in events:
        cost = event.data.get("cost")
        if event.kind is EventKind.STAGE_DONE and isinstance(cost, dict):
            total += float(str(cost.get("wall_seconds", 0)))
        elif event.kind is EventKind.ATTEMPT_ENDED:
            total += float(str(event.data.get("wall_seconds", 0)))
    return total


def attempt_of(events: Iterable[Event], task: str) -> str | None:
    """Return the number of the attempt that a task waited for last."""
    numbers = [
        str(event.data["attempt"])
        for event in events
        if event.data.get("task") == task and "attempt" in event.data
    ]
    return numbers[-1] if numbers else None
