"""The harness of every stage program: read the job, run, publish, record, say how it ended.

A stage is a pure function of its spec and inputs. Its program is called as
`python -m hearth.<stage> --job <URI of job.json>`, wherever a backend puts it, and ends with one
of the exit codes of `hearth.errors`. Killed at any point and started again as the next attempt,
it ends in the same artifact.
"""

from __future__ import annotations

import argparse
import errno
import fnmatch
import logging
import os
import shutil
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Final

from pydantic import Field, JsonValue, ValidationError

from hearth.artifact import Artifact, ArtifactRecord, InputRef, Output, read_record
from hearth.attempt import CLAIM, PROGRESS, Attempt, Claim, Outcome, Progress, exit_of
from hearth.errors import (
    EXIT_DEFECT,
    EXIT_OK,
    ConflictError,
    DataError,
    HearthError,
    SpecError,
    TransientError,
)
from hearth.model import FrozenModel, Stage, StageSpec
from hearth.profile import SecretRef, StorageSettings
from hearth.provenance import Meter, provenance
from hearth.storage import Store

log = logging.getLogger(__name__)

PROGRESS_SECONDS: Final = 2.0
_DOWNLOADS: Final = 8


class Job(FrozenModel):
    """What one attempt is to do: the contents of `job.json`."""

    stage: Stage
    name: str
    contract: int
    spec: dict[str, JsonValue]
    fingerprint: str
    inputs: dict[str, InputRef]
    attempt: int
    artifact: str
    resume_from: tuple[str, ...] = ()
    build: str
    secrets: dict[str, SecretRef] = {}
    settings: dict[str, JsonValue] = Field(
        default={},
        description="How to run, never what comes out (hosts, intervals): not fingerprinted.",
    )
    lock_digest: str | None = None
    image: str | None = None


class Input:
    """An artifact that the stage reads, verified as it is fetched."""

    def __init__(self, role: str, folder: Store, record: ArtifactRecord, local: Path) -> None:
        """Use `Context.input`."""
        self.role = role
        self.record = record
        self._folder = folder
        self._local = local

    def fetch(self, pattern: str = "*") -> Path:
        """Copy the outputs whose names match to a local folder; sizes and hashes must agree.

        Args:
            pattern: as in `fnmatch`: `*` also matches `/`, so `documents/*` takes a whole folder.

        Returns:
            The folder; below it lie the outputs under their names.

        Raises:
            DataError: nothing matches, or an output is damaged.
        """
        wanted = [o for o in self.record.outputs if fnmatch.fnmatchcase(o.name, pattern)]
        if not wanted:
            message = f"input {self.role} ({self._folder.uri}): has no output like {pattern!r}"
            raise DataError(message)
        with ThreadPoolExecutor(_DOWNLOADS) as pool:
            list(pool.map(self._fetch_one, wanted))
        return self._local

    def open(self, name: str) -> Path:
        """Copy one output; return its local path."""
        return self._fetch_one(self.record.output(name))

    def _fetch_one(self, output: Output) -> Path:
        local = self._local / output.name
        if not local.is_file():
            self._folder.download(output.path, local, expect=output.info)
        return local


class Context:
    """What a stage's `run` is given."""

    def __init__(self, job: Job, spec: StageSpec, root: Store, scratch: Path) -> None:
        """Made by `main`.

        Args:
            job: what to do.
            spec: the job's spec, validated.
            root: the root of the store.
            scratch: a local folder that is removed at the end.
        """
        self.job = job
        self.spec = spec
        self.scratch = scratch
        self.artifact = Artifact(root, job.stage, job.fingerprint)
        self.attempt = self.artifact.folder.sub(f"attempts/{job.attempt}")
        self.earlier = [root.sub(root.relative(uri)) for uri in job.resume_from]
        self.stopping = False
        self.outputs: list[Output] = []
        self.not_verified: list[str] = []
        self.root = root
        self._inputs: dict[str, Input] = {}
        self._on_stop: Callable[[], None] | None = None
        self._progress_at = 0.0
        self._step = ("", time.monotonic(), 0)

    def input(self, role: str) -> Input:
        """Return the artifact that plays `role`.

        Raises:
            SpecError: the job names none.
            DataError: it is not there, or is another than the job says.
        """
        if role not in self._inputs:
            ref = self.job.inputs.get(role)
            if ref is None:
                message = f"job of {self.job.stage}: names no input {role!r}"
                raise SpecError(message)
            folder = self.root.sub(self.root.relative(ref.uri))
            record = read_record(folder, ref.fingerprint)
            local = self.scratch / "inputs" / role
            self._inputs[role] = Input(role, folder, record, local)
        return self._inputs[role]

    def secret(self, name: str) -> bytes:
        """Return a secret that the profile names.

        Raises:
            SpecError: the profile names no such secret.
        """
        ref = self.job.secrets.get(name)
        if ref is None:
            message = f"secret {name!r}: the profile names none: add it under `secrets`"
            raise SpecError(message)
        return ref.read()

    def progress(
        self, step: str, done: int, total: int | None, unit: str, message: str = ""
    ) -> None:
        """Say how far the stage is; written at most every two seconds.

        Args:
            step: what is being done.
            done: how many units are done.
            total: of how many; None if that is not known.
            unit: what is counted, in the plural.
            message: anything worth seeing, such as a loss.
        """
        now = time.monotonic()
        name, since, first = self._step
        if name != step:
            since, first = now, done
            self._step = (step, since, first)
        if now - self._progress_at < PROGRESS_SECONDS and done != total:
            return
        self._progress_at = now
        rate = (done - first) / (now - since) if now > since and done > first else None
        word = Progress(
            step=step,
            done=done,
            total=total,
            unit=unit,
            rate=rate,
            message=message,
            at=datetime.now(UTC),
        )
        of = f"/{total}" if total is not None else ""
        log.info("%s: %s%s %s %s", step, done, of, unit, message)
        try:
            self.attempt.put(PROGRESS, word.model_dump_json().encode())
        except TransientError as error:
            # Progress is for people's eyes; the work goes on without it.
            log.warning("progress is not written: %s", error)

    def publish(self, local: Path, name: str, rows: int | None = None) -> Output:
        """Upload a local file as the output `name`; it counts once the record is written.

        Args:
            local: the file.
            name: its path below the attempt's folder.
            rows: how many rows it has, where that means something.
        """
        info = self.attempt.upload(local, name)
        output = Output(
            path=f"attempts/{self.job.attempt}/{name}",
            bytes=info.bytes,
            sha256=info.sha256,
            rows=rows,
        )
        self.outputs.append(output)
        return output

    def publish_tree(self, folder: Path, prefix: str) -> None:
        """Upload every file below a local folder, under the same paths below `prefix`."""
        for path in sorted(p for p in folder.rglob("*") if p.is_file()):
            self.publish(path, f"{prefix}/{path.relative_to(folder).as_posix()}")

    def unverified(self, what: str) -> None:
        """Note something that this run could not check; it is shown wherever the result is."""
        if what not in self.not_verified:
            self.not_verified.append(what)

    def on_stop(self, callback: Callable[[], None]) -> None:
        """Take over what happens on SIGTERM: `callback` runs in the signal handler.

        Without this, SIGTERM ends the stage at once, as a transient error. With it, the stage
        brings itself to an end (a last checkpoint) and raises `TransientError`.
        """
        self._on_stop = callback

    def stop(self, _signal: int = 0, _frame: FrameType | None = None) -> None:
        """Handle SIGTERM."""
        self.stopping = True
        if self._on_stop is not None:
            self._on_stop()
            return
        message = "stopped by SIGTERM before it was done: start it again"
        raise TransientError(message)


Run = Callable[[Context], dict[str, Any]]


def main(
    stage: Stage,
    contract: int,
    spec: type[StageSpec],
    run: Run,
    arguments: list[str] | None = None,
) -> int:
    """Run a stage program.

    Args:
        stage: which.
        contract: the version of its promise; a job for another one is refused.
        spec: the model of its spec.
        run: does the work and returns the metrics.
        arguments: the command line, without the program's name.

    Returns:
        The exit code.
    """
    parser = argparse.ArgumentParser(
        prog=f"python -m hearth.{stage}", description=f"Run the {stage} stage for one attempt."
    )
    parser.add_argument("--job", required=True, metavar="URI", help="where job.json lies")
    uri = parser.parse_args(arguments).job
    logging.basicConfig(
        stream=sys.stderr,
        level=logging.INFO,
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        force=True,
    )
    attempt: Attempt | None = None
    try:
        root = Store.open(StorageSettings.from_environment())
        job = _read_job(root, uri, stage, contract)
        attempt = _attempt_of(root, job)
        _execute(root, job, spec, run)
    except Exception as error:  # noqa: BLE001 - the last line of defence; nothing is swallowed
        return _fail(error, attempt)
    attempt.settle(exit_of(Outcome.SUCCEEDED, EXIT_OK, ""))
    return EXIT_OK


def _read_job(root: Store, uri: str, stage: Stage, contract: int) -> Job:
    raw = root.get(root.relative(uri))
    try:
        job = Job.model_validate_json(raw)
    except ValidationError as error:
        message = f"{uri}: is not a job: {error}"
        raise SpecError(message) from error
    if job.stage is not stage:
        message = f"{uri}: is a job of {job.stage}, this program is {stage}"
        raise SpecError(message)
    if job.contract != contract:
        message = (
            f"{uri}: wants contract {job.contract} of {stage}, this program has {contract}: "
            "install the same version of Hearth everywhere and build again"
        )
        raise SpecError(message)
    return job


def _attempt_of(root: Store, job: Job) -> Attempt:
    artifact = Artifact(root, job.stage, job.fingerprint)
    folder = artifact.folder.sub(f"attempts/{job.attempt}")
    claim = Claim.model_validate_json(folder.get(CLAIM))
    return Attempt(artifact, job.attempt, claim=claim)


def _execute(root: Store, job: Job, spec: type[StageSpec], run: Run) -> None:
    try:
        validated = spec.model_validate(job.spec)
    except ValidationError as error:
        message = f"spec of {job.stage}: {error}"
        raise SpecError(message) from error
    meter = Meter()
    with _scratch() as scratch:
        context = Context(job, validated, root, scratch)
        previous = signal.signal(signal.SIGTERM, context.stop)
        try:
            metrics = run(context)
            record = ArtifactRecord(
                stage=job.stage,
                name=job.name,
                contract=job.contract,
                fingerprint=job.fingerprint,
                spec=job.spec,
                inputs=job.inputs,
                attempt=job.attempt,
                outputs=tuple(sorted(context.outputs, key=lambda output: output.path)),
                metrics=metrics,
                provenance=provenance(
                    job.stage, job.build, meter.started, job.lock_digest, job.image
                ),
                cost=meter.read(),
                unverified=tuple(context.not_verified),
            )
        finally:
            signal.signal(signal.SIGTERM, previous)
    try:
        context.artifact.publish(record)
    except ConflictError as error:
        log.warning("%s", error)


@contextmanager
def _scratch() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="hearth-"))
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _fail(error: Exception, attempt: Attempt | None) -> int:
    known = _named(error)
    if known.exit_code == EXIT_DEFECT:
        log.error("a defect in Hearth", exc_info=error)
    else:
        log.error("%s: %s", type(known).__name__, known)
    if attempt is not None:
        try:
            attempt.settle(
                exit_of(Outcome.FAILED, known.exit_code, str(known), type(known).__name__)
            )
        except HearthError as unwritten:
            # The exit code still says it: whoever waits settles the attempt from that.
            log.warning("exit.json is not written: %s", unwritten)
    return known.exit_code


def _named(error: Exception) -> HearthError:
    if isinstance(error, HearthError):
        return error
    if isinstance(error, OSError) and error.errno in {errno.ENOSPC, errno.EDQUOT}:
        return TransientError(
            f"{error.filename or tempfile.gettempdir()}: no space left on the device: "
            "free some, or point TMPDIR elsewhere, and try again"
        )
    if isinstance(error, MemoryError):
        return TransientError("out of memory: give the stage more in the profile's resources")
    return HearthError(f"{type(error).__name__}: {error}")


def environment_for(store: StorageSettings, scratch: Path | None = None) -> dict[str, str]:
    """Return the environment that a stage program needs: how to open the store, where to write."""
    environment = {**store.environment(), "PYTHONUNBUFFERED": "1"}
    if scratch is not None:
        environment["TMPDIR"] = os.fspath(scratch)
    return environment
