"""Pieces of bytes in a file, read by their number: what is too much to hold, and needed one by one.

Read by position and not mapped, so that what was read is not held.
"""

from __future__ import annotations

import os
from pathlib import Path
from types import TracebackType
from typing import Final, Self

import pyarrow as pa

_WIDTH: Final = 8


class Shelf:
    """Bytes by number: `<name>.data`, one after the other, and `<name>.ends`."""

    def __init__(self, folder: Path, name: str) -> None:
        """Begin an empty one."""
        self._data = (folder / f"{name}.data").open("w+b", buffering=1 << 20)
        self._ends = (folder / f"{name}.ends").open("w+b", buffering=1 << 16)
        self._size = 0
        self._count = 0
        self._flushed = True

    def __enter__(self) -> Self:
        """Close it in the end."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        """Close the files."""
        self._data.close()
        self._ends.close()

    def __len__(self) -> int:
        """Return how many pieces there are."""
        return self._count

    def append(self, piece: bytes) -> None:
        """Add a piece; its number is how many there were."""
        self._data.write(piece)
        self._size += len(piece)
        self._count += 1
        self._ends.write(self._size.to_bytes(_WIDTH, "little"))
        self._flushed = False

    def extend(self, column: pa.ChunkedArray) -> None:
        """Add the pieces of a column of strings or bytes; null is an empty one."""
        for chunk in column.chunks:
            for piece in chunk.cast(pa.large_binary()):
                value = piece.as_buffer()
                self.append(b"" if value is None else value)

    def __getitem__(self, number: int) -> bytes:
        """Return a piece."""
        if not self._flushed:
            self._data.flush()
            self._ends.flush()
            self._flushed = True
        if number:
            raw = os.pread(self._ends.fileno(), 2 * _WIDTH, (number - 1) * _WIDTH)
            start, end = (int.from_bytes(raw[at : at + _WIDTH], "little") for at in (0, _WIDTH))
        else:
            start = 0
            end = int.from_bytes(os.pread(self._ends.fileno(), _WIDTH, 0), "little")
        return os.pread(self._data.fileno(), end - start, start)
