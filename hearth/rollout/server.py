"""One version's server: fetched, started, watched, started again."""

from __future__ import annotations

import logging
import shutil
import signal
import socket
import sys
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Final

import httpx

from hearth.errors import HearthError
from hearth.rollout.child import Child, spawn
from hearth.rollout.observation import ServerObservation, ServerState
from hearth.rollout.probe import MODEL, probing
from hearth.rollout.state import Version

log = logging.getLogger(__name__)

_BACKOFF_SECONDS: Final = (0.0, 1.0, 2.0, 5.0, 10.0, 30.0)
_START_SECONDS: Final = 300.0
_LOOK_SECONDS: Final = 0.5
_WARM_SECONDS: Final = 60.0
_STOP_SECONDS: Final = 10.0
_HEALTH_SECONDS: Final = 5.0
_DEAF: Final = 4
"""Health questions in a row without an answer: then it hangs, though its process lives."""
_OK: Final = 200
PREFIX: Final = "serve-"


def free_port() -> int:
    """Return a loopback port that nothing listens on right now."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])


def serve_command(port: int) -> list[str]:
    """Return the command of a server, to be run in a folder that holds the model."""
    serve = str(Path(sys.executable).with_name("transformers"))
    options = ["--host", "127.0.0.1", "--port", str(port), "--device", "cpu", "--dtype", "float32"]
    return [serve, "serve", MODEL, *options]


class Server:
    """Keeps one version answering. `tick` is called again and again, and never blocks."""

    def __init__(
        self,
        version: Version,
        folder: Path,
        fetch: Callable[[Version, Path], Path],
        child: Child | None = None,
    ) -> None:
        """Describe the server; nothing is started yet.

        Args:
            version: what it serves.
            folder: the supervisor's.
            fetch: brings the version's model to a folder.
            child: the process that an earlier supervisor left, if it did.
        """
        self.version = version
        self.port: int | None = child.port if child else None
        self.state = ServerState.STARTING if child else ServerState.FETCHING
        self._supervisor = folder
        self._folder = folder / "versions" / version.version
        self._fetch = fetch
        self._child = child
        self._threads = ThreadPoolExecutor(1, thread_name_prefix=version.version)
        self._work: Future[object] | None = None
        self._since = time.monotonic()
        self._again_at = 0.0
        self._crashes = 0
        self._deaf = 0
        self._restarts = 0
        self._ready_seconds: float | None = None
        self._error: str | None = None

    @property
    def ready(self) -> bool:
        """Whether it answers."""
        return self.state is ServerState.READY

    def observe(self) -> ServerObservation:
        """Return what there is to see."""
        return ServerObservation(
            version=self.version.version,
            state=self.state,
            port=self.port,
            pid=self._child.pid if self._child else None,
            crashes=self._crashes,
            restarts=self._restarts,
            ready_seconds=self._ready_seconds,
            last_error=self._error,
        )

    def tick(self) -> None:
        """Take the next step towards an answering server."""
        if self._child is not None and not self._child.alive:
            self._crashed(f"its process ended:\n{self._child.last_words()}")
        match self.state:
            case ServerState.FETCHING:
                self._tick_fetching()
            case ServerState.STARTING:
                self._tick_starting()
            case ServerState.READY:
                self._tick_ready()
            case ServerState.CRASHED if time.monotonic() >= self._again_at:
                # What was fetched is checked each time: a damaged file is a reason to crash.
                self._enter(ServerState.FETCHING)
            case _:
                return

    def drain(self) -> None:
        """Say that it is no longer wanted; it goes on answering what it has."""
        self.state = ServerState.DRAINING

    def ask_to_stop(self) -> None:
        """Send SIGTERM: it finishes what it is answering."""
        if self._child is not None:
            self._child.ask_to_stop(signal.SIGTERM)

    def stop(self, *, forget: bool) -> None:
        """End it, gracefully if it can, and free its threads.

        Args:
            forget: its files too; it will not come back soon.
        """
        self.ask_to_stop()
        deadline = time.monotonic() + _STOP_SECONDS
        while self._child is not None and self._child.alive and time.monotonic() < deadline:
            time.sleep(0.05)
        if self._child is not None:
            self._child.kill()
        self._threads.shutdown(wait=False, cancel_futures=True)
        if forget:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _enter(self, state: ServerState) -> None:
        self.state, self._work, self._since = state, None, time.monotonic()

    def _tick_fetching(self) -> None:
        if self._work is None:
            self._work = self._threads.submit(self._fetch, self.version, self._folder)
        elif self._work.done():
            error = self._work.exception()
            if error is None:
                self._start()
            elif isinstance(error, HearthError):
                self._crashed(str(error))
            else:
                log.error("version %s: fetching failed", self.version.version, exc_info=error)
                self._crashed(f"{type(error).__name__}: {error}")

    def _start(self) -> None:
        version = self.version.version
        # The same port again where possible: HAProxy then needs no word about it.
        self.port = self.port if self.port and _is_free(self.port) else free_port()
        environment = {
            "HOME": str(self._folder),
            "HF_HOME": str(self._folder / "hub"),
            "HF_HUB_OFFLINE": "1",
            "HF_HUB_DISABLE_TELEMETRY": "1",
            # A small model gains nothing from more, and the others on this machine lose.
            "OMP_NUM_THREADS": "1",
            "PYTHONUNBUFFERED": "1",
        }
        try:
            self._child = spawn(
                self._supervisor,
                f"{PREFIX}{version}",
                serve_command(self.port),
                self.port,
                cwd=self._folder,
                environment=environment,
            )
        except OSError as error:
            self._crashed(f"cannot start: {error}")
            return
        log.info("version %s: started as pid %d, port %d", version, self._child.pid, self.port)
        self._enter(ServerState.STARTING)

    def _tick_starting(self) -> None:
        seconds = time.monotonic() - self._since
        if self._work is None:
            self._work = self._threads.submit(self._answers)
        elif self._work.done():
            error = self._work.exception()
            fault = f"{type(error).__name__}: {error}" if error else self._work.result()
            if fault is None:
                log.info("version %s: ready after %.1f s", self.version.version, seconds)
                self._ready_seconds = round(seconds, 2)
                self._crashes = 0
                self._enter(ServerState.READY)
                return
            self._work = None
            if fault is not _NOT_YET or seconds > _START_SECONDS:
                self._crashed(f"started, but did not answer after {seconds:.0f} s: {fault}")

    def _answers(self) -> str | None:
        """Return None when a completion came back, or what is wrong."""
        if not self._healthy():
            time.sleep(_LOOK_SECONDS)
            return _NOT_YET
        # The first request is the slow one; no client should be the one to send it.
        with probing(f"http://127.0.0.1:{self.port}", ("Hello",), _WARM_SECONDS) as probe:
            return probe.ask(1).error

    def _healthy(self) -> bool:
        url = f"http://127.0.0.1:{self.port}/health"
        try:
            answer = httpx.get(url, timeout=_HEALTH_SECONDS, trust_env=False)
        except httpx.HTTPError:
            return False
        return answer.status_code == _OK

    def _tick_ready(self) -> None:
        # Asked again soon if deaf: who waits for an answer is sent to another server once it ends.
        pause = _LOOK_SECONDS if self._deaf else _HEALTH_SECONDS
        if time.monotonic() - self._since < pause:
            return
        if self._work is None:
            self._work = self._threads.submit(self._healthy)
        elif self._work.done():
            self._deaf = 0 if self._work.result() else self._deaf + 1
            if self._deaf >= _DEAF:
                self._crashed(f"did not answer /health {self._deaf} times in a row")
                return
            if self._child is not None:
                self._child.trim_log()
            self._enter(ServerState.READY)

    def _crashed(self, reason: str) -> None:
        was_ready = self.ready
        if self._child is not None:
            self._child.kill()
            self._child = None
        self._error, self._deaf = reason, 0
        self._restarts += 1
        self._crashes += 0 if was_ready else 1
        wait = _BACKOFF_SECONDS[min(self._crashes, len(_BACKOFF_SECONDS) - 1)]
        log.warning("version %s: down, again in %g s: %s", self.version.version, wait, reason)
        self._again_at = time.monotonic() + wait
        self._enter(ServerState.CRASHED)


_NOT_YET: Final = "does not listen yet"


def _is_free(port: int) -> bool:
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
