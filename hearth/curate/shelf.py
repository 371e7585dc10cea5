"""Pieces of bytes in a file, read by their number: what is too much to hold, and needed one by one.

Read by position and not mapped, so that what was read is not held.
"""

from __future__ import annotations

import os
from collections import OrderedDict
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self, overload

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from hearth.curate.hashing import Hashes

_WIDTH: Final = 8
_REMEMBERED: Final = 16 << 20
"""Bytes of hashes that are held after they were read: a bucket's members are read in turns."""


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


class Sets(Sequence[Hashes]):
    """Sets of hashes that lie on a shelf; the last ones are remembered."""

    def __init__(self, shelf: Shelf, numbers: npt.NDArray[Any] | None = None) -> None:
        """Show the sets of a shelf, or those of some numbers."""
        self._shelf = shelf
        self._numbers = numbers
        self._known: OrderedDict[int, Hashes] = OrderedDict()
        self._held = 0

    def __len__(self) -> int:
        """Return how many sets there are."""
        return len(self._shelf) if self._numbers is None else len(self._numbers)

    @overload
    def __getitem__(self, place: int) -> Hashes: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[Hashes]: ...
    def __getitem__(self, place: int | slice) -> Hashes | Sequence[Hashes]:
        """Return a set, or a list of some."""
        if isinstance(place, slice):
            return [self[at] for at in range(*place.indices(len(self)))]
        if not 0 <= place < len(self):
            raise IndexError(place)
        number = place if self._numbers is None else int(self._numbers[place])
        found = self._known.get(number)
        if found is not None:
            self._known.move_to_end(number)
            return found
        found = np.frombuffer(self._shelf[number], dtype=np.uint64)
        self._known[number] = found
        self._held += found.nbytes
        while self._held > _REMEMBERED and len(self._known) > 1:
            self._held -= self._known.popitem(last=False)[1].nbytes
        return found
