"""The laws of runners alone."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import httpx
import pytest

from hearth.compute.backend import JobHandle
from hearth.compute.outcome import JobState
from hearth.errors import SpecError, TransientError

if TYPE_CHECKING:
    from tests.compute.conftest import RunnerRig, Server


def test_whoever_lacks_the_token_learns_nothing(server: Server) -> None:
    with pytest.raises(SpecError, match="401"):
        server.backend("of bad news").find("a-1")


def test_health_is_open_to_all(server: Server) -> None:
    assert httpx.get(f"{server.address}/health", trust_env=False, timeout=60).text == "ok"


def test_a_job_outlives_a_runner_that_is_killed(runner: RunnerRig) -> None:
    handle = runner.backend.submit(runner.bash("steady", "echo $$ >> $OUT/pids; sleep 100"))
    (process,) = runner.processes("pids", 1)
    runner.restart()
    assert runner.backend.status(handle).state is JobState.RUNNING
    assert process.alive()


def test_a_runner_that_is_stopped_ends_its_jobs_worth_another_attempt(runner: RunnerRig) -> None:
    handle = runner.backend.submit(runner.bash("cut-short", "echo $$ >> $OUT/pids; sleep 100"))
    (process,) = runner.processes("pids", 1)
    runner.server.stop(signal.SIGTERM)
    assert not process.alive()
    runner.server.start()
    status = runner.backend.status(handle)
    assert status.state.final
    assert status.transient


def test_a_runner_that_does_not_answer_is_asked_again(runner: RunnerRig) -> None:
    runner.server.stop(signal.SIGKILL)
    with pytest.raises(TransientError, match="does not answer"):
        runner.backend.find("a-1")
    runner.server.start()
    assert runner.backend.find("a-1") is None


def test_a_job_whose_environment_no_runner_has_is_refused(runner: RunnerRig) -> None:
    with pytest.raises(SpecError, match="no runner has it"):
        runner.backend.submit(runner.bash("astray", "true", environment="elsewhere"))


def test_a_job_that_was_never_seen_is_cancelled_everywhere(runner: RunnerRig) -> None:
    unseen = JobHandle(backend="runner", name="unseen")
    assert runner.backend.cancel(unseen).state is JobState.CANCELLED
    handle = runner.backend.submit(runner.bash("unseen", "touch $OUT/ran"))
    assert runner.backend.status(handle).state is JobState.CANCELLED
    assert not (runner.folder / "ran").exists()
