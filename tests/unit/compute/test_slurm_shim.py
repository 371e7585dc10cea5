"""Who may run a job's command."""

from __future__ import annotations

import logging
import time
from pathlib import Path
from typing import Any

import pytest

from hearth.compute.jobdir import JobFolder
from hearth.compute.outcome import Cause, JobState
from hearth.compute.slurm.folder import PIECE, START, STOP, Start, StoreFolder
from hearth.compute.slurm.link import Link
from hearth.compute.slurm.shim import refusal
from hearth.errors import TransientError
from hearth.storage import Store
from hearth.storagesettings import StorageSettings


@pytest.fixture
def folder(tmp_path: Path) -> StoreFolder:
    return StoreFolder(Store.open(StorageSettings(uri=f"file://{tmp_path}")), "a")


def start(**changes: Any) -> Start:
    known = {"job": 7, "restart": 0, "node": "worker-1", "guard": {"pid": 1}}
    return Start.model_validate({**known, **changes})


def test_the_first_to_start_runs(folder: StoreFolder) -> None:
    assert refusal(folder, start(), budget=0) == ""
    assert folder.start() == start()


def test_another_job_of_the_name_does_not_run(folder: StoreFolder) -> None:
    refusal(folder, start(), budget=3)
    assert "7 runs it" in refusal(folder, start(job=8), budget=3)
    assert folder.start() == start()


def test_a_restart_takes_over_within_its_budget(folder: StoreFolder) -> None:
    refusal(folder, start(), budget=1)
    assert refusal(folder, start(restart=1, node="worker-2"), budget=1) == ""
    assert folder.start() == start(restart=1, node="worker-2")
    assert folder.exit() is None


def test_a_restart_beyond_its_budget_is_the_end(folder: StoreFolder) -> None:
    refusal(folder, start(), budget=1)
    assert "budget is 1" in refusal(folder, start(restart=2), budget=1)
    status = folder.exit()
    assert status is not None
    assert (status.state, status.cause) == (JobState.LOST, Cause.NODE_FAILED)
    assert status.transient


def test_a_restart_of_a_job_that_ended_does_not_run(folder: StoreFolder) -> None:
    refusal(folder, start(), budget=0)
    refusal(folder, start(restart=1), budget=0)
    assert "has ended" in refusal(folder, start(restart=2), budget=9)


def test_a_job_that_was_cancelled_while_it_waited_does_not_run(folder: StoreFolder) -> None:
    folder.write(STOP, {"cause": Cause.CANCELLED, "grace": 1, "reason": "asked"})
    assert refusal(folder, start(), budget=0) == "asked"
    status = folder.exit()
    assert status is not None
    assert status.state is JobState.CANCELLED


def test_a_claim_that_came_through_although_its_answer_was_lost_is_kept(
    folder: StoreFolder,
) -> None:
    folder.create(START, start().model_dump(mode="json"))
    assert refusal(folder, start(), budget=0) == ""


def test_a_log_is_read_where_it_grows(folder: StoreFolder) -> None:
    assert (folder.last_piece(), folder.piece(0)) == (0, b"")
    folder.put_piece(0, b"x" * PIECE)
    folder.put_piece(1, b"y")
    assert (folder.last_piece(), folder.piece(1)) == (1, b"y")


class Away(StoreFolder):
    """A folder of a store that is away now and then."""

    away = True

    def read(self, name: str) -> dict[str, Any] | None:
        if self.away:
            message = "the store does not answer"
            raise TransientError(message)
        return super().read(name)


def test_a_beat_that_fails_is_said_once_and_made_good(
    folder: StoreFolder, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    store = Away(folder.store, "a")
    store.create(START, start().model_dump(mode="json"))
    local = JobFolder(tmp_path / "job")
    local.create()
    link = Link(store, local, start(), 0.01)
    link.start()
    deadline = time.monotonic() + 20

    def until(words: str) -> None:
        while words not in caplog.text:
            assert time.monotonic() < deadline
            time.sleep(0.02)

    until("the store does not answer")
    time.sleep(0.2)
    assert caplog.text.count("the store does not answer") == 1
    store.away = False
    until("orders: through again")
    link.finish()
    assert not link.is_alive()
