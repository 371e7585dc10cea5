"""Last: write the corpus, and take the numbers of the report as it goes by."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate import tables
from hearth.curate.contents import Contents
from hearth.curate.exposure import Contamination
from hearth.curate.groups import names
from hearth.curate.index import Index
from hearth.curate.labelling import enter_tags, label
from hearth.curate.ledger import Ledger, Step
from hearth.curate.passes import BATCH
from hearth.curate.plan import Split
from hearth.curate.refine import Trimmed
from hearth.curate.rows import Row
from hearth.curate.spec import CurateSpec
from hearth.curate.stock import Stock
from hearth.parquet import streamed

_LABELLED: Final = ("", Step.KEYWORDS, Step.PERPLEXITY)
_TOGETHER: Final = 2_048
"""Documents that wait to be written: every writing leaves something to be held until the end."""
_JUDGED: Final = (
    "place", "text", "size", "left", "reason", "keywords", "structure", "jurisdiction", "topics"
)  # fmt: skip


class Corpus:
    """Writes the documents that stay: `split=<name>/part-*.parquet`, in the order of keys."""

    def __init__(self, spec: CurateSpec, folder: Path, here: Path) -> None:
        """Write into `folder`, and to the file `here` what later corpora are told of them."""
        self._spec = spec
        self._writers = {
            split: tables.Writer(folder / f"split={split.value}", tables.CORPUS) for split in Split
        }
        self._here = pq.ParquetWriter(here, tables.HERE, compression="zstd", compression_level=1)

    def add(self, rows: Sequence[tuple[Row, str]]) -> None:
        """Add documents, with their texts."""
        for split, writer in self._writers.items():
            mine = [(row, text) for row, text in rows if row.split is split]
            columns: dict[str, list[Any]] = {
                name: [getattr(row, name) for row, _ in mine]
                for name in tables.CORPUS.names
                if name not in {"text", "characters", "domain"}
            }
            columns["domain"] = [str(self._spec.domain(row.source)) for row, _ in mine]
            columns["text"] = [text for _, text in mine]
            columns["characters"] = [len(text) for _, text in mine]
            writer.add(columns)
        known = {name: [getattr(row, name) for row, _ in rows] for name in tables.HERE.names}
        self._here.write_table(pa.table(known, schema=tables.HERE))

    def close(self) -> tables.Written:
        """Finish the files; return them, with the rows of each."""
        self._here.close()
        return [file for writer in self._writers.values() for file in writer.close()]


@dataclass(frozen=True)
class Books:
    """Everything that documents are entered into as they go by, for the last time."""

    ledger: Ledger
    contamination: Contamination
    corpus: Corpus
    stock: Stock
    contents: Contents

    def count(self, row: Row) -> None:
        """Count a document."""
        self.stock.add(row)
        self.contents.add(row)

    def keep(self, row: Row, left: bytes) -> None:
        """Enter a document that stays, and what it gives away of the suite."""
        enter_tags(row, self.ledger)
        if row.split is Split.TRAIN:
            self.contamination.expose(left)


def finish(
    index: Index, judged: Sequence[Path], counted: Sequence[Path], trimmed: Trimmed, books: Books
) -> None:
    """Write the corpus, enter the last decisions, and count all documents.

    Args:
        index: All documents.
        judged: What the second pass left of them.
        counted: The tokens of those that stay.
        trimmed: What perplexity says of them.
        books: Take it all.
    """
    group_names = _GroupNames(index)
    counts = (found for found in _records(counted) if found["reason"] is None)
    left = _records(judged, _JUDGED)
    record = next(left, None)
    staying: list[tuple[Row, str]] = []
    for row in index.rows():
        if record is not None and row.place == record["place"]:
            _last_of(row, record, trimmed, books)
            if not row.step:
                found = next(counts)
                row.tokens, row.words = found["tokens"], found["words"]
                row.group = group_names[int(index.group[row.place])]
                staying.append((row, record["text"]))
            record = next(left, None)
        books.count(row)
        if len(staying) >= _TOGETHER:
            books.corpus.add(staying)
            staying.clear()
    books.corpus.add(staying)


def _last_of(row: Row, record: dict[str, Any], trimmed: Trimmed, books: Books) -> None:
    """Enter what became of a document since the second pass."""
    row.size = record["size"]
    if row.step in _LABELLED:
        row.reason = record["reason"]
        label(row, record)
    if row.step in {"", Step.PERPLEXITY}:
        trimmed.enter(row, row.size, books.ledger)
    if not row.step:
        books.keep(row, record["left"])


def _records(paths: Iterable[Path], columns: Sequence[str] | None = None) -> Iterator[Any]:
    for path in paths:
        with streamed(path) as file:
            for batch in file.iter_batches(BATCH, columns=columns):
                yield from batch.to_pylist()


class _GroupNames:
    """The names of groups, by their numbers: read from a file, 64 characters each."""

    def __init__(self, index: Index) -> None:
        self._file = (index.folder / "groups.names").open("w+b")
        self._width = 0
        for _, name in names(index):
            self._width = len(name)
            self._file.write(name.encode())
        self._file.flush()

    def __getitem__(self, number: int) -> str:
        self._file.seek(number * self._width)
        return self._file.read(self._width).decode()
