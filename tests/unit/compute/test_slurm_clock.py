"""Whose clock decides: the waiting client's own, which nobody sets; never two that are compared."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hearth.compute.backend import JobHandle, JobRequest
from hearth.compute.outcome import Cause, JobState
from hearth.compute.slurm.backend import SlurmBackend
from hearth.compute.slurm.states import SlurmJob
from hearth.compute.slurm.transport import Submission
from hearth.resources import SlurmSettings
from hearth.storage import Store
from hearth.storagesettings import StorageSettings

PATIENCE = 0.3


@dataclass
class OneJob:
    """A cluster that has one job, and says of it what a test says."""

    job_: SlurmJob

    def submit(self, _submission: Submission) -> int:
        return self.job_.id

    def job(self, number: int) -> SlurmJob | None:
        return self.job_ if number == self.job_.id else None

    def named(self, name: str) -> tuple[SlurmJob, ...]:
        return (self.job_,) if name == self.job_.name else ()

    def cancel(self, number: int) -> None:
        raise AssertionError(number)

    def node_count(self) -> int | None:
        return None


def lost(slurms_clock: timedelta, restarts: int = 0) -> SlurmJob:
    """A job whose node was lost just now, by a clock that differs from ours by so much."""
    ended = datetime.now(UTC) + slurms_clock
    return SlurmJob(
        id=7, name="job", state="NODE_FAIL", nodes="n1", restarts=restarts, finished=ended
    )


def submitted(folder: Path, cluster: OneJob) -> tuple[SlurmBackend, JobHandle]:
    settings = SlurmSettings(user="hearth", environments={"model": Path("/python")})
    storage = StorageSettings(uri=f"file://{folder}")
    backend = SlurmBackend(
        settings, cluster, storage, Store.open(storage).sub("jobs"), requeue_patience=PATIENCE
    )
    request = JobRequest(name="job", command=("true",), environment="model", time_limit=60)
    return backend, backend.submit(request)


def until(true: Callable[[], bool], seconds: float = 20.0) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize("hours", [-48, -1, 0, 1, 48])
def test_a_job_that_lost_its_node_has_its_time_whatever_slurms_clock_says(
    hours: int, tmp_path: Path
) -> None:
    backend, handle = submitted(tmp_path, OneJob(lost(timedelta(hours=hours))))
    status = backend.status(handle)
    assert (status.state, status.cause) == (JobState.PENDING, Cause.NODE_FAILED)
    until(lambda: backend.status(handle).state is JobState.LOST)
    # What was settled stays so, for every client.
    assert replace(backend, requeue_patience=3600).status(handle).state is JobState.LOST


def test_each_lost_node_has_a_time_of_its_own(tmp_path: Path) -> None:
    cluster = OneJob(lost(timedelta()))
    backend, handle = submitted(tmp_path, cluster)
    assert backend.status(handle).state is JobState.PENDING
    time.sleep(PATIENCE)
    cluster.job_ = lost(timedelta(), restarts=1)
    assert backend.status(handle).state is JobState.PENDING
    until(lambda: backend.status(handle).state is JobState.LOST)
