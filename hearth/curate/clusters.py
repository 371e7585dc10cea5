"""Who was a copy of whom: every cluster of copies, with its members and how far they lie apart."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate import tables
from hearth.curate.database import Database, parquet
from hearth.curate.hashing import Hashes
from hearth.curate.near import jaccard

_PAIRS: Final = 48
"""Members up to which all pairs are compared."""
_TOGETHER: Final = 1_024
_SCHEMA: Final = pa.schema([pa.field("level", pa.string()), *tables.CLUSTERS])


class Level(StrEnum):
    """What is a copy of what."""

    DOCUMENT = "document"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True, slots=True)
class Member:
    """One document, or one paragraph of one, in a cluster of copies.

    Attributes:
        cluster: The least keyed hash of its members.
        reason: Why it belongs here: the reason that its decision gives, or "stays".
        canonical: The doc_key of the copy that stayed; None where a withdrawn or reserved text
            took all of them along.
        likeness: Jaccard with the canonical copy.
        diameter: Of the cluster, as `diameter` says; of a large one a lower bound.
    """

    cluster: str
    level: Level
    reason: str
    doc_key: str
    paragraph: int | None
    canonical: str | None
    canonical_paragraph: int | None
    likeness: float | None
    diameter: float


def diameter(shingles: Sequence[Hashes]) -> float:
    """Return the largest Jaccard distance between two of some sets.

    Exact up to `_PAIRS` sets. Above, a lower bound by two sweeps, as for graphs: from the first
    to the set farthest from it, and from there to the farthest. It is at least half of what it
    bounds, for Jaccard's distance is a metric.
    """
    if len(shingles) <= _PAIRS:
        likeness = [
            jaccard(one, other)
            for place, one in enumerate(shingles)
            for other in shingles[place + 1 :]
        ]
        return 1 - min(likeness, default=1.0)
    far = shingles[0]
    distance = 0.0
    for _ in range(2):
        likeness = [jaccard(far, other) for other in shingles]
        distance = max(distance, 1 - min(likeness))
        far = shingles[likeness.index(min(likeness))]
    return distance


class Clusters:
    """Takes members as they are found, counts them, and writes them in order.

    Attributes:
        sizes: How many clusters there are of each size, by level.
        widths: How many of each diameter, by level.
        reasons: Why members went, by level.
    """

    def __init__(self, folder: Path) -> None:
        """Keep members on scratch, in `folder`, until they are written."""
        self._path = folder / "members.parquet"
        self._file = pq.ParquetWriter(self._path, _SCHEMA, compression="zstd", compression_level=1)
        self._waiting: list[Member] = []
        self._open: tuple[Level, str] | None = None
        self._size, self._width = 0, 0.0
        self.sizes: dict[Level, Counter[int]] = {level: Counter() for level in Level}
        self.widths: dict[Level, Counter[float]] = {level: Counter() for level in Level}
        self.reasons: dict[Level, Counter[str]] = {level: Counter() for level in Level}

    def add(self, member: Member) -> None:
        """Add a member; those of a cluster come one after the other."""
        cluster = (member.level, member.cluster)
        if cluster != self._open:
            self._count()
            self._open, self._size, self._width = cluster, 0, member.diameter
        self._size += 1
        if member.reason != "stays":
            self.reasons[member.level][member.reason] += 1
        self._waiting.append(member)
        if len(self._waiting) >= _TOGETHER:
            self._flush()

    def write(self, database: Database, folder: Path, removals: Path) -> tables.Written:
        """Write the members, `level=<level>/part-*.parquet`, sorted by cluster and member.

        Args:
            database: Sorts them.
            folder: Where.
            removals: Where `part-*.parquet` is written: the documents that went because a copy of
                them stayed.
        """
        self._count()
        self._flush()
        self._file.close()
        table, written = parquet(self._path), []
        for level in Level:
            writer = tables.Writer(folder / f"level={level.value}", tables.CLUSTERS)
            query = (
                f"SELECT * FROM {table} WHERE level = '{level.value}' "  # noqa: S608 - ours
                "ORDER BY cluster, doc_key, coalesce(paragraph, -1)"
            )
            for batch in database.batches(query):
                writer.add({name: batch.column(name) for name in tables.CLUSTERS.names})
            written += writer.close()
        writer = tables.Writer(removals, tables.REMOVALS)
        query = (
            f"SELECT doc_key AS id FROM {table} WHERE level = '{Level.DOCUMENT.value}' "  # noqa: S608
            "AND canonical <> doc_key ORDER BY id"
        )
        for batch in database.batches(query):
            writer.add({"id": batch.column("id")})
        return written + writer.close()

    def _count(self) -> None:
        if self._open is not None:
            self.sizes[self._open[0]][self._size] += 1
            self.widths[self._open[0]][self._width] += 1
        self._open = None

    def _flush(self) -> None:
        rows, self._waiting = self._waiting, []
        columns: dict[str, list[Any]] = {
            name: [getattr(member, name) for member in rows] for name in _SCHEMA.names
        }
        for name in ("likeness", "diameter"):
            columns[name] = [None if v is None else float(f"{v:.6g}") for v in columns[name]]
        self._file.write_table(pa.table(columns, schema=_SCHEMA))
