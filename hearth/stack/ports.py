"""The ports of a stack: all derived from three settings, all on loopback."""

from __future__ import annotations

import socket
import time
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import psutil

from hearth.errors import SpecError
from hearth.settings import Settings

HOST: Final = "127.0.0.1"
_STORE_PORTS: Final = 8


@dataclass(frozen=True)
class Port:
    """One port, what listens on it, and the setting that moves it."""

    number: int
    use: str
    setting: str


@dataclass(frozen=True)
class StorePorts:
    """What one SeaweedFS process listens on: the S3 port and the seven that follow it."""

    s3: int
    s3_grpc: int
    master: int
    master_grpc: int
    volume: int
    volume_grpc: int
    filer: int
    filer_grpc: int

    @classmethod
    def after(cls, s3: int) -> StorePorts:
        """Return the ports of the store whose S3 API listens on `s3`."""
        return cls(*range(s3, s3 + _STORE_PORTS))


def store_ports(settings: Settings) -> list[Port]:
    """Return every port of the object store."""
    first = settings.s3_port
    return [
        Port(number, "the object store", "HEARTH_S3_PORT")
        for number in range(first, first + _STORE_PORTS)
    ]


def airflow_port(settings: Settings) -> Port:
    """Return the port of Airflow's UI and API."""
    return Port(settings.airflow_port, "Airflow", "HEARTH_AIRFLOW_PORT")


def endpoint_port(settings: Settings) -> Port:
    """Return the port on which the model's endpoint answers."""
    return Port(settings.endpoint_port, "the endpoint", "HEARTH_ENDPOINT_PORT")


def all_ports(settings: Settings) -> list[Port]:
    """Return every port of the stack.

    Raises:
        SpecError: two services would share one.
    """
    ports = [*store_ports(settings), airflow_port(settings), endpoint_port(settings)]
    seen: dict[int, Port] = {}
    for port in ports:
        if port.number in seen:
            message = (
                f"port {port.number}: both {seen[port.number].use} and {port.use} would "
                f"listen on it: change {port.setting} (the store takes its port and the seven "
                "after it)"
            )
            raise SpecError(message)
        seen[port.number] = port
    return ports


def is_free(number: int) -> bool:
    """Say whether nobody listens on a port of the loopback interface."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        # As servers do: connections that linger in TIME_WAIT do not count.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, number))
        except OSError:
            return False
        return True


def require_free(ports: Iterable[Port], ours: Collection[int] = ()) -> None:
    """Make sure that no stranger listens on any of `ports`.

    Args:
        ports: what is needed.
        ours: pids of this stack's own processes, which may.

    Raises:
        SpecError: somebody does; the message names the owner and the setting to change.
    """
    for port in ports:
        if not is_free(port.number) and (pid := listener(port.number)) not in ours:
            message = (
                f"port {port.number}, which {port.use} needs, is taken by {_describe(pid)}: "
                f"stop that process, or set {port.setting} to another port (environment or .env)"
            )
            raise SpecError(message)


def await_free(ports: Sequence[Port], timeout: float) -> list[Port]:
    """Wait until `ports` are free; return those that still are not after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while taken := [port for port in ports if not is_free(port.number)]:
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    return taken


def listener(number: int) -> int | None:
    """Return the pid of the process that listens on a port, where it can be seen."""
    for connection in psutil.net_connections("inet"):
        if connection.status == psutil.CONN_LISTEN and connection.laddr[1:2] == (number,):
            return connection.pid
    return None


def _describe(pid: int | None) -> str:
    if pid is None:
        return "a process that cannot be seen (another user's)"
    try:
        process = psutil.Process(pid)
        command = " ".join(process.cmdline()) or process.name()
        folder = process.cwd()
    except psutil.Error as error:
        return f"pid {pid} ({error})"
    return f"pid {pid} ({command[:200]}, in {folder})"
