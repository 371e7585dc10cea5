"""What tests of several tiers share: a web server that does as it is told, impatient clients."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Self

import httpx
import pytest
from hypothesis import settings

from tests.granted import Asked, refused, watched

Answer = tuple[int, dict[str, str], bytes]

# No law depends on how fast a machine is.
settings.register_profile("hearth", deadline=None)
settings.load_profile("hearth")


@pytest.fixture(scope="session", autouse=True)
def asked_of_aws() -> Iterator[set[Asked]]:
    """What Hearth's code asks of AWS while tests run: from before the first client is made."""
    with watched() as asked:
        yield asked


@pytest.fixture(autouse=True)
def no_call_without_a_grant(asked_of_aws: set[Asked]) -> Iterator[None]:
    """Whatever a test has Hearth ask of AWS, the policy of the role that asks must allow."""
    asked_of_aws.clear()
    yield
    assert refused(asked_of_aws) == []


class Gate:
    """Where a request waits."""

    def __init__(self) -> None:
        self.reached = threading.Event()
        self.opened = threading.Event()


class Web:
    """Paths and what they answer; what was asked for."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.answers: dict[str, Answer] = {}
        self.asked: list[str] = []
        self.gates: dict[str, Gate] = {}

    def url(self, path: str, host: str = "127.0.0.1") -> str:
        return f"http://{host}:{self.port}{path}"

    def serve(self, path: str, body: bytes, status: int = 200, **headers: str) -> str:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self.answers[path] = (status, {"Content-Length": str(len(body)), **named}, body)
        return self.url(path)

    def hold(self, path: str) -> Gate:
        """Let `path` answer only once the gate is opened."""
        return self.gates.setdefault(path, Gate())

    def redirect(self, path: str, target: str) -> str:
        return self.serve(path, b"", 302, Location=target)


def _handler(find: Callable[[], Web]) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            find().asked.append(self.path)
            if (gate := find().gates.get(self.path)) is not None:
                gate.reached.set()
                gate.opened.wait(30)
            status, headers, body = find().answers.get(self.path, (404, {}, b""))
            self.send_response(status)
            for name, value in headers.items():
                self.send_header(name, value)
            self.end_headers()
            if self.command == "GET":
                self.wfile.write(body)

        def do_HEAD(self) -> None:
            self.do_GET()

        def log_message(self, *args: object) -> None:
            pass

    return Handler


@pytest.fixture
def web() -> Iterator[Web]:
    holder: list[Web] = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(lambda: holder[0]))
    holder.append(Web(server.server_port))
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield holder[0]
    finally:
        for gate in holder[0].gates.values():
            gate.opened.set()
        server.shutdown()
        thread.join()
        server.server_close()


class Clients:
    """Two clients that always have a short request in flight."""

    def __init__(self, url: str) -> None:
        self.answers: list[tuple[int | str, str | None]] = []
        self._url = url
        self._stop = threading.Event()
        self._threads = [threading.Thread(target=self._run) for _ in range(2)]

    def __enter__(self) -> Self:
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for thread in self._threads:
            thread.join()

    @property
    def failures(self) -> list[tuple[int | str, str | None]]:
        return [answer for answer in self.answers if answer[0] != 200]

    @property
    def versions(self) -> set[str | None]:
        return {version for _, version in self.answers}

    def _run(self) -> None:
        body = {"model": "hearth", "prompt": "The fire", "max_tokens": 4}
        with httpx.Client(timeout=30, trust_env=False) as client:
            while not self._stop.is_set():
                try:
                    answer = client.post(f"{self._url}/v1/completions", json=body)
                except httpx.HTTPError as error:
                    self.answers.append((repr(error), None))
                else:
                    version = answer.headers.get("X-Hearth-Version")
                    self.answers.append((answer.status_code, version))
                time.sleep(0.05)


@pytest.fixture(scope="session")
def clients_of() -> type[Clients]:
    """The clients of an endpoint at a URL, to be used in a `with` block."""
    return Clients
