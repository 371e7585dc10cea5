"""What a backend must bring to be put through the conformance suite.

A new backend adds a `Rig` of its own, a branch to the fixture `rig`, and one to `client.opened`.
The Slurm that `SlurmRig` uses is real, and shared by the session's tests.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pydantic import AnyHttpUrl

from hearth.compute.backend import Backend, JobHandle, JobRequest, JobResources, JobStatus
from hearth.compute.jobdir import FAMILY, SHIM, JobFolder
from hearth.compute.local import LocalBackend
from hearth.compute.process import ProcessIdentity
from hearth.compute.registry import open_backend
from hearth.compute.remote import RunnerBackend
from hearth.compute.settle import folders
from hearth.compute.slurm.backend import SlurmBackend
from hearth.compute.slurm.folder import StoreFolder
from hearth.errors import TransientError
from hearth.profile import EndpointTarget, Profile, SecretRef
from hearth.resources import BackendName, Compute, SlurmLogin, SlurmRest, SlurmSettings
from hearth.settings import settings
from hearth.storagesettings import StorageSettings
from rehearsal.slurm import Cluster
from rehearsal.slurm.daemon import SEARCH_PATH
from rehearsal.slurm.login import Login

PATIENCE = 20.0  # seconds for what takes a tenth of one on a quiet machine


class Rig(ABC):
    """A backend, and the means to harm it."""

    backend: Backend
    description: dict[str, Any]
    delay = 0.0
    """Seconds that the backend may take to act on a wish."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._clients: list[subprocess.Popen[str]] = []

    @abstractmethod
    def lose(self, handle: JobHandle) -> None:
        """Take away what guards a job, without a warning."""

    @abstractmethod
    def knows(self, handle: JobHandle, family: list[ProcessIdentity]) -> None:
        """Wait until what guards a job has seen these processes of it."""

    @abstractmethod
    def restart(self) -> None:
        """Take the backend's server away, if it has one, and bring it back."""

    @abstractmethod
    def end(self) -> None:
        """End what still runs."""

    def close(self) -> None:
        for client in self._clients:
            client.kill()
            client.communicate()
        self.end()

    # What follows is the same for every backend.

    @staticmethod
    def until(holds: Callable[[], object], patience: float = PATIENCE) -> None:
        """Wait until something holds that another process brings about."""
        deadline = time.monotonic() + patience
        while not holds():
            assert time.monotonic() < deadline, "waited in vain"
            time.sleep(0.01)

    def client(self, *arguments: str, skew: float = 0.0) -> subprocess.Popen[str]:
        """Start a client in a process, session and group of its own, its clock off by `skew`."""
        script = Path(__file__).with_name("client.py")
        client = subprocess.Popen(
            [sys.executable, script, json.dumps({**self.description, "skew": skew}), *arguments],
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

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.jobs = folder / "jobs"
        self.backend = LocalBackend(self.jobs, {"airflow": Path(sys.executable)})
        self.description = {"backend": "local", "jobs": str(self.jobs)}

    def lose(self, handle: JobHandle) -> None:
        guardian = ProcessIdentity.from_json(handle.data)
        assert guardian.signal(signal.SIGKILL)
        assert guardian.wait(PATIENCE)

    def knows(self, handle: JobHandle, family: list[ProcessIdentity]) -> None:
        def seen() -> bool:
            noted = self.job(handle.name).read(FAMILY) or {"processes": []}
            return all(one.to_json() in noted["processes"] for one in family)

        self.until(seen)

    def restart(self) -> None:
        """There is no server."""

    def end(self) -> None:
        for folder in folders(self.jobs):
            self.backend.cancel(JobHandle(backend=self.backend.name, name=folder.name), grace=0)

    def job(self, name: str) -> JobFolder:
        return JobFolder(self.jobs / name)

    def guardian(self, name: str) -> ProcessIdentity:
        shim = self.job(name).read(SHIM)
        assert shim is not None
        return ProcessIdentity.from_json(shim)


class Server:
    """A runner in a process of its own, shared by the session's tests: it starts in seconds."""

    bearer = "of good news"

    def __init__(self, home: Path) -> None:
        self.home = home
        token = home / "token"
        token.write_text(f"{self.bearer}\n")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.address = f"http://127.0.0.1:{port}"
        self._command = [
            *(sys.executable, "-m", "hearth.compute.runner", "airflow"),
            *(f"--token-file={token}", f"--port={port}"),
        ]
        self.start()

    def start(self) -> None:
        environment = {**os.environ, "HEARTH_HOME": str(self.home)}
        with (self.home / "runner.log").open("ab") as log:
            self._process = subprocess.Popen(self._command, env=environment, stdout=log, stderr=log)
        Rig.until(self._answers)

    def stop(self, number: signal.Signals) -> None:
        self._process.send_signal(number)
        self._process.wait(PATIENCE)

    def backend(self, token: str = bearer) -> RunnerBackend:
        return RunnerBackend({"airflow": self.address}, token)

    def _answers(self) -> bool:
        try:
            return self.backend().find("nobody") is None
        except TransientError:
            return False


class RunnerRig(LocalRig):
    """The local backend of another process, behind HTTP."""

    def __init__(self, folder: Path, server: Server) -> None:
        super().__init__(folder)
        self.server = server
        self.jobs = server.home / "jobs"
        self.backend = server.backend()
        self.description = {
            "backend": "runner",
            "address": server.address,
            "token": server.bearer,
        }

    def restart(self) -> None:
        self.server.stop(signal.SIGKILL)
        self.server.start()

    def end(self) -> None:
        super().end()
        shutil.rmtree(self.jobs, ignore_errors=True)


class SlurmRig(Rig):
    """The Slurm backend: through slurmrestd, or by its commands on a login node."""

    delay = 3.0

    def __init__(self, folder: Path, cluster: Cluster, login: Login | None = None) -> None:
        super().__init__(folder)
        self.cluster = cluster
        self.login = login
        store = StorageSettings(uri=f"file://{folder}/store")
        profile = Profile(
            name="rig",
            storage=store,
            compute=Compute(backend=BackendName.SLURM, slurm=self.settings()),
            endpoint=EndpointTarget(url=AnyHttpUrl("http://127.0.0.1:1")),
            secrets={"slurm_key": SecretRef(file=cluster.key)},
        )
        opened = open_backend(profile, settings())
        assert isinstance(opened, SlurmBackend)
        self.slurm = replace(opened, patience=0.5)
        self.backend = self.slurm
        self.description = {"backend": "slurm", "profile": profile.model_dump_json()}

    def settings(self) -> SlurmSettings:
        """The cluster, as a profile has it."""
        rest = SlurmRest(url=AnyHttpUrl(self.cluster.url), api_version="v0.0.38")
        return SlurmSettings(
            user=self.cluster.user,
            rest=rest if self.login is None else None,
            login=None if self.login is None else self._by(self.login),
            partition=self.cluster.partition,
            environments={"airflow": Path(sys.executable)},
            scratch=Path(tempfile.gettempdir()),
            heartbeat_seconds=0.2,
        )

    def _by(self, login: Login) -> SlurmLogin:
        return SlurmLogin(
            host="127.0.0.1",
            user=login.user,
            key=login.key,
            known_hosts=login.known_hosts,
            port=login.port,
            environment={"SLURM_CONF": self.cluster.environment["SLURM_CONF"]},
        )

    def request(self, name: str, *command: str, **changes: Any) -> JobRequest:
        # Three nodes are few: jobs share them.
        return super().request(name, *command, **{"resources": JobResources(cpus=1), **changes})

    def job(self, name: str) -> StoreFolder:
        return StoreFolder(self.slurm.store, name)

    def number(self, handle: JobHandle) -> int:
        """Slurm's id of a job."""
        number = self.job(handle.name).submitted()
        assert number is not None
        return number

    def lose(self, handle: JobHandle) -> None:
        start = self.job(handle.name).start()
        assert start is not None
        guardian = ProcessIdentity.from_json(start.guard)
        assert guardian.signal(signal.SIGKILL)
        assert guardian.wait(PATIENCE)

    def knows(self, handle: JobHandle, family: list[ProcessIdentity]) -> None:
        """They are the guard's descendants: it need not have seen them."""

    def restart(self) -> None:
        stop, start = self.cluster.stop_rest, self.cluster.start_rest
        if self.login is not None:
            stop, start = self.login.down, self.login.up
        stop()
        self.cluster.stop_controller()
        self.cluster.start_controller()
        start()

    def hold(self) -> None:
        """Have what is submitted wait in the queue."""
        self._partition("DOWN")

    def release(self) -> None:
        """Start what waits."""
        self._partition("UP")

    def _partition(self, state: str) -> None:
        partition = f"PartitionName={self.cluster.partition}"
        self.cluster.run("scontrol", "update", partition, f"State={state}")

    def end(self) -> None:
        self.cluster.clear()
        self.release()


@contextmanager
def new_cluster() -> Iterator[Cluster]:
    """A Slurm of three nodes that nobody has started; it is stopped in the end."""
    if shutil.which("slurmctld", path=SEARCH_PATH) is None:
        pytest.skip("there is no Slurm: `make test-slurm` installs it")
    # Sockets lie in it, whose paths have 107 bytes at most.
    with tempfile.TemporaryDirectory(prefix="hearth-slurm-") as home:
        cluster = Cluster(Path(home))
        try:
            yield cluster
        finally:
            cluster.down()


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A Slurm of three nodes."""
    with new_cluster() as cluster:
        cluster.up()
        yield cluster


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A runner."""
    server = Server(tmp_path_factory.mktemp("runner"))
    yield server
    server.stop(signal.SIGTERM)


@pytest.fixture(scope="session")
def login(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Login]:
    """A login node of the cluster."""
    login = Login(tmp_path_factory.mktemp("login"))
    login.up()
    yield login
    login.down()


WITH_A_QUEUE = [pytest.param(name, marks=pytest.mark.slurm) for name in ("slurm", "slurm-ssh")]
RIGS = ["local", "runner", WITH_A_QUEUE[0]]
each_way = pytest.mark.parametrize("rig", [*RIGS, WITH_A_QUEUE[1]], indirect=True)
"""For a law in which the way to the backend plays a part: what a job leaves in the store is read
alike by all ways, and Slurm over SSH is slow."""


@pytest.fixture(params=RIGS)
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    rig: Rig
    match request.param:
        case "runner":
            rig = RunnerRig(tmp_path, request.getfixturevalue("server"))
        case "local":
            rig = LocalRig(tmp_path)
        case name:
            # The same fixtures as the tests of Slurm's own have.
            yield request.getfixturevalue("slurm" if name == "slurm" else "remote")
            return
    yield rig
    rig.close()


@pytest.fixture(params=WITH_A_QUEUE)
def held(request: pytest.FixtureRequest) -> SlurmRig:
    """A backend in whose queue everything waits."""
    rig: SlurmRig = request.getfixturevalue("slurm" if request.param == "slurm" else "remote")
    rig.hold()
    return rig


@pytest.fixture
def slurm(tmp_path: Path, cluster: Cluster) -> Iterator[SlurmRig]:
    rig = SlurmRig(tmp_path, cluster)
    yield rig
    rig.close()


@pytest.fixture
def remote(tmp_path: Path, cluster: Cluster, login: Login) -> Iterator[SlurmRig]:
    """The same cluster, by its commands on a login node."""
    rig = SlurmRig(tmp_path, cluster, login)
    yield rig
    rig.close()


@pytest.fixture
def runner(tmp_path: Path, server: Server) -> Iterator[RunnerRig]:
    rig = RunnerRig(tmp_path, server)
    yield rig
    rig.close()


@pytest.fixture
def local(tmp_path: Path) -> Iterator[LocalRig]:
    rig = LocalRig(tmp_path)
    yield rig
    rig.close()
