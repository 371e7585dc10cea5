"""The stack as a whole: up, stop, and what tests do to it in between."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from typing import Final
from urllib.parse import urlsplit

from hearth.compute.process import ProcessIdentity, kill_all, marked, resident_bytes
from hearth.compute.settle import stop_all
from hearth.errors import SpecError, TransientError
from hearth.profile import Profile, path_of
from hearth.settings import Settings
from hearth.stack import airflow, endpoint, store, watch
from hearth.stack.alone import alone
from hearth.stack.daemon import MARK, Daemon, wait_for
from hearth.stack.environment import mark_of, shared_environment
from hearth.stack.ports import (
    Port,
    StorePorts,
    airflow_port,
    all_ports,
    await_free,
    endpoint_port,
    listener,
    require_free,
    store_ports,
)
from hearth.stack.secrets import Secrets
from hearth.storage import Store
from hearth.withdrawal.service import end_service
from hearth.yamlfile import load_model

# Nothing may lose what it still talks to; what is in one group does not talk to each other.
_STOP_ORDER: Final = (
    (watch.NAME,),
    ("endpoint",),
    ("dag-processor", "triggerer", "scheduler"),
    ("api-server", "store"),
)
_NOT_AT_ONCE: Final = {"store", "scheduler", watch.NAME}
WORKER: Final = "worker"
"""Stands for Airflow's workers: the scheduler's children, where LocalExecutor runs the tasks."""


@dataclass(frozen=True)
class ServiceStatus:
    """How one daemon stands.

    Attributes:
        name: of the daemon.
        pid: of its first process; None when it does not run.
        resident_bytes: summed over its session.
    """

    name: str
    pid: int | None
    resident_bytes: int


class Stack:
    """The object store, Airflow and the endpoint of one home folder.

    Attributes:
        settings: where it lies and what it listens on.
        profile: the profile that the settings name; its store is this stack's.
        secrets: generated on the first start.
        daemons: by name, in the order in which they start: `store`, `api-server`, `scheduler`,
            `triggerer`, `dag-processor`, `endpoint`, and `watch`, which starts the others again.
    """

    def __init__(
        self,
        settings: Settings,
        say: Callable[[str], None] = lambda _line: None,
        *,
        watched: bool = True,
    ) -> None:
        """Describe it; nothing is started.

        Args:
            settings: of the stack.
            say: told of each step, one line at a time.
            watched: whether what dies is started again; not where tests kill.

        Raises:
            SpecError: the profile is wrong, or two services would share a port.
        """
        self.settings = settings
        self.profile = load_model(
            path_of(settings.profiles, settings.profile), Profile, settings.variables()
        )
        self.secrets = Secrets(settings.home / "secrets")
        self._say = say
        self._store_ports = StorePorts.after(settings.s3_port)
        self._ports: dict[str, list[Port]] = {
            "store": store_ports(settings),
            "api-server": [airflow_port(settings)],
            "endpoint": [endpoint_port(settings)],
        }
        all_ports(settings)
        shared = shared_environment(settings, self.profile)
        self._airflow_environment = {
            **shared,
            **airflow.configuration(settings, self.secrets, self.profile.lineage),
        }
        found = [
            store.daemon(settings.home, self._store_ports, self.secrets, shared),
            *airflow.daemons(settings.home, self._airflow_environment),
            endpoint.daemon(settings, shared),
            *([watch.daemon(settings.home, shared)] if watched else ()),
        ]
        self.daemons: dict[str, Daemon] = {daemon.name: daemon for daemon in found}

    @property
    def environment(self) -> dict[str, str]:
        """The environment of Airflow's processes, for an `airflow` command against this stack."""
        return dict(self._airflow_environment)

    @property
    def airflow_url(self) -> str:
        """Where Airflow's UI and API answer."""
        return f"http://127.0.0.1:{self.settings.airflow_port}"

    @property
    def endpoint_url(self) -> str:
        """Where the endpoint answers."""
        return f"http://127.0.0.1:{self.settings.endpoint_port}"

    def up(self) -> bool:
        """Start what does not run, and wait until all of it is well.

        Returns:
            Whether anything had to be started.

        Raises:
            SpecError: a port is taken by somebody else, or the profile's store is not this stack's,
                or its OpenLineage transport is not there.
            TransientError: a service ended or did not become healthy.
        """
        began = time.monotonic()
        with self._alone():
            buckets = self._buckets()
            airflow.require_transport(self.profile.lineage)
            self.secrets.ensure()
            down = [daemon for daemon in self.daemons.values() if not daemon.alive()]
            for daemon in down:
                daemon.clear()
            ours = {process.pid for process in self.processes()}
            for daemon in down:
                require_free(self._ports.get(daemon.name, ()), ours)
            self._start_store(buckets)
            self._end_service()
            self._start([daemon for daemon in down if daemon.name not in _NOT_AT_ONCE])
            self._await_api()
            # Later: a task that starts before the API answers fails.
            self._start([daemon for daemon in down if daemon.name == "scheduler"])
            self._await_airflow()
            self._await_endpoint()
            self._start([daemon for daemon in down if daemon.name == watch.NAME])
        if down:
            self._say(f"up after {time.monotonic() - began:.0f} s")
        return bool(down)

    def stop(self, job_grace: float = 60.0) -> bool:
        """End everything in order: jobs, endpoint, Airflow, store; leave no process and no port.

        Args:
            job_grace: seconds that running jobs have to reach their next checkpoint.

        Returns:
            Whether anything had to be stopped.

        Raises:
            TransientError: a process or a port is still there.
        """
        with self._alone():
            jobs = stop_all(self.settings.home / "jobs", job_grace)
            if jobs:
                self._say(f"stopped {len(jobs)} jobs; their builds go on after the next `make up`")
            before = self.processes()
            ours = {process.pid for process in before}
            held = [
                port for port in all_ports(self.settings) if ours and listener(port.number) in ours
            ]
            for names in _STOP_ORDER:
                group = [self.daemons[name] for name in names if name in self.daemons]
                if alive := [daemon.name for daemon in group if daemon.alive()]:
                    self._say(f"stopping {', '.join(alive)}")
                for daemon in group:
                    daemon.ask_to_stop()
                for daemon in group:
                    daemon.stop()
            self._clear()
            if taken := await_free(held, timeout=10.0):
                require_free(taken)
        return bool(jobs or before)

    def kill(self, component: str) -> None:
        """SIGKILL a daemon, or all workers (`WORKER`), as a crash would."""
        if component == WORKER:
            for worker in self.workers():
                worker.signal(9)
                worker.wait(10.0)
            return
        self.daemons[component].kill()

    def workers(self) -> set[ProcessIdentity]:
        """Return Airflow's workers and the tasks in them."""
        scheduler = self.daemons["scheduler"]
        leader = scheduler.identity()
        return {process for process in scheduler.members() if process != leader}

    def restart(self, component: str) -> None:
        """Start a daemon again after a kill, and wait until the stack is well."""
        self.daemons[component].start()
        self._start_store(self._buckets())
        self._await_airflow()
        self._await_endpoint()

    def status(self) -> list[ServiceStatus]:
        """Return how each daemon stands."""
        return [
            ServiceStatus(
                name=name,
                pid=identity.pid if (identity := daemon.identity()) and identity.alive() else None,
                resident_bytes=resident_bytes(daemon.members()),
            )
            for name, daemon in self.daemons.items()
        ]

    def processes(self) -> set[ProcessIdentity]:
        """Return every process of this stack, the endpoint's children among them; jobs apart."""
        mine = {os.getpid(), os.getppid()}
        found = marked(MARK, mark_of(self.settings.home))
        return {process for process in found if process.pid not in mine}

    def _buckets(self) -> tuple[str, ...]:
        """Return the store's bucket, and that of what is dropped if it is another one here."""
        storage = self.profile.storage
        place = urlsplit(storage.uri)
        server = f"http://127.0.0.1:{self.settings.s3_port}"
        if place.scheme != "s3" or str(storage.endpoint_url).rstrip("/") != server:
            message = (
                f"profile {self.profile.name}: storage = {storage.uri} at {storage.endpoint_url}: "
                f"a stack serves s3://… at {server} only: choose another profile (HEARTH_PROFILE)"
            )
            raise SpecError(message)
        area = self.profile.reject_area
        apart = area.storage if area else storage
        here = str(apart.endpoint_url).rstrip("/") == server
        return tuple(
            dict.fromkeys((place.netloc, urlsplit(apart.uri).netloc if here else place.netloc))
        )

    def _start_store(self, buckets: tuple[str, ...]) -> None:
        daemon = self.daemons["store"]
        if not daemon.alive():
            self._say("starting store")
            store.prepare(self.settings.home, self.secrets, self.profile)
            daemon.start()
        # Needs no store and takes as long as it: so it goes on meanwhile.
        airflow.migrate(self.settings.home, self._airflow_environment, version("apache-airflow"))
        wait_for(
            lambda: store.missing(self._store_ports, self.secrets, *buckets), [daemon], timeout=90
        )

    def _end_service(self) -> None:
        """Let nothing serve again that the reaper would have taken out of service meanwhile."""
        grace = self.profile.policy.revoked_grace
        root = Store.open(self.profile.storage)
        if done := end_service(root, self.profile.endpoint.name, grace, datetime.now(UTC)):
            self._say(done)

    def _start(self, down: list[Daemon]) -> None:
        if down:
            self._say(f"starting {', '.join(daemon.name for daemon in down)}")
        for daemon in down:
            daemon.start()

    def _await_api(self) -> None:
        api = self.daemons["api-server"]
        wait_for(lambda: airflow.silent(self.settings), [api], timeout=180)

    def _await_airflow(self) -> None:
        names = ("api-server", "scheduler", "triggerer", "dag-processor")
        running = [self.daemons[name] for name in names]
        wait_for(lambda: airflow.missing(self.settings), running, timeout=240, interval=0.5)

    def _await_endpoint(self) -> None:
        wait_for(lambda: endpoint.missing(self.settings), [self.daemons["endpoint"]], timeout=120)

    def _clear(self) -> None:
        left = kill_all(self.processes, timeout=20.0)
        if left:
            pids = sorted(process.pid for process in left)
            message = f"pids {pids} of this stack survive SIGKILL: see `ps`"
            raise TransientError(message)

    def _alone(self) -> AbstractContextManager[bool]:
        return alone(
            self.settings.home / "run",
            lambda: self._say("waiting for another `up` or `stop` of this stack"),
        )
