"""Read files in a process of its own, and go on without what kills it, blocks it or fills it.

One process reads file after file. A file on which it takes too long, or dies, is refused by name;
the next one gets a new process. Time is processor time, so that a busy machine refuses what an
idle one does, and it counts anew with every record: a long file is not a slow one.
"""

from __future__ import annotations

import json
import os
import select
import signal
import subprocess
import sys
import time
import zipfile
import zlib
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from types import TracebackType
from typing import IO, Any, Final, Self

import psutil

from hearth.errors import SpecError
from hearth.mirror.archives import Member
from hearth.mirror.extraction import STREAMED, Extraction
from hearth.mirror.records import Reason, Record, Refusal
from hearth.mirror.spec import Limits

_TICK: Final = 0.25
_PATIENCE: Final = 10
"""How many times its processor time a record may take by the clock: a machine has other work."""
_START_SECONDS: Final = 120
_CHUNK: Final = 1 << 20


class _GoneError(Exception):
    """The worker will not answer."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal.detail)
        self.refusal = refusal


class Reader:
    """Reads files in a process that it kills when it must. A context manager."""

    def __init__(self, limits: Limits, scratch: Path) -> None:
        """Start nothing yet.

        Args:
            limits: what is too much.
            scratch: an existing folder, for the files of archives, one at a time.
        """
        self.limits = limits
        self._local = scratch / "member"
        self._worker: subprocess.Popen[bytes] | None = None
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        """Return itself."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """End the process."""
        self._kill()
        self._local.unlink(missing_ok=True)

    def read(self, member: Member, path: str, rule: Extraction) -> Iterator[Record | Refusal]:
        """Yield what a file holds; a file that cannot be read to its end ends with a refusal.

        Args:
            member: the file.
            path: its path in the source.
            rule: how to read it.

        Raises:
            OSError: this machine failed, not the file.
            SpecError: a library that the format needs is not installed.
        """
        content = self._unpacked(member, rule)
        if isinstance(content, Refusal):
            yield content
            return
        number = 0
        try:
            self._ask(path, rule, content)
            while (found := self._next()) is not None:
                number += 1
                yield found
                if isinstance(found, Refusal) and found.reason is Reason.MEMORY_LIMIT:
                    self._kill()
                    return
        except _GoneError as gone:
            self._kill()
            after = f", after {number} of its records: what follows is not read" if number else ""
            yield Refusal(gone.refusal.reason, gone.refusal.detail + after)
        except GeneratorExit:
            # Whoever asked does not want the rest: the next file must not get it.
            self._kill()
            raise

    def _unpacked(self, member: Member, rule: Extraction) -> Path | bytes | Refusal:
        """Return where a file lies, or what is in it if it is small and inside of a package."""
        if member.local is not None:
            return member.local
        limits = self.limits
        most = limits.unpacked_bytes if rule.format in STREAMED else limits.document_bytes + 1
        try:
            with member.open() as stream:
                if member.size <= _CHUNK:
                    return stream.read(_CHUNK)
                with self._local.open("wb") as file:
                    left = most
                    while left and (chunk := stream.read(min(_CHUNK, left))):
                        file.write(chunk)
                        left -= len(chunk)
        except (zipfile.BadZipFile, zlib.error, EOFError) as error:
            return Refusal(Reason.DAMAGED, f"cannot be unpacked: {error or type(error).__name__}")
        except NotImplementedError as error:
            return Refusal(Reason.DAMAGED, f"is packed in a way that Python cannot read: {error}")
        except RuntimeError as error:
            # The only word of zipfile for a member under a password.
            return Refusal(Reason.ENCRYPTED, f"cannot be unpacked: {error}")
        return self._local

    def _ask(self, path: str, rule: Extraction, content: Path | bytes) -> None:
        inline = content if isinstance(content, bytes) else b""
        local = str(content) if isinstance(content, Path) else None
        request = json.dumps([local, len(inline), path, _written(rule)]).encode() + b"\n" + inline
        if self._worker is not None:
            try:
                self._send(self._worker, request)
            except BrokenPipeError:
                # It died of what it had read before; nothing of this file has been lost.
                self._kill()
            else:
                return
        self._send(self._start(), request)

    def _start(self) -> subprocess.Popen[bytes]:
        self._buffer.clear()
        # OpenMP and Arrow would spend processor time on threads that one file after another
        # does not need.
        self._worker = worker = subprocess.Popen(
            [sys.executable, "-m", "hearth.mirror.worker"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        self._send(worker, self.limits.model_dump_json().encode() + b"\n")
        try:
            self._message(_START_SECONDS)
        except _GoneError as gone:
            message = f"the process that reads files does not start: {gone}"
            raise RuntimeError(message) from gone
        return worker

    def _send(self, worker: subprocess.Popen[bytes], request: bytes) -> None:
        assert worker.stdin is not None  # noqa: S101 - for mypy: PIPE was asked for
        worker.stdin.write(request)
        worker.stdin.flush()

    def _next(self) -> Record | Refusal | None:
        kind, what = self._message(self.limits.record_seconds)
        match kind:
            case "record":
                return Record(*what)
            case "refusal":
                return Refusal(Reason(what[0]), *what[1:])
            case "missing":
                raise SpecError(what)
            case "os":
                raise OSError(*what)
            case _:
                return None

    def _message(self, seconds: int) -> tuple[str, Any]:
        while (end := self._buffer.find(b"\n")) < 0:
            self._wait(seconds)
        kind, what = json.loads(self._buffer[:end])
        del self._buffer[: end + 1]
        return kind, what

    def _wait(self, seconds: int) -> None:
        """Take the rest of a message from the process, in the time that one may take."""
        worker = self._worker
        assert worker is not None  # noqa: S101 - for mypy: it was started
        assert worker.stdout is not None  # noqa: S101 - for mypy: PIPE was asked for
        spent, since = None, time.monotonic()
        poll = select.poll()
        poll.register(worker.stdout, select.POLLIN | select.POLLHUP)
        while True:
            if poll.poll(_TICK * 1000):
                chunk = os.read(worker.stdout.fileno(), _CHUNK)
                if not chunk:
                    raise _GoneError(_death(worker.wait()))
                self._buffer += chunk
                if b"\n" in chunk:
                    return
            now = _processor_seconds(worker.pid)
            spent = now if spent is None else spent
            if now - spent > seconds or time.monotonic() - since > seconds * _PATIENCE:
                raise _GoneError(_late(seconds))

    def _kill(self) -> None:
        worker, self._worker = self._worker, None
        if worker is None:
            return
        worker.kill()
        worker.wait()
        for pipe in (worker.stdin, worker.stdout):
            if pipe is not None:
                _close(pipe)


@lru_cache(maxsize=64)
def _written(rule: Extraction) -> str:
    return rule.model_dump_json()


def _close(pipe: IO[bytes]) -> None:
    try:
        pipe.close()
    except BrokenPipeError:
        # What was not read any more is of no interest.
        return


def _late(seconds: int) -> Refusal:
    detail = f"takes over limits.record_seconds = {seconds} s of processor time"
    return Refusal(Reason.TIME_LIMIT, detail)


def _death(code: int) -> Refusal:
    how = f"signal {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
    detail = f"the process that read it ended with {how}: a defect of the parser, or no memory"
    return Refusal(Reason.CRASHED, detail)


def _processor_seconds(pid: int) -> float:
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        # It ended between two looks; the pipe will tell how.
        return 0.0
    return float(times.user + times.system)
