"""What a stage works with: its inputs, verified; where outputs go; how to say how far it is."""

from __future__ import annotations

import fnmatch
import logging
import math
import time
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType
from typing import Final

from hearth.artifact import Artifact, ArtifactRecord, Output, read_record, read_remains
from hearth.attempt import PROGRESS, Progress
from hearth.errors import DataError, SpecError, TransientError
from hearth.model import StageSpec
from hearth.stage.job import Job
from hearth.storage import Store

log = logging.getLogger(__name__)

PROGRESS_SECONDS: Final = 2.0
_DOWNLOADS: Final = 8


class Input:
    """An artifact that the stage reads, verified as it is fetched."""

    def __init__(self, role: str, folder: Store, record: ArtifactRecord, local: Path) -> None:
        """Use `Context.input`."""
        self.role = role
        self.record = record
        self._folder = folder
        self._local = local

    @property
    def uri(self) -> str:
        """Where it lies."""
        return self._folder.uri

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
        self.not_verified: list[str] = list(job.emulated)
        self.root = root
        self._inputs: dict[str, Input] = {}
        self._on_stop: Callable[[], None] | None = None
        self._progress_at = 0.0
        self._step = ("", time.monotonic(), 0)

    def input(self, role: str, *, remains: bool = False) -> Input:
        """Return the artifact that plays `role`.

        Args:
            role: what it is to the stage.
            remains: what is left of it will do, if it was collected.

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
            read = read_remains if remains else read_record
            record = read(folder, ref.fingerprint)
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
        self,
        step: str,
        done: int,
        total: int | None,
        unit: str,
        message: str = "",
        metrics: Mapping[str, float] | None = None,
    ) -> None:
        """Say how far the stage is; written at most every two seconds.

        Args:
            step: what is being done.
            done: how many units are done.
            total: of how many; None if that is not known.
            unit: what is counted, in the plural.
            message: anything worth seeing, such as a loss.
            metrics: the numbers in it, for whoever waits for the stage.
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
            metrics={k: v for k, v in (metrics or {}).items() if math.isfinite(v)},
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
