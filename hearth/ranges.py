"""Objects of the store as files that are read by ranges."""

from __future__ import annotations

import io

from hearth.errors import DataError, NotFoundError
from hearth.storage import Store


class Ranges(io.RawIOBase):
    """An object as a file; read here and there, it fetches what is asked for."""

    def __init__(self, store: Store, path: str, size: int) -> None:
        """Open the object `path` of `store`.

        Args:
            store: where it is.
            path: the object.
            size: what its record says that it has, in bytes.

        Raises:
            NotFoundError: there is no such object.
            DataError: it has another size.
        """
        super().__init__()
        info = store.head(path)
        if info is None:
            message = f"{store.url(path)}: is not in the store"
            raise NotFoundError(message)
        if info.size != size:
            message = f"{store.url(path)}: has {info.size} bytes, its record says {size}"
            raise DataError(message)
        self._store, self._path, self._size, self._at = store, path, size, 0

    def readable(self) -> bool:
        """Say yes."""
        return True

    def seekable(self) -> bool:
        """Say yes."""
        return True

    def tell(self) -> int:
        """Return the position."""
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Move the position; return it."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """Return the next bytes; all that are left if `size` is negative."""
        left = max(0, self._size - self._at)
        data = self._store.range(
            self._path, self._at, left if size is None or size < 0 else min(size, left)
        )
        self._at += len(data)
        return data
