"""A job's folder in the store: all that its clients and its shim know of each other.

request.json    what was asked for, without the values of its environment, and who submits it
submitted.json  the job id that Slurm gave
start.json      which job id and which restart of it runs the command; a second copy sees it and
                leaves, and one that lost its node without knowing so sees its successor
stop.json       somebody wants it ended: why, and with how much grace
exit.json       how it ended: written once, when nothing of it runs any more
log/<n>         what the command said, in pieces of `PIECE` bytes
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

from hearth.compute.backend import JobStatus
from hearth.errors import NotFoundError
from hearth.model import FrozenModel
from hearth.storage import Store

REQUEST: Final = "request.json"
SUBMITTED: Final = "submitted.json"
START: Final = "start.json"
STOP: Final = "stop.json"
EXIT: Final = "exit.json"
LOG: Final = "log"
PIECE: Final = 256 << 10


class Start(FrozenModel):
    """Who runs the command: one restart of one Slurm job."""

    job: int
    restart: int
    node: str
    guard: dict[str, Any]
    """The guard's process on that node (`ProcessIdentity`)."""


class StoreFolder:
    """One job's folder."""

    def __init__(self, store: Store, name: str) -> None:
        """Name it; nothing is read.

        Args:
            store: where jobs lie.
            name: the job's name.
        """
        self.store = store.sub(name)
        self.name = name

    @property
    def slurm_name(self) -> str:
        """What Slurm calls the job: two stores may use one cluster, and one name."""
        return f"{self.name}.{hashlib.sha256(self.store.uri.encode()).hexdigest()[:8]}"

    def read(self, name: str) -> dict[str, Any] | None:
        """One of the files above, or None."""
        try:
            data: dict[str, Any] = self.store.get_json(name)
        except NotFoundError:
            return None
        return data

    def exit(self) -> JobStatus | None:
        """How the job ended, or None."""
        data = self.read(EXIT)
        return None if data is None else JobStatus.model_validate(data)

    def start(self) -> Start | None:
        """Who runs the command, or None."""
        data = self.read(START)
        return None if data is None else Start.model_validate(data)

    def submitted(self) -> int | None:
        """The job id, or None."""
        data = self.read(SUBMITTED)
        return None if data is None else int(data["job"])

    def create(self, name: str, data: Mapping[str, Any]) -> bool:
        """Write a file unless it is there; say whether it was written."""
        return self.store.create(name, self.encode(data))

    def write(self, name: str, data: Mapping[str, Any]) -> None:
        """Write a file, whatever is there."""
        self.store.put(name, self.encode(data))

    @staticmethod
    def encode(data: Mapping[str, Any]) -> bytes:
        """The bytes of a file."""
        return json.dumps(data).encode()

    def settle(self, status: JobStatus) -> JobStatus:
        """Write down how the job ended, unless that is known; return how it counts as ended."""
        if self.store.create(EXIT, status.model_dump_json().encode()):
            return status
        return self.exit() or status

    # The log ------------------------------------------------------------------------------------

    def piece(self, number: int) -> bytes:
        """A piece of the log; empty while there is none."""
        try:
            return self.store.get(_piece(number))
        except NotFoundError:
            return b""

    def put_piece(self, number: int, data: bytes) -> None:
        """Write a piece of the log, longer than before."""
        self.store.put(_piece(number), data)

    def last_piece(self) -> int:
        """The number of the piece that grows."""
        found = [int(info.path.rpartition("/")[2]) for info in self.store.list(LOG)]
        return max(found, default=0)


def _piece(number: int) -> str:
    return f"{LOG}/{number:08d}"
