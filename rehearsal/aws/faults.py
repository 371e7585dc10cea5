"""What goes wrong on purpose: throttling, faults after the effect, late visibility."""

from __future__ import annotations

import threading
from enum import StrEnum

from hearth.model import FrozenModel


class FaultKind(StrEnum):
    """How an operation fails."""

    THROTTLE = "throttle"
    """Refused, without an effect."""
    LOST_ANSWER = "lost_answer"
    """It has its effect, and answers 500 all the same."""
    UNAVAILABLE = "unavailable"
    """503, without an effect."""
    DENIED = "denied"
    """AccessDeniedException, without an effect."""
    UNKNOWN = "unknown"
    """As if the region did not know the operation."""


class Fault(FrozenModel):
    """One operation failing, so many times."""

    operation: str
    kind: FaultKind
    times: int = 1


class Faults:
    """The faults that are still to come."""

    def __init__(self) -> None:
        """Nothing goes wrong."""
        self._left: dict[str, list[FaultKind]] = {}
        self._lock = threading.Lock()

    def add(self, fault: Fault) -> None:
        """Let an operation fail."""
        with self._lock:
            self._left.setdefault(fault.operation, []).extend([fault.kind] * fault.times)

    def next(self, operation: str) -> FaultKind | None:
        """Take the next fault of an operation."""
        with self._lock:
            left = self._left.get(operation)
            return left.pop(0) if left else None

    def clear(self) -> None:
        """Let nothing go wrong from now on."""
        with self._lock:
            self._left.clear()
