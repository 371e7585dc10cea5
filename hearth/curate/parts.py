"""Paragraphs without their text, on their way to files that DuckDB joins."""

from __future__ import annotations

from pathlib import Path
from typing import Final, Self

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate.paragraphs import DIGEST

PARTS: Final = pa.schema(
    [("place", pa.uint32()), ("key", pa.uint64()), ("high", pa.uint64()), ("low", pa.uint64())]
)
"""A paragraph's key orders paragraphs as they are preferred: rank of the document, number."""
COPIES: Final = pa.schema(
    [
        ("place", pa.uint32()),
        ("key", pa.uint64()),
        ("original", pa.uint64()),
        ("reason", pa.string()),
        ("likeness", pa.float64()),
    ]
)
_TOGETHER: Final = 8_192


class Found:
    """Paragraphs of some documents, on their way to a file."""

    def __init__(self) -> None:
        self._places: list[npt.NDArray[np.uint32]] = [np.empty(0, dtype=np.uint32)]
        self._keys: list[npt.NDArray[np.uint64]] = [np.empty(0, dtype=np.uint64)]
        self._digests: list[bytes] = []
        self._bands: list[bytes] = []
        self.long: list[int] = []

    def add(self, place: int, rank: int, digests: bytes, passages: bytes, bands: bytes) -> None:
        """Add those of a document, as `hearth.curate.tables.PREPARED` has them."""
        count = len(digests) // DIGEST
        first = rank << 32
        self._places.append(np.full(count, place, dtype=np.uint32))
        self._keys.append(np.arange(first, first + count, dtype=np.uint64))
        self._digests.append(digests)
        self._bands.append(bands)
        self.long += [first + n for n in np.frombuffer(passages, dtype=np.int64)[::2].tolist()]

    def parts(self) -> pa.Table:
        """Return all of them, of `PARTS`."""
        halves = np.frombuffer(b"".join(self._digests), dtype=np.uint64).reshape(-1, 2)
        columns = [np.concatenate(self._places), np.concatenate(self._keys), *halves.T]
        return pa.table([pa.array(np.ascontiguousarray(c)) for c in columns], schema=PARTS)

    def passages(self, first: int, bands: int, schema: pa.Schema) -> pa.Table:
        """Return those long enough to be near copies, numbered from `first`, with their bands."""
        count = len(self.long)
        names = np.frombuffer(b"".join(self._bands), dtype=np.uint64).reshape(count, bands)
        numbers = np.arange(first, first + count, dtype=np.uint32)
        keys = np.array(self.long, dtype=np.uint64)
        columns = [pa.array(np.ascontiguousarray(c)) for c in (numbers, keys, *names.T)]
        return pa.table(columns, schema=schema)


class CopyWriter:
    """Writes copies of paragraphs, some at a time."""

    def __init__(self, path: Path) -> None:
        self._file = pq.ParquetWriter(path, COPIES, compression="none")
        self._rows: list[tuple[int, int, int, str, float]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._flush()
        self._file.close()

    def add(self, place: int, key: int, original: int, reason: str, likeness: float) -> None:
        """Add a copy: where it stands, its key and that of the one it repeats, and why it goes."""
        self._rows.append((place, key, original, reason, likeness))
        if len(self._rows) >= _TOGETHER:
            self._flush()

    def _flush(self) -> None:
        columns = zip(*self._rows, strict=True) if self._rows else [[] for _ in COPIES]
        arrays = [pa.array(c, f.type) for c, f in zip(columns, COPIES, strict=True)]
        self._file.write_table(pa.table(arrays, schema=COPIES))
        self._rows = []
