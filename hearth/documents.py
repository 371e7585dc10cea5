"""Documents: what the mirror hands to curation, one row each.

A document's key never changes while its source's own record key stays: positions in files are
attributes, never identity. Translations of each other share `parallel`, and what belongs to one
book, manual or collection shares `work`, so that neither is ever torn apart by a split.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields
from itertools import islice
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from hearth.errors import DataError
from hearth.parquet import streamed

SCHEMA: Final = pa.schema(
    [
        pa.field("doc_key", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("work", pa.string(), nullable=False),
        pa.field("parallel", pa.string()),
        pa.field("language", pa.string()),
        pa.field("licence", pa.string(), nullable=False),
        pa.field("title", pa.string()),
        pa.field("text", pa.string(), nullable=False),
        pa.field("date", pa.string()),
    ]
)

_ROWS: Final = 2048


@dataclass(frozen=True, slots=True)
class Document:
    """One row of `SCHEMA`."""

    doc_key: str
    """`<source id>:<the source's own record key>`, unique in a mirror."""
    source: str
    work: str
    parallel: str | None
    language: str | None
    """As declared by the source; curation identifies it."""
    licence: str
    title: str | None
    text: str
    date: str | None = None
    """The day it was last changed, as its source says, else published: ISO 8601, a whole day."""


def doc_key(source: str, record: str) -> str:
    """Return the key of the document that `source` calls `record`."""
    return f"{source}:{record}"


def write_documents(path: Path, documents: Iterable[Document]) -> int:
    """Write documents as Parquet, in their order; return how many there were.

    Raises:
        DataError: a key came twice.
    """
    rows = iter(documents)
    seen: set[str] = set()
    path.parent.mkdir(parents=True, exist_ok=True)
    names = [field.name for field in fields(Document)]
    with pq.ParquetWriter(path, SCHEMA, compression="zstd") as writer:
        while batch := list(islice(rows, _ROWS)):
            for document in batch:
                if document.doc_key in seen:
                    message = (
                        f"document {document.doc_key}: the key came twice: "
                        "keys must be unique within a source; check its extraction rules"
                    )
                    raise DataError(message)
                seen.add(document.doc_key)
            columns = {name: [getattr(row, name) for row in batch] for name in names}
            writer.write_table(pa.table(columns, schema=SCHEMA))
    return len(seen)


def read_documents(
    paths: Iterable[Path], columns: Sequence[str] | None = None
) -> Iterator[dict[str, Any]]:
    """Yield the rows of several files of documents, file by file, in order.

    Args:
        paths: Parquet files of `SCHEMA`.
        columns: the columns to read; by default all.

    Raises:
        DataError: a file is not Parquet, or lacks a column.
    """
    for path in paths:
        try:
            with streamed(path) as file:
                for batch in file.iter_batches(batch_size=_ROWS, columns=columns):
                    yield from batch.to_pylist()
        except (pa.ArrowException, KeyError) as error:
            message = f"{path}: is not a file of documents ({error}): mirror the sources again"
            raise DataError(message) from error
