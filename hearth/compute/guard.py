"""Watching over the processes of one local job until none of them is left.

The end of a job goes like this. Asked to stop, or at the time limit: SIGTERM to the command's
process group, which may then end its ranks and daemons in its own order. Once the command has
ended: SIGTERM to whatever it left. When the grace is over: SIGKILL to all, until there is none.

Standard library only: it runs in the shim.
"""

from __future__ import annotations

import contextlib
import logging
import os
import select
import signal
import socket
import subprocess
import time
from dataclasses import dataclass, field
from typing import Any, Final

from hearth.compute import jobdir, process
from hearth.compute.jobdir import JobFolder
from hearth.compute.outcome import Cause, JobState
from hearth.compute.process import ProcessIdentity

log = logging.getLogger(__name__)

_LINGER: Final = 5.0  # seconds for what a command leaves behind, where nobody gave a grace
_STOP_GRACE: Final = 30.0  # seconds, where SIGTERM came from outside Hearth (a shutdown)
_WATCH_SHARE: Final = 50  # watching takes at most a fiftieth of one CPU
_WATCH_EVERY: Final = (0.2, 2.0)  # seconds
_KILL_TIMEOUT: Final = 2.0
_SIGNALS: Final = (
    signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGUSR1, signal.SIGCHLD,
)  # fmt: skip
_ASK_TO_STOP: Final = {signal.SIGTERM, signal.SIGINT}
TIME_IS_UP: Final = signal.SIGUSR1
"""A scheduler's word that its own time limit is near."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What `submit` sends."""

    command: list[str]
    env: dict[str, str]
    marker: str
    cpus: list[int] | None
    memory_bytes: int | None
    time_limit: float
    grace: float


class Inbox:
    """Signals as events of the main loop, so that nothing happens between two lines of it."""

    def __init__(self) -> None:
        self._receiver, self._sender = socket.socketpair()
        self._receiver.settimeout(0)
        self._sender.settimeout(0)
        # Handlers, not SIG_IGN nor a mask: those would be inherited by the command.
        for number in _SIGNALS:
            signal.signal(number, lambda *_: None)
        signal.set_wakeup_fd(self._sender.fileno(), warn_on_full_buffer=False)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    def wait(self, timeout: float) -> set[int]:
        """Wait for signals; return their numbers."""
        select.select([self._receiver], [], [], max(0.0, timeout))
        with contextlib.suppress(BlockingIOError):
            return set(self._receiver.recv(4096))
        return set()


@dataclass(slots=True)
class Guard:
    """Watches over one running job."""

    folder: JobFolder
    plan: Plan
    command: subprocess.Popen[bytes]
    inbox: Inbox
    limit_at: float
    code: int | None = None
    cause: Cause | None = None
    reason: str = ""
    max_rss: int = 0
    kill_at: float | None = None
    childless: bool = False
    watch_at: float = 0.0
    family: set[ProcessIdentity] = field(default_factory=set)
    warned: set[ProcessIdentity] = field(default_factory=set)

    def run(self) -> None:
        """Return when the command has ended and none of its descendants is left."""
        self.watch()
        while not self.childless:
            received = self.inbox.wait(min(self.watch_at, self.kill_at or self.limit_at) - _now())
            self.reap()
            if received & _ASK_TO_STOP:
                self.asked_to_stop()
            if TIME_IS_UP in received and self.cause is None:
                text = "the scheduler's time limit is near: raise the limit or ask for less"
                self.end(Cause.TIME_LIMIT, text, self.plan.grace)
            if self.code is None and self.cause is None and _now() >= self.limit_at:
                text = f"ran for its time limit of {self.plan.time_limit:g} s"
                self.end(
                    Cause.TIME_LIMIT, f"{text}: raise the limit or ask for less", self.plan.grace
                )
            if _now() >= self.watch_at:
                self.watch()
            if self.code is not None:
                self.clear_up()
            if self.kill_at is not None and _now() >= self.kill_at:
                process.kill_all(self.find, _KILL_TIMEOUT)

    def reap(self) -> None:
        """Collect every child that has ended: the command, and orphans that became ours."""
        try:
            while True:
                pid, status = os.waitpid(-1, os.WNOHANG)
                if pid == 0:
                    return
                if pid == self.command.pid:
                    self.code = self.command.returncode = os.waitstatus_to_exitcode(status)
        except ChildProcessError:
            # Orphans come to us, so no child means no descendant: this is the proof.
            self.childless = True

    def watch(self) -> None:
        """Look at the job's processes: remember them, add up their memory."""
        began = _now()
        family = process.descendants([os.getpid()])
        if family != self.family:
            # Some programs overwrite their environment (Ray does): the marker is not enough.
            self.family = family
            with contextlib.suppress(OSError):
                self.folder.write(jobdir.FAMILY, {"processes": [p.to_json() for p in family]})
        used = process.resident_bytes(family)
        self.max_rss = max(self.max_rss, used)
        limit = self.plan.memory_bytes
        if limit is not None and used > limit and self.cause is not Cause.OUT_OF_MEMORY:
            text = f"{len(family)} processes used {used} bytes of memory, the limit is {limit}"
            self.end(Cause.OUT_OF_MEMORY, f"{text}: raise the limit or ask for less", 0.0)
        shortest, longest = _WATCH_EVERY
        self.watch_at = _now() + min(longest, max(shortest, _WATCH_SHARE * (_now() - began)))

    def asked_to_stop(self) -> None:
        """Act on SIGTERM; `stop.json` says whether it was a cancel."""
        wish = self.folder.read(jobdir.STOP) or {}
        cause = Cause(wish.get("cause", Cause.STOPPED))
        self.end(cause, wish.get("reason", "SIGTERM to its shim"), wish.get("grace", _STOP_GRACE))

    def end(self, cause: Cause, reason: str, grace: float) -> None:
        """Begin to end the job, or hasten its end. What ended it first, it ended of."""
        kill_at = _now() + grace
        self.kill_at = kill_at if self.kill_at is None else min(self.kill_at, kill_at)
        if self.code is not None:
            return
        if self.cause in {None, Cause.STOPPED}:
            self.cause, self.reason = cause, reason
        log.info("%s: %s; SIGKILL after %g s", cause, reason, grace)
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.command.pid, signal.SIGTERM)  # not reaped yet, so the number is its own

    def clear_up(self) -> None:
        """Ask what the command left behind to go."""
        if self.kill_at is None:
            self.kill_at = _now() + _LINGER
        for one in self.find() - self.warned:
            log.info("process %d outlived the command", one.pid)
            one.signal(signal.SIGTERM)
            self.warned.add(one)

    def find(self) -> set[ProcessIdentity]:
        """Every process of the job that is still there."""
        found = process.descendants([os.getpid()])
        found |= process.marked(jobdir.MARKER, self.plan.marker)
        return found - {ProcessIdentity.current()}

    def outcome(self) -> dict[str, Any]:
        """How it ended."""
        cause, reason = self.cause, self.reason
        code = self.code
        if code is not None and code < 0 and cause is None:
            name = signal.strsignal(-code)
            cause, reason = Cause.SIGNAL, f"killed by signal {-code} ({name}), not by Hearth"
        elif code and cause is None:
            reason = f"its command exited with code {code}"
        state = JobState.FAILED if cause is not None or code else JobState.SUCCEEDED
        if cause is Cause.CANCELLED:
            state = JobState.CANCELLED
        return {
            "state": state,
            "exit_code": code,
            "cause": cause,
            "reason": reason,
            "max_rss_bytes": self.max_rss,
        }


def _now() -> float:
    return time.monotonic()
