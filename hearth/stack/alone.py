"""Who changes a stack does so alone: `up`, `stop` and the watch take turns."""

from __future__ import annotations

import fcntl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK = "lock"


@contextmanager
def alone(run: Path, waiting: Callable[[], None] | None) -> Iterator[bool]:
    """Hold the stack's lock.

    Args:
        run: the stack's folder of pid files.
        waiting: called if somebody else has it, before waiting for it; None: do not wait.

    Yields:
        Whether the lock is held.
    """
    run.mkdir(parents=True, exist_ok=True)
    with (run / _LOCK).open("w") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if waiting is None:
                yield False
                return
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield True
