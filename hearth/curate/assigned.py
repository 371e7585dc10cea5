"""The splits that an earlier corpus assigned: they are kept.

A document, a work or a content that was held out once must not be trained on later, however the
groups have grown since, and what was trained on must not judge later. So that nothing is forgotten
that is away for a week, a corpus hands on what the corpora before it said of documents that it has
not: its `splits/`. They hold no text, and outlive the corpus.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from hearth.curate import tables
from hearth.curate.plan import HELD_OUT, Candidate, Split
from hearth.errors import DataError

_NAMES: Final = ("doc_key", "content_id", "work", "parallel")
_KEY: Final = "content_key"
_COLUMNS: Final = tuple(tables.SPLITS.names)
_ORDER: Final = (*HELD_OUT, Split.TRAIN)
_ROWS: Final = 65_536

Token = tuple[str, str]
"""The name of a column, and a value of it."""


def most_held_out(splits: Iterable[Split]) -> Split:
    """Return test before validation before train."""
    return min(splits, key=_ORDER.index)


@dataclass(frozen=True)
class Assigned:
    """What an earlier corpus says of documents, contents, works and translations."""

    splits: Mapping[Token, Split]

    @classmethod
    def none(cls) -> Self:
        """Return what is known where there is no earlier corpus."""
        return cls({})

    @classmethod
    def read(cls, folder: Path, content_key: str | None = None) -> Self:
        """Read `splits/` of an earlier artifact, or its `corpus/` if it is older than those.

        Args:
            folder: Which holds a folder for each split.
            content_key: The name of the key that contents are hashed under now: under another one,
                documents, works and translations are known again, and contents are not.

        Raises:
            DataError: It is not that of a corpus.
        """
        found: dict[Token, Split] = {}
        for split in reversed(_ORDER):  # so that the most held-out label is written last
            for batch in _batches(folder, split, _COLUMNS):
                known = batch.schema.names
                for name in set(_NAMES) & set(known):
                    values = batch.column(name)
                    if name == "content_id" and content_key is not None and _KEY in known:
                        values = values.filter(pc.equal(batch.column(_KEY), content_key))
                    for value in pc.unique(values.drop_null()).to_pylist():
                        found[name, value] = split
        return cls(found)

    def of(self, candidates: Sequence[Candidate], group_of: Sequence[str]) -> dict[str, Split]:
        """Return the splits of those groups that hold something known.

        A group that grew together from several keeps the most held-out label among theirs.
        """
        labels: dict[str, Split] = {}
        for candidate, group in zip(candidates, group_of, strict=True):
            for name in _NAMES:
                known = self.splits.get((name, getattr(candidate, name)))
                if known is not None:
                    labels[group] = most_held_out((known, labels.get(group, known)))
        return labels


def other_key(folder: Path, content_key: str) -> bool:
    """Say whether an earlier corpus hashed its contents under another key than this one."""
    keys: set[str] = set()
    for split in Split:
        for batch in _batches(folder, split, (_KEY,)):
            if _KEY in batch.schema.names:
                keys |= set(batch.column(_KEY).unique().to_pylist())
    return bool(keys) and content_key not in keys


def hand_on(
    folder: Path,
    documents: Iterable[tuple[Candidate, Split]],
    content_key: str,
    earlier: Path | None = None,
) -> list[tuple[Path, int]]:
    """Write what later corpora need of this one: which document is in which split.

    Args:
        folder: Where `split=<name>/` is written.
        documents: Those of the corpus, with their splits.
        content_key: The name of the key that their contents are hashed under.
        earlier: What was handed on to this corpus: of documents that are not in it, it goes on.

    Returns:
        The files, with the rows of each.
    """
    parts: dict[Split, list[tuple[str | None, ...]]] = {split: [] for split in Split}
    for one, split in documents:
        parts[split].append((one.doc_key, one.content_id, one.work, one.parallel, content_key))
    here = pa.array([known[0] for part in parts.values() for known in part], pa.string())
    written = []
    for split, part in parts.items():
        columns = [list(column) for column in zip(*part, strict=True)] or [[] for _ in _COLUMNS]
        joined = [pa.table(dict(zip(_COLUMNS, columns, strict=True)), schema=tables.SPLITS)]
        for batch in _batches(earlier, split, _COLUMNS) if earlier else ():
            gone = batch.filter(pc.invert(pc.is_in(batch.column("doc_key"), value_set=here)))
            joined.append(pa.Table.from_batches([_whole(gone)], schema=tables.SPLITS))
        table = pa.concat_tables(joined).sort_by("doc_key")
        values = {name: table.column(name) for name in _COLUMNS}
        written += tables.write(folder / f"split={split.value}", tables.SPLITS, values)
    return written


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
            with pq.ParquetFile(path) as file:
                there = set(file.schema_arrow.names)
                if "doc_key" not in there:
                    message = f"earlier corpus: {path.name} has no doc_key: name another"
                    raise DataError(message)
                yield from file.iter_batches(_ROWS, columns=[c for c in columns if c in there])
        except (pa.ArrowException, KeyError, OSError) as error:
            message = f"earlier corpus: {path.name} is damaged ({error}): name another"
            raise DataError(message) from error
