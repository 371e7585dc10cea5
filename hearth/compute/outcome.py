"""How a job stands and how it ended: the words that backends share.

Standard library only: the shim uses it too.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from hearth.errors import EXIT_DATA, EXIT_DEFECT, EXIT_OK, EXIT_SPEC, EXIT_TRANSIENT

_SHELL_SIGNALS: Final = range(129, 129 + 64)  # a shell's, and srun's, word for "killed by n - 128"


class JobState(StrEnum):
    """Where a job is in its life. The last four are final."""

    PENDING = "pending"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"

    @property
    def final(self) -> bool:
        """Whether nothing of the job is left, and nothing about it will change."""
        return self not in {JobState.PENDING, JobState.RUNNING}


class Cause(StrEnum):
    """What ended a job, where that was not its command alone."""

    CANCELLED = "cancelled"
    STOPPED = "stopped"
    TIME_LIMIT = "time-limit"
    OUT_OF_MEMORY = "out-of-memory"
    SIGNAL = "signal"
    PREEMPTED = "preempted"
    NOT_STARTED = "not-started"
    LOST = "lost"
    NODE_FAILED = "node-failed"
    REBOOTED = "rebooted"


def killed_by_signal(exit_code: int) -> bool:
    """Whether an exit code says that a signal ended the process (-n, or 128 + n)."""
    return exit_code < 0 or exit_code in _SHELL_SIGNALS


def meaning(state: JobState, exit_code: int | None, cause: Cause | None) -> int:
    """The exit code of `hearth.errors` that a final outcome stands for.

    A program that says 64, 65, 70 or 75 is believed, whatever asked it to stop. Death by a signal
    is worth another try (75), unless Hearth itself sent it for a limit: the next attempt would meet
    the same limit (70).
    """
    if state is JobState.SUCCEEDED:
        return EXIT_OK
    if state is not JobState.FAILED or exit_code is None or cause is Cause.STOPPED:
        return EXIT_TRANSIENT
    if exit_code in {EXIT_SPEC, EXIT_DATA, EXIT_DEFECT, EXIT_TRANSIENT}:
        return exit_code
    if killed_by_signal(exit_code) and cause not in {Cause.TIME_LIMIT, Cause.OUT_OF_MEMORY}:
        return EXIT_TRANSIENT
    return EXIT_DEFECT
