"""One service in a session of its own, found again by pid, start time and boot."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hearth.compute.process import ProcessIdentity, boot_id, kill_all, marked
from hearth.errors import TransientError

log = logging.getLogger(__name__)

MARK: Final = "HEARTH_STACK"
"""The variable that every process of a stack carries; its value names the stack's folder."""

_LAST_LINES: Final = 15
_UMASK: Final = 0o077


@dataclass(frozen=True)
class Daemon:
    """A service: how it is started, and where its pid and its log are kept.

    Attributes:
        name: what it is called in messages and file names.
        command: what is run, without a shell.
        environment: all of its environment; `MARK` is in it.
        state: the folder of pid files.
        logs: the folder of logs.
        grace: seconds between SIGTERM and SIGKILL.
    """

    name: str
    command: Sequence[str]
    environment: Mapping[str, str]
    state: Path
    logs: Path
    grace: float = 15.0

    @property
    def log(self) -> Path:
        """The file that its output goes to."""
        return self.logs / f"{self.name}.log"

    @property
    def _pid_file(self) -> Path:
        return self.state / f"{self.name}.json"

    def identity(self) -> ProcessIdentity | None:
        """Return the process that was started last, whether it still runs or not."""
        try:
            return ProcessIdentity.from_json(json.loads(self._pid_file.read_text()))
        except FileNotFoundError:
            return None

    def alive(self) -> bool:
        """Say whether it runs."""
        identity = self.identity()
        return identity is not None and identity.alive()

    def start(self) -> ProcessIdentity:
        """Start it, after clearing away what an earlier one left in its session."""
        self.clear()
        self.logs.mkdir(parents=True, exist_ok=True)
        self.state.mkdir(parents=True, exist_ok=True)
        with self.log.open("ab") as output:
            process = subprocess.Popen(
                list(self.command),
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=dict(self.environment),
                start_new_session=True,
                umask=_UMASK,
            )
        # It is meant to outlive this object; whoever stops it goes by the pid file.
        process.returncode = 0
        identity = ProcessIdentity.of(process.pid)
        if identity is None:
            raise TransientError(self._died())
        aside = self._pid_file.with_suffix(".new")
        aside.write_text(json.dumps(identity.to_json()))
        aside.replace(self._pid_file)
        return identity

    def members(self) -> set[ProcessIdentity]:
        """Return every living process of its session, the daemon itself among them."""
        identity = self.identity()
        if identity is None or identity.boot != boot_id():
            return set()
        # The mark tells them from strangers that got an old pid and opened a session of their own.
        ours = marked(MARK, self.environment[MARK])
        return {process for process in ours if _session(process) == identity.pid}

    def ask_to_stop(self) -> None:
        """Send SIGTERM, and do not wait."""
        identity = self.identity()
        if identity is not None:
            identity.signal(signal.SIGTERM)

    def stop(self) -> None:
        """End it: SIGTERM to the daemon, then SIGKILL to all of its session that is left."""
        self.ask_to_stop()
        identity = self.identity()
        if identity is not None:
            identity.wait(self.grace)
            _reap(identity)
        self.clear()

    def kill(self) -> None:
        """SIGKILL to the daemon alone, as a crash would; its children are left as they are."""
        identity = self.identity()
        if identity is not None and identity.signal(signal.SIGKILL):
            identity.wait(self.grace)
            _reap(identity)

    def clear(self) -> None:
        """Kill what is left of its session, and forget its pid."""
        left = kill_all(self.members, timeout=10.0)
        if left:
            pids = sorted(process.pid for process in left)
            message = f"{self.name}: pids {pids} survive SIGKILL: see `ps`"
            raise TransientError(message)
        if identity := self.identity():
            _reap(identity)
        self._pid_file.unlink(missing_ok=True)

    def require_alive(self) -> None:
        """Make sure that it still runs.

        Raises:
            TransientError: it ended; the message holds its last words.
        """
        if not self.alive():
            raise TransientError(self._died())

    def _died(self) -> str:
        return f"{self.name} ended; the last lines of {self.log}:\n{tail(self.log)}"


def _reap(identity: ProcessIdentity) -> None:
    # Only where this very process started it; otherwise init does.
    try:
        os.waitpid(identity.pid, os.WNOHANG)
    except ChildProcessError:
        return


def _session(process: ProcessIdentity) -> int | None:
    try:
        return os.getsid(process.pid)
    except ProcessLookupError:
        return None


def tail(path: Path, lines: int = _LAST_LINES) -> str:
    """Return the last lines of a log."""
    try:
        text = path.read_text(errors="replace")
    except FileNotFoundError:
        return "(no log)"
    return "\n".join(text.splitlines()[-lines:])


def wait_for(
    ready: Callable[[], str | None],
    daemons: Sequence[Daemon],
    *,
    timeout: float,
    interval: float = 0.2,
) -> None:
    """Wait until `ready` says so.

    Args:
        ready: returns None when all is well, else what is missing.
        daemons: what must stay alive meanwhile.
        timeout: seconds.
        interval: seconds between two looks.

    Raises:
        TransientError: a daemon ended, or the time is over.
    """
    deadline = time.monotonic() + timeout
    while missing := ready():
        for daemon in daemons:
            daemon.require_alive()
        if time.monotonic() > deadline:
            logs = ", ".join(str(daemon.log) for daemon in daemons)
            message = f"not ready after {timeout:.0f} s: {missing}: see {logs}"
            raise TransientError(message)
        time.sleep(interval)
