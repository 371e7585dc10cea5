"""The index is built: what the first pass made is sorted by key, and put on shelves."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate.banding import Each
from hearth.curate.database import Database, parquet
from hearth.curate.index import STEPS, Index
from hearth.curate.ledger import Step
from hearth.curate.spec import CurateSpec, Language
from hearth.curate.tables import PREPARED
from hearth.parquet import streamed
from hearth.shelf import Shelf

_HEAVY: Final = frozenset(
    {"text", "shingles", "bands", "paragraphs", "passages", "passage_shingles", "passage_bands"}
)
_SLIM: Final = [name for name in PREPARED.names if name not in _HEAVY]


def build(
    shards: Sequence[Path], spec: CurateSpec, folder: Path, each: Each | None = None
) -> Index:
    """Sort what the first pass made by key; of rows that share one, the longest stays.

    Args:
        shards: Its files, in the order of arrival.
        spec: Says which languages and sources are preferred.
        folder: On scratch.
        each: Calls functions on a cluster, if there is one.
    """
    database = Database(folder / "spilled")
    texts, shingles = Shelf(folder, "texts"), Shelf(folder, "shingles")
    for path in shards:
        with streamed(path) as file:
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
        each,
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
