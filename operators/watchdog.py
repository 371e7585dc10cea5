"""Telling a hang from work: an attempt that runs and gets no further."""

from __future__ import annotations

from typing import NamedTuple

from hearth.compute.outcome import JobState
from hearth.execution import Look


class Place(NamedTuple):
    """How far an attempt is: equal places mean that it got no further."""

    restarts: int
    step: str
    done: int

    def __str__(self) -> str:
        """Say it for people."""
        return f"in step {self.step!r}, at {self.done}" if self.step else "before its first word"


class Watchdog:
    """Measures how long an attempt has got no further, by the watcher's own clock."""

    def __init__(self) -> None:
        """Begin without a past: whoever takes over a watch gives the attempt all its time."""
        self._place: Place | None = None
        self._since = 0.0

    def quiet(self, look: Look, now: float) -> float:
        """Return for how many seconds the attempt has got no further.

        A job that waits for its turn, or to be started again, does not hang, nor does one that its
        backend has more to say of than that it runs: it was suspended. Neither can that be said of
        a step that does not count towards a total.

        Args:
            look: how it stands.
            now: of a clock that never goes back.
        """
        place = place_of(look)
        if place != self._place:
            self._place, self._since = place, now
        return now - self._since if place is not None else 0.0


def place_of(look: Look) -> Place | None:
    """Return how far an attempt is; None if that cannot be judged."""
    status, progress = look.status, look.progress
    if status is None or status.state is not JobState.RUNNING or status.reason:
        return None
    if progress is None:
        return Place(status.restarts, "", 0)
    if progress.total is None:
        return None
    return Place(status.restarts, progress.step, progress.done)
