"""The trigger that waits for an attempt's end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any, Final, NamedTuple

from airflow.triggers.base import BaseTrigger, TriggerEvent

from hearth.attempt import Attempt, Progress
from hearth.compute.outcome import JobState
from hearth.execution import Execution, Look
from hearth.model import Stage
from operators import kill
from operators.opened import Opened, open_named

POLL_SECONDS: Final = 1.0
_LONGEST_WAIT: Final = 30.0
_QUIET_SECONDS: Final = 10.0
"""Progress lines come no closer together than this, however fast the program talks."""


class Watched(NamedTuple):
    """An attempt, and who waits for it."""

    opened: Opened
    execution: Execution
    attempt: Attempt


class StageTrigger(BaseTrigger):
    """Polls an attempt until nothing of it runs any more; yields one event, which says only that.

    What happened is read from the store by the operator: it survives whoever loses the event.
    """

    def __init__(
        self, *, profile: str, build: str, stage: str, fingerprint: str, attempt: int
    ) -> None:
        """Name the attempt.

        Args:
            profile: the profile that says where the store is.
            build: the id of the build that waits.
            stage: the artifact's stage.
            fingerprint: the artifact's fingerprint.
            attempt: the attempt's number.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.profile = profile
        self.build = build
        self.stage = stage
        self.fingerprint = fingerprint
        self.attempt = attempt
        self._watch: Watched | None = None
        self._said = ("", "", float("-inf"))

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes this trigger again."""
        return (
            "operators.triggers.StageTrigger",
            {
                "profile": self.profile,
                "build": self.build,
                "stage": self.stage,
                "fingerprint": self.fingerprint,
                "attempt": self.attempt,
            },
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait for the end. The store or the backend may be away for as long as they like."""
        wait = POLL_SECONDS
        rehearsal = asyncio.create_task(self._rehearse())
        while True:
            try:
                look, concern = await asyncio.to_thread(self._look)
            except Exception as error:  # noqa: BLE001 - a trigger that dies fails a task that lives
                wait = min(wait * 2, _LONGEST_WAIT)
                self.log.warning("attempt %d: %s; asking again in %g s", self.attempt, error, wait)
            else:
                wait = POLL_SECONDS
                if look.over or concern:
                    rehearsal.cancel()
                    yield TriggerEvent(  # type: ignore[no-untyped-call]
                        {"fingerprint": self.fingerprint, "attempt": self.attempt, **concern}
                    )
                    return
                self._say(look)
            await asyncio.sleep(wait)

    def concern(self, watched: Watched, look: Look) -> dict[str, Any]:
        """Return what the operator must see to before the attempt's end; asked at every look.

        Args:
            watched: the attempt.
            look: how it stands; it is not over.
        """
        del watched, look
        return {}

    def words(self, look: Look) -> tuple[str, str]:
        """Say how an attempt stands: what it does, and how far it is with that."""
        status = look.status
        if not look.started or status is None:
            return "waiting", "waiting for its owner to start it"
        if status.state is JobState.PENDING:
            return status.reason, status.reason or "waiting to run"
        if status.reason or look.progress is None:
            return status.reason or "running", status.reason or "running"
        return look.progress.step, line_of(look.progress)

    async def on_kill(self) -> None:
        """Cancel the attempt if a person took the task away and the attempt is the build's own."""
        if self.task_instance is not None:
            # One thread for all of it: Airflow stops waiting after thirty seconds, and the thread
            # still goes on to the end.
            await asyncio.to_thread(self._kill, self.task_instance)

    def _kill(self, task: Any) -> None:
        state = kill.ask(task, kill.TRIGGERER_SECONDS)
        if not kill.a_person_changed(state, kill.Side.TRIGGERER):
            self.log.info("%s", kill.describe(kill.Side.TRIGGERER, state))
            return
        watch = self._open()
        kill.cancel_if_ours(watch.execution, watch.attempt, self.build, state)

    async def _rehearse(self) -> None:
        """Ask for the task's state once: a triggerer's first question takes it many seconds.

        A kill must not have to wait for that.
        """
        if self.task_instance is not None:
            await asyncio.to_thread(kill.ask, self.task_instance, kill.TRIGGERER_SECONDS)

    def _look(self) -> tuple[Look, dict[str, Any]]:
        watch = self._open()
        look = watch.execution.look(watch.attempt)
        return look, {} if look.over else self.concern(watch, look)

    def _open(self) -> Watched:
        if self._watch is None:
            opened = open_named(self.profile, self.build)
            execution = Execution.of(
                opened.root, opened.record, Stage(self.stage), self.fingerprint
            )
            attempt = execution.attempts.get(self.attempt)
            self._watch = Watched(opened, execution, attempt)
        return self._watch

    def _say(self, look: Look) -> None:
        step, text = self.words(look)
        now = asyncio.get_running_loop().time()
        said, said_step, when = self._said
        if text != said and (now - when >= _QUIET_SECONDS or step != said_step):
            self._said = (text, step, now)
            self.log.info("attempt %d: %s", self.attempt, text)


def line_of(progress: Progress) -> str:
    """Say in a line how far a program is."""
    of = f" of {progress.total}" if progress.total is not None else ""
    rate = f", {progress.rate:.3g} a second" if progress.rate else ""
    message = f": {progress.message}" if progress.message else ""
    return f"{progress.step}: {progress.done}{of} {progress.unit}{rate}{message}"
