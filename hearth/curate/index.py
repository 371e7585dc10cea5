"""All documents in the order of their keys: a slim index in memory, the rest on scratch.

What decisions need of every document is held in arrays, some 40 bytes each. Keys, works, spans and
whatever else is only passed through lies in `documents.parquet`, and texts and hashes lie on
shelves. A document's *place* is its number in the order of keys, whatever order the files and the
executor brought it in; its *number* is that of its arrival.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate.database import Database, parquet
from hearth.curate.ledger import Step
from hearth.curate.plan import SPLITS
from hearth.curate.rows import Row
from hearth.curate.shelf import Shelf
from hearth.curate.spec import CurateSpec, Language
from hearth.curate.tables import PREPARED

STEPS: Final = ("", *(step.value for step in Step))
"""By their numbers in `Index.step`; 0 is a document that is in."""
_HEAVY: Final = frozenset(
    {"text", "shingles", "bands", "paragraphs", "passages", "passage_shingles", "passage_bands"}
)
_SLIM: Final = [name for name in PREPARED.names if name not in _HEAVY]
_ROWS: Final = 2_048
NONE: Final = np.iinfo(np.uint32).max
"""In place of a place."""


@dataclass
class Index:
    """What is known of all documents.

    Attributes:
        database: Sorts and joins.
        documents: Parquet: what does not change of each document, in the order of places.
        shards: Parquet: what the first pass made, in the order of arrival.
        texts: By number.
        shingles: By number.
        names: By place: key and content id.
        sources: The names of sources, by their numbers.
        languages: Those of languages.
        number: Of each place, as are all that follow.
        step: By its number in `STEPS`: the step that gave the document up.
        source: By its number.
        language: By its number.
        characters: Of the normalised text.
        twin: Whether the text is there in English and in Chinese.
        preferred: The order in which copies are preferred: the lowest stays.
        group: Of splits; `NONE` where there is none.
        split: By its number in `SPLITS`.
        fold: That must not judge it; -1: none.
        size: Characters that the second pass left of its text.
    """

    folder: Path
    database: Database
    documents: Path
    shards: Sequence[Path]
    texts: Shelf
    shingles: Shelf
    names: Shelf
    sources: list[str]
    languages: list[str]
    number: npt.NDArray[np.uint32]
    step: npt.NDArray[np.uint8]
    source: npt.NDArray[np.uint16]
    language: npt.NDArray[np.uint8]
    characters: npt.NDArray[np.uint32]
    twin: npt.NDArray[np.bool_]
    preferred: npt.NDArray[np.uint32]
    group: npt.NDArray[np.uint32] = field(init=False)
    split: npt.NDArray[np.uint8] = field(init=False)
    fold: npt.NDArray[np.int8] = field(init=False)
    size: npt.NDArray[np.uint32] = field(init=False)

    def __post_init__(self) -> None:
        """Begin without groups."""
        self.group = np.full(len(self), NONE, dtype=np.uint32)
        self.split = np.full(len(self), SPLITS.index("train"), dtype=np.uint8)
        self.fold = np.full(len(self), -1, dtype=np.int8)
        self.size = np.zeros(len(self), dtype=np.uint32)

    def __len__(self) -> int:
        """Return how many documents were read, those that were given up too."""
        return len(self.number)

    @property
    def bytes(self) -> int:
        """Return the bytes that it holds in memory."""
        return sum(v.nbytes for v in vars(self).values() if isinstance(v, np.ndarray))

    @property
    def live(self) -> npt.NDArray[np.bool_]:
        """Return which documents no step has given up."""
        live: npt.NDArray[np.bool_] = self.step == 0
        return live

    def key(self, place: int) -> str:
        """Return a document's key."""
        return self._name(place)[0]

    def content(self, place: int) -> str:
        """Return a document's content id; empty where it has none."""
        return self._name(place)[1]

    def _name(self, place: int) -> tuple[str, str]:
        key, content = json.loads(self.names[int(place)])
        return key, content

    def text(self, row: Row) -> str:
        """Return the redacted text that the first pass left of a document."""
        return self.texts[row.number].decode("utf-8", "surrogatepass")

    def rows(self) -> Iterator[Row]:
        """Yield all documents in the order of places, as they are now."""
        with pq.ParquetFile(self.documents) as file:
            for batch in file.iter_batches(_ROWS):
                yield from map(self._row, batch.to_pylist())

    def _row(self, record: dict[str, Any]) -> Row:
        place = record["place"]
        record["spans"] = tuple((s["kind"], s["start"], s["end"]) for s in record["spans"])
        record["languages"] = tuple((p["language"], p["characters"]) for p in record["languages"])
        first = record["step"]
        record["step"] = STEPS[self.step[place]]
        if not first:
            record["reason"] = record["score"] = None
        split = SPLITS[self.split[place]]
        return Row(twin=bool(self.twin[place]), split=split, **record)


def columns_of(shards: Sequence[Path], *names: str) -> Iterator[tuple[Any, ...]]:
    """Yield the numbers of documents, and columns of the first pass, some documents at a time."""
    for path in shards:
        with pq.ParquetFile(path) as file:
            for batch in file.iter_batches(_ROWS, columns=["number", *names]):
                columns = (batch.column(name).to_pylist() for name in names)
                yield batch.column("number").to_numpy(), *columns


def build(shards: Sequence[Path], spec: CurateSpec, folder: Path) -> Index:
    """Sort what the first pass made by key; of rows that share one, the longest stays.

    Args:
        shards: Its files, in the order of arrival.
        spec: Says which languages and sources are preferred.
        folder: On scratch.
    """
    database = Database(folder / "spilled")
    texts, shingles = Shelf(folder, "texts"), Shelf(folder, "shingles")
    for path in shards:
        with pq.ParquetFile(path) as file:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group, columns=["text", "shingles"])
                texts.extend(table.column("text"))
                shingles.extend(table.column("shingles"))
    names = Shelf(folder, "names")
    sorted_ = _Sorted(folder / "documents.parquet", names, spec)
    for batch in _ordered(database, shards):
        sorted_.add(batch)
    number, step, source, language, characters = sorted_.close()
    documents = folder / "documents.parquet"
    return Index(
        folder,
        database,
        documents,
        shards,
        texts,
        shingles,
        names,
        list(sorted_.sources),
        list(sorted_.languages),
        number,
        step,
        source,
        language,
        characters,
        _twins(database, documents, len(number)),
        _preferred(database, documents, len(number), spec),
    )


def _ordered(database: Database, shards: Sequence[Path]) -> Iterator[pa.RecordBatch]:
    # Of rows that share a key, the one that stays comes last.
    yield from database.batches(
        f"SELECT {', '.join(_SLIM)} FROM {parquet(*shards)} ORDER BY doc_key, "  # noqa: S608
        f"step = '{Step.READ.value}' DESC, characters, coalesce(content_id, '') DESC, "
        "coalesce(reason, '') DESC, number"
    )


class _Sorted:
    """Writes the documents in their order, and remembers of each what the index holds."""

    def __init__(self, path: Path, names: Shelf, spec: CurateSpec) -> None:
        slim = [field for field in PREPARED if field.name in _SLIM]
        self._schema = pa.schema([pa.field("place", pa.uint32(), nullable=False), *slim])
        self._places = 0
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd", compression_level=1)
        self._names = names
        self._keep = {language.value for language in spec.language.keep}
        self._waiting: dict[str, Any] | None = None
        self._records: list[dict[str, Any]] = []
        self.sources: dict[str, int] = {}
        self.languages: dict[str, int] = {}
        self._parts: list[list[npt.NDArray[Any]]] = [[], [], [], [], []]

    def add(self, batch: pa.RecordBatch) -> None:
        for record in batch.to_pylist():
            if self._waiting is not None:
                self._take(self._waiting, twice=self._waiting["doc_key"] == record["doc_key"])
            self._waiting = record
        self._write()

    def close(self) -> list[npt.NDArray[Any]]:
        """Return number, step, source, language and characters of each place."""
        if self._waiting is not None:
            self._take(self._waiting, twice=False)
        self._write()
        self._file.close()
        types: list[Any] = [np.uint32, np.uint8, np.uint16, np.uint8, np.uint32]
        return [
            np.concatenate([np.empty(0, dtype=kind), *parts])
            for kind, parts in zip(types, self._parts, strict=True)
        ]

    def _take(self, record: dict[str, Any], *, twice: bool) -> None:
        if twice and record["step"] != Step.READ:
            # A key names one document.
            record |= {"step": Step.READ.value, "reason": "key used twice", "score": None}
        if record["step"] == Step.READ:
            record["language"] = record["language"] or "unknown"
            # What was not read has no content, and what a twin held is nobody's.
            record["content_id"] = None
        elif record["language"] not in self._keep:
            record["language"] = "other"
        self._names.append(json.dumps([record["doc_key"], record["content_id"] or ""]).encode())
        self._records.append({"place": self._places, **record})
        self._places += 1

    def _write(self) -> None:
        records, self._records = self._records, []
        self._file.write_table(pa.Table.from_pylist(records, schema=self._schema))
        columns: list[tuple[Any, list[int]]] = [
            (np.uint32, [record["number"] for record in records]),
            (np.uint8, [STEPS.index(record["step"]) for record in records]),
            (np.uint16, [_code(self.sources, record["source"] or "") for record in records]),
            (np.uint8, [_code(self.languages, record["language"]) for record in records]),
            (np.uint32, [record["characters"] for record in records]),
        ]
        for parts, (kind, values) in zip(self._parts, columns, strict=True):
            parts.append(np.array(values, dtype=kind))


def _code(known: dict[str, int], name: str) -> int:
    return known.setdefault(name, len(known))


def _twins(database: Database, documents: Path, count: int) -> npt.NDArray[np.bool_]:
    """Find the documents of texts that are there in English and in Chinese."""
    twin = np.zeros(count, dtype=bool)
    table = parquet(documents)
    query = (
        f"SELECT place FROM {table} WHERE parallel IN (SELECT parallel FROM {table} "  # noqa: S608
        "WHERE parallel <> '' GROUP BY parallel HAVING "
        f"bool_or(language = '{Language.EN.value}') AND bool_or(language = '{Language.ZH.value}'))"
    )
    for (places,) in database.columns(query):
        twin[places] = True
    return twin


def _preferred(
    database: Database, documents: Path, count: int, spec: CurateSpec
) -> npt.NDArray[np.uint32]:
    """Return the order in which copies are preferred.

    The source trusted most, then the longest text, then the newest, and any day before none, then
    the first key: a stated order, so that the same copy stays whatever order documents came in.
    """
    ranks = pa.table(
        {
            "source": pa.array(spec.dedup.trust, pa.string()),
            "rank": pa.array(range(len(spec.dedup.trust)), pa.int64()),
        }
    )
    query = (
        f"SELECT place FROM {parquet(documents)} LEFT JOIN ranks USING (source) "  # noqa: S608
        "ORDER BY rank NULLS LAST, characters DESC, nullif(date, '') DESC NULLS LAST, place"
    )
    preferred = np.zeros(count, dtype=np.uint32)
    done = 0
    for (places,) in database.columns(query, ranks=ranks):
        preferred[places] = np.arange(done, done + len(places), dtype=np.uint32)
        done += len(places)
    return preferred
