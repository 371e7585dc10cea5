"""`python -m hearth.rollout.supervisor`: makes processes match the endpoint's state, for ever.

For each version that the state wants there is a server; HAProxy is in front. The loop never waits
for anything: each round looks at everything and takes the next steps. A supervisor that is killed
leaves its children answering, and the next one adopts them; SIGTERM ends everything in order.
"""

from __future__ import annotations

import fcntl
import logging
import os
import signal
import time
from collections.abc import Callable
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from typing import Annotated, Final

import typer

from hearth.errors import HearthError, SpecError
from hearth.profile import load_profile
from hearth.rollout.child import Child, adopt
from hearth.rollout.fetch import fetch
from hearth.rollout.haproxy_config import Address
from hearth.rollout.mail import Mail
from hearth.rollout.observation import Observation
from hearth.rollout.proxy import PROXY, Proxy
from hearth.rollout.routing import Routing, Slot
from hearth.rollout.seating import Standing, route, take_seats
from hearth.rollout.server import PREFIX, Server
from hearth.rollout.state import Version
from hearth.settings import settings
from hearth.storage import Store

log = logging.getLogger(__name__)

_ROUND_SECONDS: Final = 0.1
_DRAIN_SECONDS: Final = 30.0
_OBSERVED: Final = "observed.json"
_LOCK: Final = "lock"


class Supervisor:
    """One endpoint's processes on this machine."""

    def __init__(self, store: Store, name: str, address: Address, folder: Path) -> None:
        """Take over the folder, and what an earlier supervisor left running.

        Args:
            store: the root of the store.
            name: the endpoint.
            address: where clients reach it.
            folder: for everything that it keeps here; also the working directory.
        """
        self._name = name
        self._folder = folder
        self._mail = Mail(store, name, folder)
        self._fetch = partial(fetch, store)
        self._servers: dict[str, Server] = {}
        self._seats: dict[Slot, str] = {}
        self._draining: dict[str, float] = {}
        self._left = {child.name: child for child in adopt(folder)}
        self._proxy = Proxy(folder, address, self._adopted(PROXY, address.port))
        self._seen: Observation | None = None

    def run(self, stopped: Callable[[], bool]) -> None:
        """Go round until it is stopped; then end everything."""
        self._mail.start()
        try:
            while not stopped():
                self._round()
                time.sleep(_ROUND_SECONDS)
        finally:
            self._end()

    def _round(self) -> None:
        state, now = self._mail.state, datetime.now(UTC)
        wanted = {v.version: v for v in (state.serving, state.candidate) if v is not None}
        self._start_wanted(wanted)
        for server in self._servers.values():
            server.tick()
        self._drain_unwanted(set(wanted))
        standing = {
            version: Standing(port=server.port, ready=server.ready)
            for version, server in self._servers.items()
        }
        routing = route(state, self._seats, standing, now)
        routed = self._proxy.converge(routing)
        self._stop_drained(routed=routed)
        self._clear_leftovers()
        revision = state.revision if routed else (self._seen.revision if self._seen else 0)
        self._observe(revision, routing)

    def _start_wanted(self, wanted: dict[str, Version]) -> None:
        for name in self._draining.keys() & wanted.keys():
            # Wanted again before it was gone: stop it and begin anew, it is half way out.
            self._remove(name, forget=False)
        self._seats = take_seats(self._seats, list(wanted))
        for name, version in wanted.items():
            # With both slots taken by others it waits until one of them is drained.
            if name not in self._servers and name in self._seats.values():
                child = self._adopted(f"{PREFIX}{name}")
                self._servers[name] = Server(version, self._folder, self._fetch, child)

    def _drain_unwanted(self, wanted: set[str]) -> None:
        for name, server in self._servers.items():
            if name not in wanted and name not in self._draining:
                log.info("version %s: no longer wanted, draining", name)
                server.drain()
                self._draining[name] = time.monotonic()

    def _stop_drained(self, *, routed: bool) -> None:
        for name, since in list(self._draining.items()):
            waited = time.monotonic() - since
            if not routed or (waited < _DRAIN_SECONDS and self._busy(name)):
                continue
            log.info("version %s: drained after %.1f s, stopping", name, waited)
            self._remove(name, forget=True)

    def _busy(self, name: str) -> bool:
        slot = next((slot for slot, seated in self._seats.items() if seated == name), None)
        try:
            return slot is not None and self._proxy.sessions(slot) > 0
        except OSError:
            return True

    def _remove(self, name: str, *, forget: bool) -> None:
        self._servers.pop(name).stop(forget=forget)
        self._draining.pop(name, None)
        self._seats = {slot: seated for slot, seated in self._seats.items() if seated != name}

    def _adopted(self, name: str, port: int | None = None) -> Child | None:
        child = self._left.get(name)
        if child is None or (port is not None and child.port != port):
            return None
        log.info("%s: adopting pid %d", name, child.pid)
        return self._left.pop(name)

    def _clear_leftovers(self) -> None:
        # Only once the state is known from the store or from last time: what it names was adopted.
        if self._left and self._mail.state.revision:
            for child in self._left.values():
                log.info("%s: pid %d is nobody's, ending it", child.name, child.pid)
                child.kill()
            self._left.clear()

    def _observe(self, revision: int, routing: Routing) -> None:
        state = self._mail.state
        observation = Observation(
            endpoint=self._name,
            at=datetime.now(UTC),
            revision=revision,
            serving=state.serving.version if state.serving else None,
            candidate=state.candidate.version if state.candidate else None,
            weight=routing.weight,
            proxy_port=self._proxy.address.port,
            proxy_running=self._proxy.running,
            proxy_restarts=self._proxy.restarts,
            servers=tuple(server.observe() for server in self._servers.values()),
            traffic=self._proxy.log.traffic(),
        )
        same = self._seen is not None and observation == self._seen.model_copy(
            update={"at": observation.at}
        )
        if not same:
            aside = self._folder / f"{_OBSERVED}.new"
            aside.write_text(observation.model_dump_json(indent=1))
            aside.replace(self._folder / _OBSERVED)
        self._seen = observation
        self._mail.send(observation)

    def _end(self) -> None:
        """No new requests, then no requests, then no servers."""
        self._proxy.stop()
        for server in self._servers.values():
            server.ask_to_stop()
        for server in self._servers.values():
            server.stop(forget=False)
        for child in self._left.values():
            child.kill()
        if self._seen is not None:
            gone = {"servers": (), "proxy_running": False, "at": datetime.now(UTC)}
            self._mail.stop(self._seen.model_copy(update=gone))


def main(
    endpoint: Annotated[str | None, typer.Option(help="By default the profile's.")] = None,
    profile: Annotated[str | None, typer.Option(help="By default the settings'.")] = None,
) -> None:
    """Serve an endpoint of a profile on this machine until SIGTERM."""
    logging.basicConfig(
        level=logging.INFO, format="%(asctime)s %(levelname)s %(name)s: %(message)s"
    )
    logging.getLogger("httpx").setLevel(logging.WARNING)
    try:
        here, target = settings(), load_profile(profile)
        name = endpoint or target.endpoint.name
        address = Address(here.endpoint_host, here.endpoint_port)
        serve(Store.open(target.storage), name, address, here.home / "endpoint" / name)
    except HearthError as error:
        log.error("%s", error)  # noqa: TRY400 - it says all there is to say
        raise typer.Exit(error.exit_code) from error


def serve(store: Store, name: str, address: Address, folder: Path) -> None:
    """Supervise an endpoint until SIGTERM or SIGINT.

    Raises:
        SpecError: another supervisor has the folder.
    """
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    folder = folder.resolve()
    os.chdir(folder)
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            message = f"{folder}: another supervisor of endpoint {name} is running: stop it first"
            raise SpecError(message) from error
        # Not an event: a second signal that comes while the first sets it would wait for ever.
        asked: list[int] = []
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda number, _: asked.append(number))
        Supervisor(store, name, address, folder).run(lambda: bool(asked))


if __name__ == "__main__":
    typer.run(main)
