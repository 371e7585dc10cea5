"""What a backend must bring to be put through the conformance suite.

A new backend adds a `Rig` of its own to `RIGS`, and a branch to `client.opened`.
"""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from hearth.compute.backend import Backend, JobHandle, JobRequest, JobStatus
from hearth.compute.jobdir import FAMILY, SHIM, JobFolder
from hearth.compute.local import LocalBackend
from hearth.compute.process import ProcessIdentity
from hearth.compute.settle import folders

PATIENCE = 20.0  # seconds for what takes a tenth of one on a quiet machine


class Rig:
    """A backend, and the means to harm it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.jobs = folder / "jobs"
        self.backend: Backend = LocalBackend(self.jobs, {"airflow": Path(sys.executable)})
        self.description = {"backend": "local", "jobs": str(self.jobs)}
        self._clients: list[subprocess.Popen[str]] = []

    def lose(self, handle: JobHandle) -> None:
        """Take away what guards a job, without a warning."""
        guardian = ProcessIdentity.from_json(handle.data)
        assert guardian.signal(signal.SIGKILL)
        assert guardian.wait(PATIENCE)

    def knows(self, handle: JobHandle, family: list[ProcessIdentity]) -> None:
        """Wait until what guards a job has seen these processes of it."""

        def seen() -> bool:
            noted = JobFolder(self.jobs / handle.name).read(FAMILY) or {"processes": []}
            return all(one.to_json() in noted["processes"] for one in family)

        self.until(seen)

    def close(self) -> None:
        for client in self._clients:
            client.kill()
            client.communicate()
        for folder in folders(self.jobs):
            self.backend.cancel(JobHandle(backend="local", name=folder.name), grace=0)

    # What follows is the same for every backend.

    @staticmethod
    def until(holds: Callable[[], object]) -> None:
        """Wait until something holds that another process brings about."""
        deadline = time.monotonic() + PATIENCE
        while not holds():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.01)

    def client(self, *arguments: str) -> subprocess.Popen[str]:
        """Start a client in a process, session and group of its own."""
        script = Path(__file__).with_name("client.py")
        client = subprocess.Popen(
            [sys.executable, script, json.dumps(self.description), *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._clients.append(client)
        return client

    def request(self, name: str, *command: str, **changes: Any) -> JobRequest:
        """A request whose command finds a folder for its files in $OUT."""
        env = {"OUT": str(self.folder), **changes.pop("env", {})}
        defaults = {"environment": "airflow", "time_limit": 120, "grace": 1}
        return JobRequest(name=name, command=command, env=env, **{**defaults, **changes})

    def bash(self, name: str, script: str, **changes: Any) -> JobRequest:
        return self.request(name, "bash", "-c", script, **changes)

    def ended(self, handle: JobHandle) -> JobStatus:
        """Wait for the end of a job."""
        self.until(lambda: self.backend.status(handle).state.final)
        return self.backend.status(handle)

    def log(self, handle: JobHandle) -> str:
        """Everything that a job has said by now."""
        text, cursor = "", ""
        while (chunk := self.backend.logs(handle, cursor)).cursor != cursor:
            text, cursor = text + chunk.text, chunk.cursor
        return text

    def lines(self, file: str) -> list[str]:
        """The whole lines of a file that jobs write in $OUT."""
        path = self.folder / file
        return path.read_text().split("\n")[:-1] if path.exists() else []

    def processes(self, file: str, count: int) -> list[ProcessIdentity]:
        """Wait for a job to write `count` process ids to a file; return the processes."""
        self.until(lambda: len(self.lines(file)) >= count)
        found = [ProcessIdentity.of(int(line)) for line in self.lines(file)]
        assert len(set(found)) == count
        assert None not in found, "a process ended before it was looked at"
        return [one for one in found if one is not None]


class LocalRig(Rig):
    """The local backend, whose folders lie open."""

    def job(self, name: str) -> JobFolder:
        return JobFolder(self.jobs / name)

    def guardian(self, name: str) -> ProcessIdentity:
        shim = self.job(name).read(SHIM)
        assert shim is not None
        return ProcessIdentity.from_json(shim)


RIGS: dict[str, type[Rig]] = {"local": LocalRig}


@pytest.fixture(params=sorted(RIGS))
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    rig = RIGS[request.param](tmp_path)
    yield rig
    rig.close()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalRig]:
    rig = LocalRig(tmp_path)
    yield rig
    rig.close()
