"""A process beside this one, for work that may blow up: it dies alone, and says of what.

It is forked, so that what was set up here is there. The kernel ends it when its work takes too
long, by processor time, so that a busy machine gives up what an idle one does; and by the clock,
ten times later, where it only waits. It ends by itself when nobody is left to ask.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import resource
import signal
import traceback
import warnings
import weakref
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from hearth.errors import HearthError, TransientError

log = logging.getLogger(__name__)

_PATIENCE: Final = 10
"""How many times its processor time the work may take by the clock: a machine has other work."""
_STOPPED: Final = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
_OF_DATA: Final = (RecursionError, MemoryError, UnicodeError)
"""What only data does to code that is right."""


class PoisonError(Exception):
    """The work could not be done: its message says why, and holds nothing of the data."""


class BrokenError(HearthError):
    """The work failed by a defect: its message says which and where, and nothing of the data.

    What an error of Python's or a library's says may hold the text that it failed at.
    """


class KilledError(TransientError):
    """The process was killed from outside: that says something of the machine, not of the data."""


class Cell:
    """Does work in a process that is started when it is first asked, and anew after a death."""

    def __init__(self, work: Callable[[Any], Any], seconds: int) -> None:
        """Start nothing yet.

        Args:
            work: What is done with a request; both it and its answer go through a pipe.
            seconds: Of processor time that a request may take.
        """
        self._work = work
        self._seconds = seconds
        self._pid = 0
        self._pipe: Connection | None = None
        self._over: Callable[[], Any] = lambda: None

    def ask(self, request: Any) -> Any:
        """Return the answer.

        Raises:
            PoisonError: The process died of it, or the work failed as only data makes it fail.
            BrokenError: The work failed otherwise; a `HearthError` of its own comes as it is.
            KilledError: The process was killed, and not by its own limits.
            TransientError: The process was told to stop.
        """
        if self._pipe is None:
            self._pipe = self._start()
        try:
            self._pipe.send(request)
            done, answer = self._pipe.recv()
        except (EOFError, ConnectionError):
            raise self._death() from None
        if done:
            return answer
        raise answer

    def close(self) -> None:
        """End the process."""
        self._pipe = None
        self._over()
        gc.unfreeze()

    def _start(self) -> Connection:
        # What is free and was not given back, the process beside would fill, and hold once more.
        pa.default_memory_pool().release_unused()
        ctypes.CDLL(None).malloc_trim(0)
        # A search for garbage writes into all that it looks at, and so parts what both hold as one.
        gc.freeze()
        here, there = Pipe()
        with warnings.catch_warnings():
            # Python 3.12 warns of forks beside threads; none of them is needed over there.
            warnings.simplefilter("ignore", DeprecationWarning)
            pid = os.fork()
        if not pid:
            code = 1
            try:
                here.close()
                self._serve(there)
                code = 0
            finally:
                # Nothing that this process has open is the other's to close.
                os._exit(code)
        there.close()
        self._pid = pid
        self._over = weakref.finalize(self, _end, here, pid, os.getpid())
        return here

    def _serve(self, pipe: Connection) -> None:
        for number in (signal.SIGPROF, signal.SIGALRM, signal.SIGTERM):
            signal.signal(number, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        while True:
            try:
                request = pipe.recv()
            except (EOFError, ConnectionError):
                return
            signal.setitimer(signal.ITIMER_PROF, self._seconds)
            signal.setitimer(signal.ITIMER_REAL, self._seconds * _PATIENCE)
            answer = self._answer(request)
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.setitimer(signal.ITIMER_REAL, 0)
            try:
                pipe.send(answer)
            except ConnectionError:
                return

    def _answer(self, request: Any) -> tuple[bool, Any]:
        try:
            return True, self._work(request)
        except _OF_DATA as error:
            return False, PoisonError(type(error).__name__)
        except HearthError as error:
            return False, error
        except Exception as error:  # noqa: BLE001 - told as far as it may be
            # Lines of code, and neither values nor messages.
            where = "".join(traceback.format_tb(error.__traceback__))
            log.error("a defect in a process beside: %s\n%s", type(error).__name__, where)  # noqa: TRY400 - its text is the document's
            *_, last = traceback.extract_tb(error.__traceback__)
            at = f"{Path(last.filename).name}:{last.lineno}"
            return False, BrokenError(f"{type(error).__name__} at {at}")

    def _death(self) -> Exception:
        """Reap the process; return what its end means."""
        pid, self._pipe = self._pid, None
        detach = getattr(self._over, "detach", None)
        if detach is not None:
            detach()
        _, status = os.waitpid(pid, 0)
        code = os.waitstatus_to_exitcode(status)
        if -code in _STOPPED:
            return TransientError("stopped before it was done: start it again")
        match -code:
            case signal.SIGPROF:
                return PoisonError(f"over {self._seconds} s of processor time")
            case signal.SIGALRM:
                return PoisonError(f"over {self._seconds * _PATIENCE} s by the clock")
            case signal.SIGKILL:
                return KilledError("the process was killed from outside")
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        return PoisonError(f"the process died of {how}")


def _end(pipe: Connection, pid: int, owner: int) -> None:
    if os.getpid() == owner:
        pipe.close()
        # A later one has inherited our end of the pipe, so that closing it may tell nothing.
        os.kill(pid, signal.SIGKILL)
        os.waitpid(pid, 0)
