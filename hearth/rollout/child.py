"""The processes that a supervisor starts, and finds again after it was killed.

Each child carries the supervisor's folder and its own name and port in its environment. So the
process table is the record of what runs: nothing can be written too late, or be out of date.
"""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Final

import psutil

from hearth.errors import TransientError

_FOLDER: Final = "HEARTH_ENDPOINT_FOLDER"
_NAME: Final = "HEARTH_ENDPOINT_CHILD"
_PORT: Final = "HEARTH_ENDPOINT_CHILD_PORT"
# HEARTH_STACK is the mark by which a stack finds all of its processes, also after a crash.
_PASSED: Final = ("PATH", "LANG", "LC_ALL", "LD_LIBRARY_PATH", "TMPDIR", "HEARTH_STACK")
_HEALTH: Final = '"GET /health '
_KILL_SECONDS: Final = 10.0
_POLL_SECONDS: Final = 0.02
_LOG_BYTES: Final = 8 << 20
_KEPT_BYTES: Final = 64 << 10


class Child:
    """One child: a process, its port and its log."""

    def __init__(self, name: str, process: psutil.Process, port: int, log: Path) -> None:
        """Use `spawn` or `adopt`."""
        self.name = name
        self.port = port
        self.pid = process.pid
        self._process = process
        self._log = log

    @property
    def alive(self) -> bool:
        """Whether it still runs; one that ended is reaped."""
        if _runs(self._process):
            return True
        self._reap()
        return False

    def last_words(self, lines: int = 12) -> str:
        """Return the end of its log."""
        try:
            with self._log.open("rb") as file:
                file.seek(max(0, self._log.stat().st_size - _KEPT_BYTES))
                text = file.read().decode(errors="replace")
        except OSError:
            return "(no log)"
        told = [line for line in text.splitlines() if _HEALTH not in line]
        return "\n".join(told[-lines:]).strip() or "(nothing in its log)"

    def trim_log(self) -> None:
        """Cut the log when it is long; the end of what it held stays beside it."""
        if not self._log.exists() or self._log.stat().st_size < _LOG_BYTES:
            return
        with self._log.open("rb+") as file:
            file.seek(-_KEPT_BYTES, os.SEEK_END)
            self._log.with_suffix(".log.1").write_bytes(file.read())
            # The child appends, so it goes on at the new end.
            file.truncate(0)

    def ask_to_stop(self, signal: int) -> None:
        """Send a signal, if it still runs."""
        if self.alive:
            try:
                self._process.send_signal(signal)
            except psutil.NoSuchProcess:
                return

    def kill(self) -> None:
        """End it and all that it started, at once.

        Raises:
            TransientError: it is still there after SIGKILL.
        """
        try:
            family = [*self._process.children(recursive=True), self._process]
        except psutil.NoSuchProcess:
            return
        for process in family:
            try:
                process.kill()
            except psutil.NoSuchProcess:
                continue
        deadline = time.monotonic() + _KILL_SECONDS
        while any(map(_runs, family)) or not self._reap():
            if time.monotonic() > deadline:
                message = f"{self.name}: pid {self.pid} survives SIGKILL: see `ps`"
                raise TransientError(message)
            time.sleep(_POLL_SECONDS)

    def _reap(self) -> bool:
        """Reap it once all of its threads have ended; say whether that is done."""
        try:
            return os.waitpid(self.pid, os.WNOHANG)[0] == self.pid
        except ChildProcessError:
            # Adopted: somebody else reaps it, who may take a while or never do it.
            return True


def spawn(
    folder: Path,
    name: str,
    command: Sequence[str],
    port: int,
    *,
    cwd: Path,
    environment: Mapping[str, str],
) -> Child:
    """Start a child in a session of its own.

    Args:
        folder: the supervisor's.
        name: what to call it.
        command: what to run, without a shell.
        port: where it will listen.
        cwd: its working directory.
        environment: on top of the few variables that every child gets; it gets no credentials.
    """
    passed = {key: value for key, value in os.environ.items() if key in _PASSED}
    marks = {_FOLDER: str(folder), _NAME: name, _PORT: str(port)}
    log = _log_of(folder, name)
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("ab") as output:
        started = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            cwd=cwd,
            env={**passed, **environment, **marks},
            start_new_session=True,
        )
    started.returncode = 0  # `Child` reaps it; Popen must not warn.
    return Child(name, psutil.Process(started.pid), port, log)


def adopt(folder: Path) -> list[Child]:
    """Find the children that an earlier supervisor of this folder left running."""
    found = {process.pid: (process, marks) for process, marks in _marked(folder)}
    return [
        Child(marks[_NAME], process, int(marks[_PORT]), _log_of(folder, marks[_NAME]))
        for process, marks in found.values()
        # A child's own children inherit its environment.
        if not _descends(process, set(found))
    ]


def _runs(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


def _marked(folder: Path) -> Iterator[tuple[psutil.Process, dict[str, str]]]:
    for process in psutil.process_iter():
        try:
            environment = process.environ()
        except (psutil.Error, OSError):
            continue
        if environment.get(_FOLDER) == str(folder) and {_NAME, _PORT} <= environment.keys():
            yield process, environment


def _descends(process: psutil.Process, pids: set[int]) -> bool:
    try:
        return any(parent.pid in pids for parent in process.parents())
    except psutil.NoSuchProcess:
        return True


def _log_of(folder: Path, name: str) -> Path:
    return folder / "logs" / f"{name}.log"
