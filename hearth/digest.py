"""What a file's bytes are and must be: its size and its SHA-256."""

from __future__ import annotations

import hashlib
from pathlib import Path

from hearth.errors import DataError
from hearth.model import FrozenModel


class FileInfo(FrozenModel):
    """A file or object, and what its bytes must be."""

    path: str
    bytes: int
    sha256: str


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def verify(url: str, got: FileInfo, expect: FileInfo) -> None:
    """Compare what was read at `url` with what its record says.

    Raises:
        DataError: it is something else.
    """
    if got.bytes != expect.bytes:
        message = (
            f"{url}: has {got.bytes} bytes, its record says {expect.bytes}: "
            "it is damaged; rebuild from the stage that wrote it"
        )
        raise DataError(message)
    if got.sha256 != expect.sha256:
        message = (
            f"{url}: SHA-256 is {got.sha256}, its record says {expect.sha256}: "
            "it is damaged; rebuild from the stage that wrote it"
        )
        raise DataError(message)
