"""Starting again what died by itself: a small process of the stack's own.

It knows the daemons by their pid files, so that it does not mind who started them, and leaves alone
what was stopped. It has a pid file itself; if it dies, `up` starts it again.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hearth.errors import TransientError
from hearth.stack.alone import alone
from hearth.stack.daemon import Daemon

log = logging.getLogger(__name__)

NAME: Final = "watch"
_ROUND_SECONDS: Final = 2.0
_BACKOFF_SECONDS: Final = (0.0, 2.0, 10.0, 30.0, 60.0)
_STEADY_SECONDS: Final = 120.0
"""Who has run this long is no longer held to have been falling."""


def daemon(home: Path, environment: Mapping[str, str]) -> Daemon:
    """Return the watch's own daemon."""
    return Daemon(
        name=NAME,
        command=[sys.executable, "-m", "hearth.stack", NAME],
        environment=environment,
        state=home / "run",
        logs=home / "logs",
    )


@dataclass
class _Case:
    """What is remembered of one daemon."""

    daemon: Daemon
    falls: int = 0
    again_at: float | None = None
    started_at: float = 0.0


class Watch:
    """Looks at daemons round after round."""

    def __init__(self, daemons: Iterable[Daemon]) -> None:
        """Name the daemons; they share one folder of pid files."""
        self._cases = [_Case(daemon) for daemon in daemons]

    def run(self) -> None:
        """Go round for ever."""
        while True:
            self.round(time.monotonic())
            time.sleep(_ROUND_SECONDS)

    def round(self, now: float) -> list[str]:
        """Look at every daemon once; return the names of those that were started again."""
        return [case.daemon.name for case in self._cases if self._look(case, now)]

    def _look(self, case: _Case, now: float) -> bool:
        identity = case.daemon.identity()
        if identity is None:  # stopped, or not started yet: neither is ours to change
            case.again_at = None
            return False
        if identity.alive():
            case.again_at = None
            if now - case.started_at > _STEADY_SECONDS:
                case.falls = 0
            return False
        if case.again_at is None:
            wait = _BACKOFF_SECONDS[min(case.falls, len(_BACKOFF_SECONDS) - 1)]
            case.again_at, case.falls = now + wait, case.falls + 1
            log.warning("%s ended, again in %g s: see %s", case.daemon.name, wait, case.daemon.log)
        return now >= case.again_at and self._start(case, now)

    def _start(self, case: _Case, now: float) -> bool:
        with alone(case.daemon.state, waiting=None) as free:
            # Asked again: whoever had the lock may have stopped it or started it.
            identity = case.daemon.identity()
            if not free or identity is None or identity.alive():
                return False
            try:
                started = case.daemon.start()
            except (OSError, TransientError) as error:
                log.warning("%s: %s", case.daemon.name, error)
                case.again_at = None
                return False
        case.again_at, case.started_at = None, now
        log.info("%s started again as pid %d", case.daemon.name, started.pid)
        return True
