"""The harness of stage programs, around a real program."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from hearth.artifact import Artifact, fingerprint
from hearth.attempt import Attempt, Attempts, Outcome, exit_of
from hearth.model import Stage
from hearth.stage.job import Job, environment_for
from hearth.storage import Store
from hearth.storagesettings import StorageSettings

PROGRAM = """
import errno, os, signal, sys, time
from hearth.errors import DataError, SpecError
from hearth.model import Stage, StageSpec
from hearth.stage.program import main

class Spec(StageSpec):
    do: str

def run(context):
    out = context.scratch / "out.txt"
    out.write_text("text")
    context.progress("writing", 1, 1, "files")
    context.publish(out, "out.txt", rows=1)
    match context.spec.do:
        case "work": pass
        case "die": os.kill(os.getpid(), signal.SIGKILL)
        case "wait":
            while True: time.sleep(0.05)
        case "full": raise OSError(errno.ENOSPC, "No space left on device", "/data/out")
        case "bad data": raise DataError("row 3 of a.parquet: is empty: fix the source")
        case "defect": raise KeyError("x")
    context.unverified("no GPU was here")
    return {"files": 1}

sys.exit(main(Stage.MIRROR, 1, Spec, run))
"""


class Bench:
    """An artifact that the program above is to make."""

    def __init__(self, tmp_path: Path, storage: StorageSettings, do: str) -> None:
        self.storage = storage
        self.store = Store.open(storage)
        self.spec = {"do": do, "generation": None}
        print_ = fingerprint(Stage.MIRROR, 1, self.spec, {})
        self.artifact = Artifact(self.store, Stage.MIRROR, print_)
        self.program = tmp_path / "program.py"
        self.program.write_text(PROGRAM)

    def claim(self) -> Attempt:
        attempt, _ = Attempts(self.artifact).claim_or_join("build")
        job = Job(
            stage=Stage.MIRROR,
            name="tiny",
            contract=1,
            spec=self.spec,
            fingerprint=self.artifact.fingerprint,
            inputs={},
            attempt=attempt.number,
            artifact=self.artifact.uri,
            build="build",
            emulated=("this place is made up",),
        )
        attempt.folder.put("job.json", job.model_dump_json().encode())
        return attempt

    def start(self, attempt: Attempt) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, str(self.program), "--job", attempt.job_uri],
            env={**os.environ, **environment_for(self.storage)},
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, attempt: Attempt) -> tuple[int, str]:
        process = self.start(attempt)
        _, errors = process.communicate(timeout=60)
        return process.returncode, errors


@pytest.fixture
def bench(tmp_path: Path, storage: StorageSettings, request: pytest.FixtureRequest) -> Bench:
    return Bench(tmp_path, storage, request.param)


@pytest.mark.parametrize("bench", ["work"], indirect=True)
def test_a_program_that_is_done_leaves_a_record_and_its_last_word(bench: Bench) -> None:
    attempt = bench.claim()
    code, _ = bench.run(attempt)
    record, end = bench.artifact.record(), attempt.exit()
    assert code == 0
    assert record is not None
    assert [output.name for output in record.outputs] == ["out.txt"]
    assert record.unverified == ("this place is made up", "no GPU was here")
    assert end is not None
    assert end.outcome is Outcome.SUCCEEDED


@pytest.mark.parametrize(
    ("bench", "code", "word"),
    [
        ("bad data", 65, "row 3 of a.parquet"),
        ("full", 75, "/data/out: no space left on the device"),
        ("defect", 70, "KeyError"),
    ],
    indirect=["bench"],
)
def test_a_program_that_fails_says_why_and_leaves_no_record(
    bench: Bench, code: int, word: str
) -> None:
    attempt = bench.claim()
    ended, errors = bench.run(attempt)
    end = attempt.exit()
    assert ended == code
    assert word in errors
    assert bench.artifact.record() is None
    assert end is not None
    assert (end.code, word in end.message) == (code, True)


@pytest.mark.parametrize("bench", ["die"], indirect=True)
def test_a_program_killed_before_its_record_leaves_no_artifact(bench: Bench) -> None:
    attempt = bench.claim()
    code, _ = bench.run(attempt)
    assert code == -signal.SIGKILL
    assert attempt.folder.exists("out.txt")
    assert bench.artifact.record() is None
    assert attempt.exit() is None


@pytest.mark.parametrize("bench", ["work"], indirect=True)
def test_late_bytes_of_a_lost_attempt_do_not_touch_the_winner(bench: Bench) -> None:
    lost = bench.claim()
    lost.settle(exit_of(Outcome.LOST, 75, "gone"))
    winner = bench.claim()
    assert winner.number == 2
    assert bench.run(winner)[0] == 0
    lost.folder.put("out.txt", b"late")
    record = bench.artifact.record()
    assert record is not None
    assert record.attempt == 2
    assert bench.artifact.folder.get(record.output("out.txt").path) == b"text"
    assert bench.run(lost)[0] == 0, "a second finisher finds the winner's record and accepts it"
    assert bench.artifact.record() == record


@pytest.mark.parametrize("bench", ["wait"], indirect=True)
def test_a_program_that_is_asked_to_stop_ends_as_transient(bench: Bench) -> None:
    attempt = bench.claim()
    process = bench.start(attempt)
    while not attempt.folder.exists("progress.json"):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 75
    process.communicate()


@pytest.mark.parametrize("bench", ["work"], indirect=True)
def test_a_job_of_another_contract_is_refused(bench: Bench) -> None:
    attempt = bench.claim()
    job = Job.model_validate_json(attempt.folder.get("job.json"))
    other = job.model_copy(update={"contract": 2})
    attempt.folder.put("job.json", other.model_dump_json().encode())
    code, errors = bench.run(attempt)
    assert code == 64
    assert "wants contract 2" in errors
