"""The process around curation: it tells what the death of a Ray node means.

A Ray driver whose node dies is ended by Ray's own code, with exit code 1 and no word. So curation
runs in a child, and its parent says what that was: try again (75), for what is finished is sealed.
"""

from __future__ import annotations

import ctypes
import os
import signal
import sys
from collections.abc import Callable
from types import FrameType
from typing import Final

from hearth.errors import EXIT_TRANSIENT

_PDEATHSIG: Final = 1
"""`PR_SET_PDEATHSIG`: have the kernel send a signal when the parent dies."""
_RAY_GAVE_UP: Final = 1
_pipe: int | None = None


def guarded(program: Callable[[], int]) -> int:
    """Run a program in a child; return its exit code, or die of the signal that it died of.

    Call it before anything has started a thread.
    """
    global _pipe  # noqa: PLW0603 - one a process, like the process itself
    reading, writing = os.pipe()
    # A stop waits until it can be passed on.
    mask = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    child = os.fork()
    if not child:
        signal.pthread_sigmask(signal.SIG_SETMASK, mask)
        os.close(reading)
        # Whoever kills the parent means the work.
        ctypes.CDLL(None).prctl(_PDEATHSIG, signal.SIGKILL)
        _pipe = writing
        return program()
    os.close(writing)

    def pass_on(number: int, _frame: FrameType | None) -> None:
        os.kill(child, number)

    signal.signal(signal.SIGTERM, pass_on)
    signal.pthread_sigmask(signal.SIG_SETMASK, mask)
    _, status = os.waitpid(child, 0)
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        if -code != signal.SIGKILL:
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os.set_blocking(reading, False)
    if code == _RAY_GAVE_UP and _said(reading):
        print("Ray's node died: start it again, what is finished stays", file=sys.stderr)  # noqa: T201 - the last word
        return EXIT_TRANSIENT
    return code


def on_ray() -> None:
    """Tell the parent, if there is one, that from here on Ray may end this process."""
    if _pipe is not None:
        os.write(_pipe, b"!")


def _said(reading: int) -> bool:
    try:
        return bool(os.read(reading, 1))
    except BlockingIOError:
        return False
