"""A daemon of the rehearsed cluster: started in a session of its own, stopped by its identity."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hearth.compute.process import ProcessIdentity

SEARCH_PATH: Final = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
"""Daemons lie where only administrators look."""

_START_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 10.0
_POLL: Final = 0.05


@dataclass(frozen=True, slots=True)
class Daemon:
    """One daemon.

    Attributes:
        name: what its files are called.
        home: the cluster's folder; its identity lies in `run/`, what it says in `log/`.
    """

    name: str
    home: Path

    @property
    def log(self) -> Path:
        """What it says."""
        return self.home / "log" / f"{self.name}.out"

    def identity(self) -> ProcessIdentity | None:
        """The process that runs it, or None."""
        try:
            found = ProcessIdentity.from_json(json.loads(self._file.read_bytes()))
        except FileNotFoundError:
            return None
        return found if found.alive() else None

    def start(
        self,
        command: Sequence[str | Path],
        ready: Callable[[], object],
        environment: Mapping[str, str] | None = None,
    ) -> None:
        """Start it unless it runs, and wait until it is ready.

        Args:
            command: in the foreground.
            ready: whether it answers.
            environment: what it finds in its environment beside PATH.

        Raises:
            RuntimeError: it ended, or does not answer.
        """
        if self.identity() is None:
            with self.log.open("ab") as log:
                process = subprocess.Popen(
                    command,
                    env={"PATH": SEARCH_PATH, "LANG": "C.UTF-8", **(environment or {})},
                    cwd=self.home,
                    stdin=subprocess.DEVNULL,
                    stdout=log,
                    stderr=log,
                    start_new_session=True,
                )
            identity = ProcessIdentity.of(process.pid)
            if identity is not None:
                self._file.write_text(json.dumps(identity.to_json()))
        deadline = time.monotonic() + _START_SECONDS
        while not ready():
            if self.identity() is None or time.monotonic() > deadline:
                message = f"{self.name}: did not start: see {self.log}"
                raise RuntimeError(message)
            _reap()
            time.sleep(_POLL)

    def stop(self) -> None:
        """End it: SIGTERM, then SIGKILL."""
        identity = self.identity()
        if identity is None:
            return
        identity.signal(signal.SIGTERM)
        if not identity.wait(_STOP_SECONDS):
            self.kill()

    def kill(self) -> None:
        """End it as a power failure would."""
        identity = self.identity()
        if identity is not None:
            identity.signal(signal.SIGKILL)
            identity.wait(_STOP_SECONDS)

    @property
    def _file(self) -> Path:
        return self.home / "run" / f"{self.name}.json"


def _reap() -> None:
    """Collect daemons of ours that ended: a zombie keeps its pid."""
    for process in list(getattr(subprocess, "_active", [])):
        process.poll()
