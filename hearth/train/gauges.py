"""The curves of a run as StatsD gauges: one UDP datagram for each point, and no waiting for it."""

from __future__ import annotations

import logging
import math
import re
import socket
from collections.abc import Mapping
from typing import Final, NamedTuple

from hearth.resources import MetricsTarget

log = logging.getLogger(__name__)

INTERVAL: Final = "every interval"
VALIDATION: Final = "every validation"
DEV: Final = "every validation, if the suite has a dev part"


class Gauge(NamedTuple):
    """What a gauge says, and when it is sent."""

    unit: str
    when: str


GAUGES: Final[dict[str, Gauge]] = {
    "step": Gauge("steps that are done", INTERVAL),
    "steps": Gauge("steps of the whole run", INTERVAL),
    "loss": Gauge("nats per token, of the interval's last step", INTERVAL),
    "gradient_norm": Gauge("norm of that step's gradient before clipping", INTERVAL),
    "learning_rate": Gauge("of the last group of weights", INTERVAL),
    "tokens_per_second": Gauge("of all ranks, over the interval, without validation", INTERVAL),
    "mfu": Gauge(
        "share of the devices' peak, 0 to 1; only if `operation.peak_teraflops` is given", INTERVAL
    ),
    "memory_bytes": Gauge("the most that the first rank has held", INTERVAL),
    "validation.loss": Gauge("nats per token, mean over the languages", VALIDATION),
    "validation.bits_per_byte.<language>": Gauge("bits per byte of held-out text", VALIDATION),
    "dev.bits_per_byte.<language>": Gauge("bits per byte of the suite's dev part", DEV),
    "dev.accuracy.<language>": Gauge("accuracy on the dev part's cloze items, 0 to 1", DEV),
}
"""Every gauge of a training: the reference page is written from this, and a run is held to it."""

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
