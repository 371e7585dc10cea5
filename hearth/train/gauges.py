"""The curves of a run as StatsD gauges: one UDP datagram for each point, and no waiting for it."""

from __future__ import annotations

import logging
import math
import re
import socket
from collections.abc import Mapping

from hearth.resources import MetricsTarget

log = logging.getLogger(__name__)

_FOREIGN = re.compile(r"[^A-Za-z0-9_.-]")
"""What has a meaning of its own in a StatsD line, or in the names that others make of it."""


def resolved(target: MetricsTarget) -> MetricsTarget | None:
    """Return the target by its address, so that no step ever waits for a name; None: unknown."""
    try:
        found = socket.getaddrinfo(target.host, target.port, type=socket.SOCK_DGRAM)
    except OSError as error:
        log.warning("metrics: %s is not known (%s): none are sent", target.host, error)
        return None
    return target.model_copy(update={"host": found[0][4][0]})


class Gauges:
    """Where the points of one run are sent."""

    def __init__(self, target: MetricsTarget, recipe: str) -> None:
        """Open a socket.

        Args:
            target: by its address (`resolved`).
            recipe: what is trained.
        """
        self.lost = 0
        self._prefix = f"{target.prefix}.train.{recipe.replace('.', '_')}"
        family = socket.AF_INET6 if ":" in target.host else socket.AF_INET
        self._socket = socket.socket(family, socket.SOCK_DGRAM)
        self._socket.settimeout(0)
        self._address = (target.host, target.port)
        self._connected = False

    def send(self, values: Mapping[str, float | None]) -> None:
        """Send what has a value; what cannot be sent is counted, and said the first time."""
        lines = [
            f"{_FOREIGN.sub('_', f'{self._prefix}.{name}')}:{value:.9g}|g"
            for name, value in values.items()
            if value is not None and math.isfinite(value)
        ]
        if not lines:
            return
        try:
            if not self._connected:
                # So that this machine says if nobody listens, though only of the one before.
                self._socket.connect(self._address)
                self._connected = True
            self._socket.send("\n".join(lines).encode())
        except OSError as error:
            self.lost += 1
            if self.lost == 1:
                log.warning("metrics: not sent to %s port %d: %s", *self._address, error)

    def close(self) -> None:
        """Close the socket; say how many points did not leave this machine."""
        self._socket.close()
        if self.lost:
            log.warning("metrics: %d points were not sent; tensorboard/ has them", self.lost)
