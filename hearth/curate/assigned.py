"""The splits that an earlier corpus assigned: they are kept.

A document, a work or a content that was held out once must not be trained on later, however the
groups have grown since, and what was trained on must not judge later. So that nothing is forgotten
that is away for a week, a corpus hands on what the corpora before it said of documents that it has
not: its `splits/`. They hold no text, and outlive the corpus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hearth.curate import tables
from hearth.curate.database import Database, parquet, places
from hearth.curate.index import Index
from hearth.curate.plan import HELDNESS, SPLITS, Split
from hearth.errors import DataError
from hearth.parquet import streamed

_KEY: Final = "content_key"
_COLUMNS: Final = tuple(tables.SPLITS.names)
_ROWS: Final = 65_536
_SCHEMA: Final = pa.schema(
    [*tables.SPLITS, pa.field("known", pa.string()), pa.field("label", pa.int8())]
)
_SAME: Final = {"doc_key": "doc_key", "content_id": "known", "work": "work", "parallel": "parallel"}
"""The columns of documents, and of what is known of them, by which they are known again."""


class Assigned:
    """What an earlier corpus says of documents, contents, works and translations."""

    def __init__(self, path: Path | None = None) -> None:
        """Use `read`; without a file nothing is known."""
        self.path = path

    @classmethod
    def read(cls, folder: Path, content_key: str, scratch: Path) -> Assigned:
        """Read `splits/` of an earlier artifact, or its `corpus/` if it is older than those.

        Args:
            folder: Which holds a folder for each split.
            content_key: The name of the key that contents are hashed under now: under another one,
                documents, works and translations are known again, and contents are not.
            scratch: Where it is written down for joins.

        Raises:
            DataError: It is not that of a corpus.
        """
        path = scratch / "assigned.parquet"
        with pq.ParquetWriter(path, _SCHEMA, compression="zstd", compression_level=1) as file:
            for label, split in enumerate(HELDNESS):
                for batch in _batches(folder, split, _COLUMNS):
                    whole = _whole(batch)
                    known = whole.column("content_id")
                    if _KEY in batch.schema.names:
                        same = pc.equal(whole.column(_KEY), content_key)
                        known = pc.if_else(same, known, pa.scalar(None, pa.string()))
                    labels = pa.array(np.full(len(known), label, dtype=np.int8))
                    columns = [*whole.columns, known, labels]
                    file.write_batch(pa.record_batch(columns, schema=_SCHEMA))
        return cls(path)

    def of(
        self, index: Index, candidates: npt.NDArray[np.bool_], groups: int
    ) -> npt.NDArray[np.int8]:
        """Return the split of each group that holds something known, by its number; else -1.

        A group that grew together from several keeps the most held-out label among theirs.
        """
        labels = np.full(groups, len(HELDNESS), dtype=np.int8)
        for mine, theirs in _SAME.items():
            if self.path is None:
                break
            query = (
                f"SELECT place, min(label) FROM (SELECT place, {mine} AS mine FROM "  # noqa: S608
                f"{parquet(index.documents)} SEMI JOIN candidates USING (place)) "
                f"JOIN {parquet(self.path)} AS earlier ON mine = earlier.{theirs} GROUP BY place"
            )
            for at, label in index.database.columns(query, candidates=places(candidates)):
                np.minimum.at(labels, index.group[at], label.astype(np.int8))
        return np.array([*(SPLITS.index(split) for split in HELDNESS), -1], dtype=np.int8)[labels]

    def hand_on(
        self, database: Database, folder: Path, here: Path, content_key: str
    ) -> tables.Written:
        """Write what later corpora need of this one: which document is in which split.

        What was handed on to this corpus of documents that are not in it goes on.

        Args:
            database: Sorts them.
            folder: Where `split=<name>/` is written.
            here: Parquet: `doc_key`, `content_id`, `work`, `parallel` and `split` of the corpus.
            content_key: The name of the key that its contents are hashed under.

        Returns:
            The files, with the rows of each.
        """
        written = []
        named = ", ".join(_COLUMNS[:-1])
        for label, split in enumerate(HELDNESS):
            query = (
                f"SELECT {named}, '{content_key}' AS {_KEY} FROM {parquet(here)} "  # noqa: S608
                f"WHERE split = '{split.value}'"
            )
            if self.path:
                query += (
                    f" UNION ALL SELECT {named}, {_KEY} FROM (SELECT * FROM "  # noqa: S608
                    f"{parquet(self.path)} WHERE label = {label}) AS earlier "
                    f"ANTI JOIN {parquet(here)} AS here USING (doc_key)"
                )
            writer = tables.Writer(folder / f"split={split.value}", tables.SPLITS)
            for batch in database.batches(f"FROM ({query}) ORDER BY doc_key"):
                writer.add({name: batch.column(name) for name in _COLUMNS})
            written += writer.close()
        return written


def other_key(folder: Path, content_key: str) -> bool:
    """Say whether an earlier corpus hashed its contents under another key than this one."""
    keys: set[str] = set()
    for split in Split:
        for batch in _batches(folder, split, (_KEY,)):
            if _KEY in batch.schema.names:
                keys |= set(batch.column(_KEY).unique().to_pylist())
    return bool(keys) and content_key not in keys


def _whole(batch: pa.RecordBatch) -> pa.RecordBatch:
    """Return a batch with all columns: an old corpus has no translations and names no key."""
    there = batch.schema.names
    columns = [
        batch.column(field.name) if field.name in there else pa.nulls(batch.num_rows, field.type)
        for field in tables.SPLITS
    ]
    return pa.record_batch(columns, schema=tables.SPLITS)


def _batches(folder: Path, split: Split, columns: Iterable[str]) -> Iterator[pa.RecordBatch]:
    files = sorted((folder / f"split={split.value}").glob("*.parquet"))
    if not files:
        message = f"earlier corpus: has no split {split.value}: name another, or none"
        raise DataError(message)
    for path in files:
        try:
            # Not `read_table`: it takes the folder's name for a column.
            with streamed(path) as file:
                there = set(file.schema_arrow.names)
                if "doc_key" not in there:
                    message = f"earlier corpus: {path.name} has no doc_key: name another"
                    raise DataError(message)
                yield from file.iter_batches(_ROWS, columns=[c for c in columns if c in there])
        except (pa.ArrowException, KeyError, OSError) as error:
            message = f"earlier corpus: {path.name} is damaged ({error}): name another"
            raise DataError(message) from error
