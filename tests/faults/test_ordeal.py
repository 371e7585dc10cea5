"""One build through one fault after the other. Each test goes on where the one before left it."""

from __future__ import annotations

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from hearth.artifact import Artifact, ArtifactRecord
from hearth.attempt import Attempt, Outcome
from hearth.build import EventKind
from hearth.compute.process import ProcessIdentity
from hearth.errors import EXIT_DATA, EXIT_TRANSIENT
from hearth.model import Stage
from hearth.rollout.observation import read_observation
from hearth.storage import Store

pytestmark = [pytest.mark.network, pytest.mark.timeout(1500)]

GONE_SECONDS = 30
LOOK_SECONDS = 0.01


@contextmanager
def damage(folder: Store, record: ArtifactRecord, prefix: str) -> Iterator[tuple[str, str]]:
    """Flip one byte of an output for a while; say which one by its address and its hash."""
    output = record.outputs_named(prefix)[0]
    good = folder.get(output.path)
    bad = bytearray(good)
    bad[len(bad) // 2] ^= 1
    folder.put(output.path, bytes(bad))
    try:
        yield folder.url(output.path), output.sha256
    finally:
        folder.put(output.path, good)


def assert_refused(machine: Any, going: Any, reader: Stage, damaged: tuple[str, str]) -> None:
    """A reader met the damage: it said so, made nothing, and people were told."""
    end = going.attempts(reader).latest().exit()
    assert (end.outcome, end.code) == (Outcome.FAILED, EXIT_DATA)
    notice = going.events(EventKind.FAILED)[-1].data
    assert (notice["task"], notice["code"]) == (reader, EXIT_DATA)
    for name in damaged:
        assert name in end.message
        assert name in notice["error"]
    assert Artifact(machine.root, reader, going.plan(reader).fingerprint).record() is None


def over(machine: Any, going: Any, seconds: float = 180.0) -> None:
    machine.until("the build's failure", seconds, lambda: machine.state(going) == "failed")


def running(machine: Any, going: Any, stage: Stage, number: int) -> Attempt:
    """Wait until an attempt runs and its task waits for it."""

    def look() -> Attempt | None:
        assert machine.state(going) != "failed", machine.tasks(going)
        attempts = going.attempts(stage)
        if number not in attempts.numbers() or machine.tasks(going)[stage] != "deferred":
            return None
        attempt = attempts.get(number)
        return attempt if len(machine.processes_of(attempt)) > 1 else None

    found: Attempt = machine.until(f"attempt {number} of {stage} runs", 120, look)
    return found


def gone(machine: Any, attempt: Attempt) -> None:
    machine.until("no process of it", GONE_SECONDS, lambda: not machine.processes_of(attempt))
    machine.until("its last word", GONE_SECONDS, attempt.exit)


def program_of(machine: Any, attempt: Attempt) -> ProcessIdentity | None:
    """The stage program itself, not what it starts."""
    wanted = [f"hearth.{attempt.artifact.stage}", "--job"]
    for one in machine.processes_of(attempt):
        try:
            command = Path(f"/proc/{one.pid}/cmdline").read_text().split("\0")
        except OSError:
            continue
        if command[2:4] == wanted:
            return one
    return None


@pytest.fixture(scope="module")
def going(machine: Any, first: Any) -> Any:
    """A build that met a damaged document on its way."""
    machine.open_gate()
    mirror = Artifact(machine.root, Stage.MIRROR, first.plan(Stage.MIRROR).fingerprint)
    with damage(mirror.folder, first.record(Stage.MIRROR), "documents") as damaged:
        going = machine.trigger(rebuild_from="curate", train_seed=4)
        over(machine, going)
        assert_refused(machine, going, Stage.CURATE, damaged)
    return going


def test_a_damaged_document_is_refused_by_name_and_hash_and_then_curated(
    machine: Any, going: Any
) -> None:
    machine.clear_task(going, "curate")
    machine.until("curation", 180, lambda: going.events(EventKind.STAGE_DONE, stage=Stage.CURATE))
    assert going.record(Stage.CURATE).attempt == 2


def test_a_task_cleared_while_it_waits_leaves_no_process_and_starts_the_next_attempt(
    machine: Any, going: Any
) -> None:
    attempt = running(machine, going, Stage.TRAIN, 1)
    machine.clear_task(going, "train")
    gone(machine, attempt)
    assert attempt.cancel_request().by == going.id
    running(machine, going, Stage.TRAIN, 2)


def test_what_is_marked_failed_while_the_triggerer_is_down_is_reaped(
    machine: Any, going: Any
) -> None:
    attempt = running(machine, going, Stage.TRAIN, 2)
    machine.stack.kill("triggerer")
    machine.fail_task(going, "train")
    over(machine, going)
    assert machine.processes_of(attempt)
    assert attempt.exit() is None
    machine.reap()
    assert machine.processes_of(attempt) == set()
    assert attempt.exit().outcome in {Outcome.CANCELLED, Outcome.FAILED}
    assert attempt.cancel_request().by == "reaper"
    machine.stack.restart("triggerer")


def test_a_damaged_shard_is_refused_by_name_and_hash(machine: Any, going: Any) -> None:
    corpus = Artifact(machine.root, Stage.CURATE, going.plan(Stage.CURATE).fingerprint)
    with damage(corpus.folder, going.record(Stage.CURATE), "corpus") as damaged:
        machine.clear_task(going, "train")
        machine.until("its end", 120, lambda: going.attempts(Stage.TRAIN).numbers() == [1, 2, 3])
        over(machine, going)
        assert_refused(machine, going, Stage.TRAIN, damaged)
    machine.clear_task(going, "train")


def test_outputs_without_a_record_are_no_artifact(machine: Any, first: Any, going: Any) -> None:
    names = {output.name for output in first.record(Stage.EVALUATE).outputs}
    artifact = Artifact(machine.root, Stage.EVALUATE, going.plan(Stage.EVALUATE).fingerprint)
    machine.until("evaluation", 240, going.attempts(Stage.EVALUATE).numbers)
    attempt = going.attempts(Stage.EVALUATE).get(1)
    program = machine.until("its program", 60, lambda: program_of(machine, attempt))
    while not names <= {info.path for info in attempt.folder.list()}:
        assert program.alive(), machine.tasks(going)
        time.sleep(LOOK_SECONDS)
    program.signal(signal.SIGSTOP)
    assert artifact.record() is None, "it wrote its record faster than it could be stopped"
    program.signal(signal.SIGKILL)
    end = machine.until("its end", 60, attempt.exit)
    assert (end.outcome, end.code) == (Outcome.FAILED, EXIT_TRANSIENT)
    assert artifact.record() is None


def test_two_clients_notice_nothing_of_a_rollout(machine: Any, going: Any, clients_of: Any) -> None:
    before = machine.serving()
    with clients_of(machine.stack.endpoint_url) as clients:
        machine.finish(going)
    after = machine.serving()
    assert after != before
    assert clients.failures == []
    assert len(clients.answers) > 50
    assert clients.versions == {before, after}
    steps = going.events(EventKind.ROLLOUT_STEP)
    assert {10, 50, 100} <= {event.data.get("weight") for event in steps}


def test_late_writes_of_a_dead_attempt_change_nothing(
    machine: Any, going: Any, tmp_path: Path
) -> None:
    record = going.record(Stage.EVALUATE)
    dead, folder = going.attempts(Stage.EVALUATE).get(1), going.attempts(Stage.EVALUATE).artifact
    assert record.attempt == 2
    for output in record.outputs:
        dead.folder.put(output.name, b"late")
    assert going.record(Stage.EVALUATE) == record
    for output in record.outputs:
        assert output.path.startswith("attempts/2/")
        folder.folder.download(output.path, tmp_path / output.name, expect=output.info)


def test_a_killed_server_comes_back_and_nobody_is_sent_to_it_meanwhile(
    machine: Any, going: Any
) -> None:
    def server() -> Any:
        seen = read_observation(machine.root, machine.profile.endpoint.name)
        return seen.server(machine.serving()) if seen else None

    machine.until("one server alone", 90, lambda: server() and server().pid)
    killed = ProcessIdentity.of(server().pid)
    assert killed.signal(signal.SIGKILL)
    answers: list[httpx.Response] = []

    def answered() -> bool:
        answers.append(machine.complete())
        return answers[-1].is_success

    machine.until("an answer", 90, answered)
    assert {answer.status_code for answer in answers[:-1]} <= {503}
    assert answers[-1].headers["X-Hearth-Version"] == machine.serving()
    machine.until("the new process is seen", 30, lambda: server().pid not in {None, killed.pid})
