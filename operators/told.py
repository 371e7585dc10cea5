"""A log that remembers what it was told.

Airflow begins a trigger's part of a task's log anew with every deferral of the same try. What was
seen before has to travel in the event, for the operator to say again.
"""

from __future__ import annotations

import logging
from collections import deque
from typing import Any, Final

_LINES: Final = 200


class Told:
    """A log, and its last lines."""

    def __init__(self, log: Any) -> None:
        """Pass on to `log`."""
        self._log = log
        self._lines: deque[str] = deque(maxlen=_LINES)

    @property
    def lines(self) -> list[str]:
        """What it was told, oldest first."""
        return list(self._lines)

    def log(self, level: int, text: str, *values: object) -> None:
        """Say and remember a line."""
        self._lines.append(text % values)
        self._log.log(level, text, *values)

    def info(self, text: str, *values: object) -> None:
        """Say what happens."""
        self.log(logging.INFO, text, *values)

    def warning(self, text: str, *values: object) -> None:
        """Say what is wrong."""
        self.log(logging.WARNING, text, *values)
