"""The folder of a local job: what its shim and everybody who asks about it share.

    lock          held (flock) by the shim as long as it lives
    request.json  what was asked for, without the values of its environment
    shim.json     who runs it: written before the command starts; from here on the job has started
    family.json   the processes it was last seen to have
    stop.json     somebody wants it ended: why, and with how much grace
    exit.json     how it ended: written once, when nothing of it runs any more
    log           what the command said;  shim.log what the shim said
    scratch/      the command's working directory, gone with the job

Standard library only: the shim uses it too.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import secrets
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

REQUEST: Final = "request.json"
SHIM: Final = "shim.json"
FAMILY: Final = "family.json"
STOP: Final = "stop.json"
EXIT: Final = "exit.json"
LOG: Final = "log"
SHIM_LOG: Final = "shim.log"
SCRATCH: Final = "scratch"
MARKER: Final = "HEARTH_JOB"  # the environment variable that names a process's job

_RESERVE: Final = 4096


@dataclass(frozen=True, slots=True)
class JobFolder:
    """One job's folder."""

    path: Path

    @property
    def name(self) -> str:
        """The job's name."""
        return self.path.name

    def create(self) -> None:
        """Make the folder, for its owner's eyes only; one that exists is left alone."""
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.path.mkdir(mode=0o700, exist_ok=True)

    def file(self, name: str) -> Path:
        """The path of one of the files above."""
        return self.path / name

    def read(self, name: str) -> dict[str, Any] | None:
        """A JSON file's content, or None if there is no such file."""
        try:
            data: dict[str, Any] = json.loads(self.file(name).read_bytes())
        except FileNotFoundError:
            return None
        return data

    def write(self, name: str, data: Mapping[str, Any]) -> None:
        """Write a JSON file: whole, or not at all."""
        partial = self.file(f".{name}.{secrets.token_hex(4)}")
        partial.write_text(json.dumps(data))
        partial.replace(self.file(name))

    def reserve_exit(self) -> None:
        """Take the room for `exit.json` now, so that a full disk cannot hide how the job ended."""
        self.file(f".{EXIT}").write_text(" " * _RESERVE)

    def write_exit(self, data: Mapping[str, Any]) -> None:
        """Write `exit.json`, into the reserved room if there is any."""
        partial = self.file(f".{EXIT}")
        with os.fdopen(os.open(partial, os.O_WRONLY | os.O_CREAT, 0o600), "w") as stream:
            # Spaces after a JSON value mean nothing, and overwriting takes no new block.
            stream.write(json.dumps(data).ljust(_RESERVE))
            stream.truncate()
            stream.flush()
            os.fsync(stream.fileno())
        partial.replace(self.file(EXIT))

    def make_scratch(self, links: Path) -> Path:
        """Make the scratch folder; return the short link to it that the job knows it by.

        The folder lies here because temporary folders are memory on many machines. The link is
        short because what programs put there are sockets, too, whose paths have 107 bytes at most.

        Args:
            links: where the link is made.
        """
        link = links / f"hearth-{secrets.token_hex(4)}"
        shutil.rmtree(self.file(SCRATCH), ignore_errors=True)  # of a start that came to nothing
        self.file(SCRATCH).mkdir(mode=0o700)
        link.symlink_to(self.file(SCRATCH))
        return link

    def remove_scratch(self, link: str) -> None:
        """Remove the scratch folder, and the link to it."""
        shutil.rmtree(self.file(SCRATCH), ignore_errors=True)
        with contextlib.suppress(OSError):
            Path(link).unlink()

    @contextmanager
    def try_lock(self) -> Iterator[int | None]:
        """Take the lock if it is free.

        Yields:
            The descriptor that holds it, which a child may inherit, and the lock with it; None if
            somebody else holds it, or the folder is gone.
        """
        try:
            descriptor = os.open(self.file("lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except FileNotFoundError:
            yield None
            return
        try:
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                yield None
            else:
                yield descriptor
        finally:
            os.close(descriptor)  # not LOCK_UN: that would take it from a child as well
