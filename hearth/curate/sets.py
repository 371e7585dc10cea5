"""Sets of hashes on a shelf."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from typing import Any, Final, overload

import numpy as np
import numpy.typing as npt

from hearth.curate.hashing import Hashes
from hearth.shelf import Shelf

_REMEMBERED: Final = 16 << 20
"""Bytes of hashes that are held after they were read: a bucket's members are read in turns."""


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
