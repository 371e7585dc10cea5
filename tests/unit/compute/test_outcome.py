from __future__ import annotations

import pytest

from hearth.compute.backend import JobStatus
from hearth.compute.outcome import Cause, JobState

FAILED = JobState.FAILED


@pytest.mark.parametrize(
    ("state", "exit_code", "cause", "means"),
    [
        (JobState.SUCCEEDED, 0, None, 0),
        (FAILED, 64, None, 64),
        (FAILED, 65, None, 65),
        (FAILED, 70, None, 70),
        (FAILED, 75, None, 75),
        (FAILED, 1, None, 70),
        (FAILED, 2, None, 70),
        (FAILED, 127, Cause.NOT_STARTED, 70),
        (FAILED, -9, Cause.SIGNAL, 75),
        (FAILED, 137, None, 75),
        (FAILED, 255, None, 70),
        (FAILED, -9, Cause.OUT_OF_MEMORY, 70),
        (FAILED, -9, Cause.TIME_LIMIT, 70),
        (FAILED, 143, Cause.TIME_LIMIT, 70),
        (FAILED, 75, Cause.TIME_LIMIT, 75),
        (FAILED, 65, Cause.TIME_LIMIT, 65),
        (FAILED, 0, Cause.STOPPED, 75),
        (FAILED, -9, Cause.STOPPED, 75),
        (JobState.LOST, None, Cause.LOST, 75),
        (JobState.LOST, None, Cause.REBOOTED, 75),
        (JobState.CANCELLED, 0, Cause.CANCELLED, 75),
    ],
)
def test_every_end_has_one_meaning(
    state: JobState, exit_code: int | None, cause: Cause | None, means: int
) -> None:
    status = JobStatus(state=state, exit_code=exit_code, cause=cause)
    assert status.error_code == means
    assert status.transient is (means == 75 and state is not JobState.CANCELLED)


def test_only_ends_are_final() -> None:
    assert {state for state in JobState if not state.final} == {JobState.PENDING, JobState.RUNNING}
