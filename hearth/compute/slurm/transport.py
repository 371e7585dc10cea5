"""How Slurm is reached: what each of the ways must offer."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final, Protocol

from hearth.compute.slurm.states import SlurmJob

WARNING: str = "USR1"
"""The signal by which Slurm announces the time limit to the shim."""
HISTORY: Final = "now-30days"
"""Since when accounting is asked for jobs by name; unasked, it forgets them at midnight."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A batch job, in nobody's format.

    Attributes:
        name: Slurm's name for it; of several with one name, one runs at a time (`singleton`).
        script: what runs on its first node.
        environment: what that finds in its environment: the only place for secrets, hence hidden.
        output: the file on its first node that takes what the script itself says.
        nodes: machines.
        cpus: CPUs on each; None: all of them.
        memory_mib: memory on each; None: Slurm's default.
        gpus: GPUs on each.
        minutes: Slurm's time limit.
        warning_seconds: how long before it Slurm sends `WARNING` to the script.
        requeue: whether Slurm starts it again when it loses a node.
    """

    name: str
    script: str
    environment: dict[str, str] = field(repr=False)
    output: str
    nodes: int
    cpus: int | None
    memory_mib: int | None
    gpus: int
    minutes: int
    warning_seconds: int
    requeue: bool


class Transport(Protocol):
    """A way to a cluster. Every method may raise `TransientError`: ask again."""

    def submit(self, submission: Submission) -> int:
        """Submit a batch job; return its id.

        Raises:
            SpecError: Slurm will never take it; the message has its words.
            TransientError: it may have been submitted or not: look for its name.
        """
        ...

    def job(self, number: int) -> SlurmJob | None:
        """The job with this id; None if neither the controller nor accounting knows it."""
        ...

    def named(self, name: str) -> tuple[SlurmJob, ...]:
        """The user's jobs of this name, waiting, running and ended, by id."""
        ...

    def cancel(self, number: int) -> None:
        """End a job: SIGTERM to all of it, then SIGKILL. One that has ended is left alone."""
        ...

    def node_count(self) -> int | None:
        """How many nodes the partition has; None if that is not told."""
        ...
