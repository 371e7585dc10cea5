"""Who gets which traffic, and the runtime commands that tell a running HAProxy. Pure.

Versions sit in two slots, blue and green. Each slot has a backend whose spare server is the other
slot's, so that a request to a server that dies is repeated on the version next door. Everything
that changes while traffic flows (ports, admission, shares, names) is set by commands on the admin
socket: HAProxy is never reloaded, and no connection is dropped.

A completion has no side effect, so repeating a POST is safe; requests are buffered whole (up to
`tune.bufsize`) to make that possible, and only failures before the first byte of an answer repeat.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from pydantic import Field

from hearth.model import FrozenModel

VERSIONS_MAP: Final = "versions.map"
"""Slot → version, and `SERVES` → slot."""
NUMBERS_MAP: Final = "numbers.map"
"""`green` → its share in percent, `CREATED` → since when the serving version serves, in seconds."""
NOBODY: Final = "none"
SERVES: Final = "serves"
CREATED: Final = "created"


class Slot(StrEnum):
    """Where a version sits in HAProxy."""

    BLUE = "blue"
    GREEN = "green"

    @property
    def other(self) -> Slot:
        """The slot next door."""
        return Slot.GREEN if self is Slot.BLUE else Slot.BLUE


class Seat(FrozenModel):
    """A version in a slot."""

    version: str
    port: int = Field(ge=1, le=65535)
    admitted: bool = Field(description="It may get traffic of its own.")
    spare: bool = Field(description="It may get the other slot's traffic when that one is down.")


class Routing(FrozenModel):
    """Who gets which traffic."""

    blue: Seat | None = None
    green: Seat | None = None
    serving: Slot = Slot.BLUE
    weight: int = Field(default=0, ge=0, le=100, description="Percent for the slot not serving.")
    created: int = Field(default=0, ge=0, description="Since when, in seconds of the epoch.")

    def seat(self, slot: Slot) -> Seat | None:
        """Return who sits in a slot."""
        return self.blue if slot is Slot.BLUE else self.green

    @property
    def green_share(self) -> int:
        """Percent of the traffic that goes to the green slot."""
        return 100 - self.weight if self.serving is Slot.GREEN else self.weight


def commands(routing: Routing) -> list[str]:
    """Return the runtime commands that make a running HAProxy route like this, in safe order.

    Traffic leaves a server before the server changes, and comes after it did.
    """
    first, last = [], []
    for slot in Slot:
        seat = routing.seat(slot)
        version = seat.version if seat else NOBODY
        last.append(f"set map {VERSIONS_MAP} {slot} {version}")
        for backend in Slot:
            server = f"{backend}/{slot}"
            wanted = seat is not None and (seat.admitted if backend is slot else seat.spare)
            if seat is not None and wanted:
                last.append(f"set server {server} addr 127.0.0.1 port {seat.port}")
                last.append(f"set server {server} state ready")
            else:
                # Commands come one by one: who leaves does so before anybody moves in.
                first.append(f"set server {server} state maint")
    last.append(f"set map {NUMBERS_MAP} {Slot.GREEN} {routing.green_share}")
    last.append(f"set map {NUMBERS_MAP} {CREATED} {routing.created}")
    last.append(f"set map {VERSIONS_MAP} {SERVES} {routing.serving}")
    return first + last


def maps(routing: Routing) -> dict[str, str]:
    """Return the map files that HAProxy reads when it starts."""
    versions = {
        str(slot): seat.version if (seat := routing.seat(slot)) else NOBODY for slot in Slot
    } | {SERVES: str(routing.serving)}
    numbers = {str(Slot.GREEN): routing.green_share, CREATED: routing.created}
    return {
        VERSIONS_MAP: "".join(f"{key} {value}\n" for key, value in versions.items()),
        NUMBERS_MAP: "".join(f"{key} {value}\n" for key, value in numbers.items()),
    }
