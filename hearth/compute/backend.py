"""What a compute backend promises, whatever runs the jobs.

A backend starts a job once per name, however often and from however many processes it is asked;
says how the job stands; ends it, leaving nothing behind; and hands out its log. Everything that a
caller must keep is the `JobHandle`, and that can be found again by name.
"""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Protocol

from pydantic import AfterValidator, ConfigDict, Field, JsonValue, StringConstraints

from hearth.compute.outcome import Cause, JobState, meaning
from hearth.errors import EXIT_TRANSIENT
from hearth.model import FrozenModel

JobName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$", max_length=128)]


def _no_nul(text: str) -> str:
    if "\0" in text:
        message = "contains a NUL byte, which no command line or environment can carry"
        raise ValueError(message)
    return text


_Text = Annotated[str, AfterValidator(_no_nul)]
_VariableName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")]


class JobResources(FrozenModel):
    """What a job may use."""

    nodes: int = Field(default=1, ge=1, description="Machines.")
    gpus: int = Field(default=0, ge=0, description="GPUs on each node.")
    cpus: int | None = Field(
        default=None, ge=1, description="CPUs on each node; null: all there are."
    )
    memory_bytes: int | None = Field(
        default=None,
        ge=1,
        description="Memory on each node, of all processes together; null: no limit.",
    )
    efa: int = Field(default=0, ge=0, description="Elastic Fabric Adapters on each node.")


class JobRequest(FrozenModel):
    """A job to run.

    `env` is the only place for what must not be seen: backends neither log it nor write it down.
    """

    model_config = ConfigDict(hide_input_in_errors=True)

    name: JobName = Field(description="The attempt's name: unique, and the key of idempotence.")
    command: tuple[_Text, ...] = Field(
        min_length=1, description="Program and arguments; `python` is the environment's own."
    )
    environment: str = Field(
        description="What the command runs in: `curator`, `model` or `airflow`."
    )
    env: dict[_VariableName, _Text] = Field(
        default={}, description="Environment variables.", repr=False
    )
    resources: JobResources = JobResources()
    time_limit: float = Field(
        gt=0, allow_inf_nan=False, description="Seconds after which the backend ends the job."
    )
    grace: float = Field(
        default=30.0,
        ge=0,
        allow_inf_nan=False,
        description="Seconds between SIGTERM and SIGKILL when a limit ends it.",
    )
    restart_budget: int = Field(
        default=0,
        ge=0,
        description="How often the backend itself may restart the job on other hardware under the "
        "same name. One machine has no other hardware: the local backend leaves it alone.",
    )


class JobHandle(FrozenModel):
    """How to find a job again: small, JSON, no secret in it."""

    backend: str
    name: JobName
    data: dict[str, JsonValue] = Field(default={}, description="The backend's own.")


class JobStatus(FrozenModel):
    """How a job stands."""

    state: JobState
    exit_code: int | None = Field(
        default=None, description="The command's own: -n if signal n ended it; null if unknown."
    )
    cause: Cause | None = Field(
        default=None,
        description="What ended it, if not its command alone; of a pending job, what cut it off.",
    )
    reason: str = Field(default="", description="The same for people: what happened, what to do.")
    job: str | None = Field(
        default=None, description="What its scheduler calls it, such as the id of a Slurm job."
    )
    restarts: int = Field(
        default=0, ge=0, description="How often that started it again, under the same id."
    )
    started: datetime | None = None
    finished: datetime | None = None
    max_rss_bytes: int | None = Field(
        default=None, description="Highest summed resident memory that was seen."
    )

    @property
    def error_code(self) -> int:
        """The exit code of `hearth.errors` that a final state stands for, 0 for success."""
        return meaning(self.state, self.exit_code, self.cause)

    @property
    def transient(self) -> bool:
        """Whether the job ended badly in a way that another attempt may mend."""
        return self.state in {JobState.FAILED, JobState.LOST} and self.error_code == EXIT_TRANSIENT


class LogChunk(FrozenModel):
    """A piece of a job's log."""

    text: str = Field(description="Whole characters; bytes that are not UTF-8 are replaced.")
    cursor: str = Field(description="Where the next piece starts; opaque.")


class Backend(Protocol):
    """Where jobs run.

    Every method may raise `TransientError` when the backend does not answer: ask again. None of
    them needs the process that submitted the job.
    """

    @property
    def name(self) -> str:
        """The backend's name, as profiles and handles have it."""
        ...

    def submit(self, request: JobRequest) -> JobHandle:
        """Start a job, or find the one that was started under this name: exactly one ever runs.

        Returns once the job cannot be forgotten any more. A client that dies before that may have
        started it or not; asking again settles it.

        Raises:
            SpecError: this backend cannot run it; the message says what to change.
        """
        ...

    def find(self, name: str) -> JobHandle | None:
        """The handle of the job that has this name, or None if there was none."""
        ...

    def status(self, handle: JobHandle) -> JobStatus:
        """How the job stands.

        A final state is said only when nothing of the job runs any more, and never changes.
        """
        ...

    def cancel(self, handle: JobHandle, grace: float = 15.0) -> JobStatus:
        """End the job: SIGTERM, then SIGKILL after `grace` seconds.

        A job that has ended keeps its state. One that has not started never will, under this name.
        Cancelling twice is cancelling once.

        Returns:
            How it stands now: final, unless the backend takes longer than it can be waited for.
        """
        ...

    def logs(self, handle: JobHandle, cursor: str = "") -> LogChunk:
        """The next piece of the job's output, stdout and stderr together.

        Args:
            handle: the job.
            cursor: the cursor of the piece before; empty: from the beginning.
        """
        ...
