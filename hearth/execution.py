"""Bringing a stage's artifact about: claim or join an attempt, submit it, watch it, close it.

What the stage operator, its trigger and the reaper have in common, without Airflow. Everything is
read from the store and the backend, so any process may take over from any other at any point.
"""

from __future__ import annotations

from typing import Final

from hearth.artifact import Artifact, ArtifactRecord
from hearth.attempt import Attempt, Attempts, Exit, Outcome, Progress, exit_of
from hearth.build import BuildRecord
from hearth.compute.backend import Backend, JobHandle, JobRequest, JobResources, JobStatus
from hearth.compute.outcome import JobState
from hearth.compute.registry import open_backend
from hearth.errors import EXIT_TRANSIENT, DataError
from hearth.model import FrozenModel, Stage
from hearth.pipeline import StagePlan, job_of
from hearth.resources import GRACE
from hearth.settings import settings
from hearth.stage.job import environment_for
from hearth.storage import Store

TAIL_LINES: Final = 30
_TAIL_CHARACTERS: Final = 64_000
_GIB: Final = 1 << 30
_GRACE: Final = 15.0

_OUTCOMES: Final = {
    JobState.SUCCEEDED: Outcome.FAILED,  # no last word and no record: it did not do its work
    JobState.FAILED: Outcome.FAILED,
    JobState.CANCELLED: Outcome.CANCELLED,
    JobState.LOST: Outcome.LOST,
}


class Look(FrozenModel):
    """How an attempt stands at a moment."""

    over: bool
    """Nothing of it runs any more."""
    started: bool
    """Its backend knows it."""
    progress: Progress | None = None
    status: JobStatus | None = None
    """What its backend says of it; None while it does not know it."""


class Execution:
    """One artifact under one build: the attempts towards it, on the build's backend."""

    def __init__(self, root: Store, stage: Stage, fingerprint: str, backend: Backend) -> None:
        """Name it; nothing is read.

        Args:
            root: the root of the store.
            stage: which program makes the artifact.
            fingerprint: the artifact's.
            backend: where its jobs run.
        """
        self.artifact = Artifact(root, stage, fingerprint)
        self.attempts = Attempts(self.artifact)
        self.backend = backend

    @classmethod
    def of(cls, root: Store, record: BuildRecord, stage: Stage, fingerprint: str) -> Execution:
        """Return the execution under a build's profile, on this machine."""
        backend = open_backend(record.profile, settings())
        return cls(root, stage, fingerprint, backend)

    def finished(self) -> ArtifactRecord | None:
        """Return the artifact's record; None while there is none."""
        return self.artifact.record()

    def begin(self, plan: StagePlan, record: BuildRecord) -> tuple[Attempt, bool]:
        """Claim the next attempt, or join the one that lives; start it if it is the build's own.

        Returns:
            The attempt to wait for, and whether it was claimed just now.

        Raises:
            DataError: an attempt says that it succeeded, and there is no artifact.
        """
        latest = self.attempts.latest()
        if latest is not None:
            request = latest.cancel_request()
            if request is not None and latest.claim.owner == record.id:
                # Whoever asked may have died before the job did.
                self.cancel(latest, request.by, request.reason)
            if latest.exit() is not None and not self.look(latest).over:
                # Its last word is spoken, and its processes are not gone: two must never overlap.
                return latest, False
        attempt, claimed = self.attempts.claim_or_join(record.id)
        while claimed and self._ran_before(attempt):
            attempt, claimed = self.attempts.claim_or_join(record.id)
        if not claimed and attempt.exit() is not None and self.finished() is None:
            message = (
                f"{attempt.folder.uri}: succeeded, and {self.artifact.uri} has no record: somebody "
                "removed it; trigger again with `rebuild from` this stage"
            )
            raise DataError(message)
        # Submitting again is harmless, and makes good for a worker that died after its claim.
        if attempt.claim.owner == record.id and attempt.exit() is None:
            self._submit(plan, record, attempt)
        return attempt, claimed

    def look(self, attempt: Attempt) -> Look:
        """Return how an attempt stands.

        Raises:
            TransientError: the store or the backend does not answer.
        """
        handle = self.backend.find(attempt.name)
        if handle is None:
            return Look(over=attempt.exit() is not None, started=False)
        status = self.backend.status(handle)
        over = status.state.final
        progress = None if over else attempt.progress()
        return Look(over=over, started=True, progress=progress, status=status)

    def close(self, attempt: Attempt) -> Exit | None:
        """Return how an attempt ended, writing it down if it could not do so itself.

        Returns:
            None if it has not ended.
        """
        end = attempt.exit()
        if end is not None:
            return end
        handle = self.backend.find(attempt.name)
        status = self.backend.status(handle) if handle else None
        if status is None or not status.state.final:
            return None
        if self.finished() is not None:
            return attempt.settle(exit_of(Outcome.SUCCEEDED, 0, "its record was found"))
        return attempt.settle(_exit_of(status))

    def cancel(self, attempt: Attempt, by: str, reason: str) -> bool:
        """End an attempt; when this returns nothing of it runs, unless the backend is slow.

        A job that was never submitted never will start under this name.

        Returns:
            False if it had ended before.
        """
        if attempt.exit() is not None:
            return False
        attempt.request_cancel(by, reason)
        handle = self.backend.find(attempt.name)
        if handle is None:
            handle = JobHandle(backend=self.backend.name, name=attempt.name)
        self.backend.cancel(handle, _GRACE)
        self.close(attempt)
        return True

    def log_tail(self, attempt: Attempt, lines: int = TAIL_LINES) -> str:
        """Return the last lines that an attempt's job said."""
        handle = self.backend.find(attempt.name)
        if handle is None:
            return ""
        text, cursor = "", ""
        while True:
            chunk = self.backend.logs(handle, cursor)
            text = (text + chunk.text)[-_TAIL_CHARACTERS:]
            if not chunk.text or chunk.cursor == cursor:
                return "\n".join(text.splitlines()[-lines:])
            cursor = chunk.cursor

    def log_address(self, attempt: Attempt) -> str:
        """Say where an attempt's log lies."""
        return f"`hearth logs {self.artifact.stage}`, job {attempt.name} on {self.backend.name}"

    def _ran_before(self, attempt: Attempt) -> bool:
        """Whether a job of the name that was claimed just now has ended; if so, close the attempt.

        The attempts of an artifact that was collected are numbered anew, and backends start a name
        once.
        """
        handle = self.backend.find(attempt.name)
        if handle is None or not self.backend.status(handle).state.final:
            return False
        reason = "a job of this name ran for an artifact that was removed since"
        attempt.settle(exit_of(Outcome.LOST, EXIT_TRANSIENT, reason))
        return True

    def _submit(self, plan: StagePlan, record: BuildRecord, attempt: Attempt) -> JobHandle:
        job = job_of(plan, record, attempt)
        attempt.folder.create("job.json", job.model_dump_json(indent=1).encode())
        wanted = record.profile.compute.resources_of(plan.stage)
        request = JobRequest(
            name=attempt.name,
            command=("python", "-m", f"hearth.{plan.stage}", "--job", attempt.job_uri),
            environment=plan.stage.environment,
            env={
                **environment_for(record.profile.storage),
                **record.profile.compute.environment_of(plan.stage),
                GRACE: str(wanted.grace_seconds),
            },
            resources=JobResources(
                nodes=wanted.nodes,
                gpus=wanted.gpus,
                cpus=wanted.cpus,
                memory_bytes=int(wanted.memory_gib * _GIB),
            ),
            time_limit=wanted.time_limit_minutes * 60,
            grace=wanted.grace_seconds,
            restart_budget=wanted.restarts,
        )
        return self.backend.submit(request)


def was_cancelled(attempt: Attempt, end: Exit) -> bool:
    """Whether an attempt ended because its owner wanted it gone.

    A program that is asked to stop says "stopped" in its own words; the request says why.
    """
    if end.outcome is Outcome.CANCELLED:
        return True
    return end.code == EXIT_TRANSIENT and attempt.cancel_request() is not None


def _exit_of(status: JobStatus) -> Exit:
    outcome = _OUTCOMES[status.state]
    code = status.error_code
    message = status.reason or f"its job ended as {status.state}"
    if status.state is JobState.SUCCEEDED:
        code, message = EXIT_TRANSIENT, "its job ended without a record and without a word"
    return exit_of(outcome, code, message)
