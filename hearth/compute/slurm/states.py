"""What Slurm says of a job, and what that means."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from hearth.compute.backend import JobStatus
from hearth.compute.outcome import Cause, JobState
from hearth.model import FrozenModel

_WAITING: Final = frozenset(
    {"PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD", "REQUEUE_FED", "RESV_DEL_HOLD"}
)
_RUNNING: Final = frozenset(
    {"RUNNING", "COMPLETING", "STAGE_OUT", "SIGNALING", "STOPPED", "SUSPENDED", "RESIZING"}
)
_HELD: Final = frozenset({"STOPPED", "SUSPENDED"})
_NODE_LOST: Final = frozenset({"NODE_FAIL", "BOOT_FAIL"})
_KILLED: Final = -9
_SHELL_NOT_STARTED: Final = {126, 127}


class SlurmJob(FrozenModel):
    """One job as Slurm has it."""

    id: int
    name: str
    user: str = ""
    state: str
    reason: str = ""
    nodes: str = ""
    restarts: int = 0
    exit_code: int | None = None
    """The batch script's: -n if signal n ended it."""
    started: datetime | None = None
    finished: datetime | None = None

    @property
    def over(self) -> bool:
        """Whether Slurm has done with it, unless it starts it again."""
        return self.state not in _WAITING | _RUNNING

    @property
    def waiting(self) -> bool:
        """Whether nothing of it runs, and something may."""
        return self.state in _WAITING

    @property
    def lost_its_node(self) -> bool:
        """Whether its hardware failed: then Slurm puts it back into the queue."""
        return self.state in _NODE_LOST


def status_of(job: SlurmJob, *, began: bool) -> JobStatus:
    """How a job stands that has not said so itself.

    Args:
        job: what Slurm says.
        began: whether its command was started.
    """
    known: dict[str, Any] = {"job": str(job.id), "restarts": job.restarts}
    if job.waiting:
        reason = f"waits in Slurm: {job.reason}" if job.reason not in {"", "None"} else ""
        if job.restarts:
            reason = f"put back into the queue, {job.restarts} restarts so far"
        return JobStatus(state=JobState.PENDING, reason=reason, **known)
    if not job.over:
        held = f"is {job.state.lower()} in Slurm" if job.state in _HELD else ""
        return JobStatus(state=JobState.RUNNING, started=job.started, reason=held, **known)
    state, code, cause, reason = _end_of(job, began)
    return JobStatus(
        **known,
        state=state,
        exit_code=code,
        cause=cause,
        reason=f"Slurm job {job.id}: {reason}",
        started=job.started,
        finished=job.finished,
    )


def _end_of(  # noqa: PLR0911 - one line of a table each
    job: SlurmJob,
    began: bool,  # noqa: FBT001 - the table's other column
) -> tuple[JobState, int | None, Cause | None, str]:
    code = job.exit_code
    match job.state:
        case "TIMEOUT" | "DEADLINE":
            reason = "ran into Slurm's time limit: raise time_limit_minutes"
            return JobState.FAILED, None, Cause.TIME_LIMIT, reason
        case "OUT_OF_MEMORY":
            reason = "used more memory than it asked for: raise memory_gib"
            return JobState.FAILED, _KILLED, Cause.OUT_OF_MEMORY, reason
        case "PREEMPTED":
            reason = "gave way to a job of higher priority"
            return JobState.FAILED, None, Cause.PREEMPTED, reason
        case "CANCELLED":
            return JobState.FAILED, None, Cause.STOPPED, "was cancelled, and not by Hearth"
        case "NODE_FAIL" | "BOOT_FAIL":
            reason = f"lost its nodes ({job.nodes}) and was not started again"
            return JobState.LOST, None, Cause.NODE_FAILED, reason
        case "COMPLETED" if began:
            return JobState.SUCCEEDED, 0, None, "completed"
        case "FAILED" if began and code is not None and code < 0:
            reason = f"signal {-code} ended what guarded it"
            return JobState.LOST, None, Cause.LOST, reason
        case "FAILED" if began:
            return JobState.FAILED, code, None, f"exited with code {code}"
        case "FAILED" if code in _SHELL_NOT_STARTED:
            reason = "the interpreter of its environment is not on the node"
            return JobState.FAILED, code, Cause.NOT_STARTED, reason
    return JobState.LOST, None, Cause.LOST, f"ended as {job.state} without a word"
