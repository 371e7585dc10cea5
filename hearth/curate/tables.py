"""The Parquet files that curation writes: equal rows make equal bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

CORPUS: Final = pa.schema(
    [
        pa.field("doc_key", pa.string(), nullable=False),
        pa.field("content_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("work", pa.string(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("characters", pa.int64(), nullable=False),
        pa.field("licence", pa.string(), nullable=False),
        pa.field("date", pa.string()),
        pa.field("domain", pa.string(), nullable=False),
        pa.field("structure", pa.string(), nullable=False),
        pa.field("jurisdiction", pa.string()),
        pa.field("topics", pa.list_(pa.string()), nullable=False),
        pa.field("tokens", pa.int64(), nullable=False),
    ]
)
"""One row a document of the corpus; its text is redacted.

`structure`, `jurisdiction` and `topics` are what the recipe's rules make of it; `tokens` are those
of the BPE that counts.
"""

SPLITS: Final = pa.schema(
    [
        pa.field("doc_key", pa.string(), nullable=False),
        pa.field("content_id", pa.string()),
        pa.field("work", pa.string()),
        pa.field("parallel", pa.string()),
        pa.field("content_key", pa.string()),
    ]
)
"""One row a document that this corpus, or one before it, has put into a split.

`content_key` names the key that `content_id` is hashed under. There is no text.
"""

SPAN: Final = pa.struct(
    [
        pa.field("kind", pa.string(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("end", pa.int64(), nullable=False),
    ]
)

PART: Final = pa.struct(
    [
        pa.field("language", pa.string(), nullable=False),
        pa.field("characters", pa.int64(), nullable=False),
    ]
)

KEYWORD: Final = pa.struct(
    [
        pa.field("category", pa.string(), nullable=False),
        pa.field("hits", pa.int64(), nullable=False),
        pa.field("distinct", pa.int64(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
    ]
)

PREPARED: Final = pa.schema(
    [
        pa.field("number", pa.int64(), nullable=False),
        pa.field("doc_key", pa.string(), nullable=False),
        pa.field("source", pa.string()),
        pa.field("work", pa.string()),
        pa.field("parallel", pa.string()),
        pa.field("language", pa.string()),
        pa.field("licence", pa.string()),
        pa.field("date", pa.string()),
        pa.field("content_id", pa.string()),
        pa.field("entered", pa.int64(), nullable=False),
        pa.field("characters", pa.int64(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("changed", pa.bool_()),
        pa.field("spans", pa.list_(SPAN), nullable=False),
        pa.field("languages", pa.list_(PART), nullable=False),
        pa.field("step", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("shingles", pa.large_binary()),
        pa.field("bands", pa.large_binary()),
        pa.field("paragraphs", pa.large_binary()),
        pa.field("passages", pa.large_binary()),
        pa.field("passage_shingles", pa.large_binary()),
        pa.field("passage_bands", pa.large_binary()),
    ]
)
"""One row a document after the first pass; its text is redacted.

`shingles` are keyed hashes (uint64), `bands` the names of the signature's bands (uint64).
`paragraphs` are the keyed hashes of its paragraphs (`hearth.curate.paragraphs.DIGEST` bytes each);
of paragraphs long enough to be near copies, `passages` holds numbers and how many shingles each has
(int64), `passage_shingles` these and `passage_bands` the names of their bands.
"""

JUDGED: Final = pa.schema(
    [
        pa.field("place", pa.uint32(), nullable=False),
        pa.field("text", pa.large_string(), nullable=False),
        pa.field("before", pa.int64(), nullable=False),
        pa.field("entered", pa.int64(), nullable=False),
        pa.field("size", pa.int64(), nullable=False),
        pa.field("lines", pa.list_(SPAN), nullable=False),
        pa.field("cut", pa.list_(SPAN), nullable=False),
        pa.field("step", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("items", pa.list_(pa.int64()), nullable=False),
        pa.field("keywords", pa.list_(KEYWORD), nullable=False),
        pa.field("structure", pa.string()),
        pa.field("jurisdiction", pa.string()),
        pa.field("topics", pa.list_(pa.string()), nullable=False),
        pa.field("met", pa.large_binary(), nullable=False),
        pa.field("left", pa.large_binary(), nullable=False),
    ]
)
"""One row a document after the second pass: `before` and `entered` it had so many characters."""

COUNTED: Final = pa.schema(
    [
        pa.field("place", pa.uint32(), nullable=False),
        pa.field("tokens", pa.int64(), nullable=False),
        pa.field("words", pa.int64(), nullable=False),
        pa.field("reason", pa.string()),
    ]
)
"""One row a document that stays; with a `reason`, it could not be counted and goes."""

SCORED: Final = pa.schema(
    [
        pa.field("place", pa.uint32(), nullable=False),
        pa.field("perplexity", pa.float64()),
        pa.field("reason", pa.string()),
    ]
)
"""One row a document after the third pass; with a `reason`, it could not be scored and goes."""

HERE: Final = pa.schema(
    [(name, pa.string()) for name in ("doc_key", "content_id", "work", "parallel", "split")]
)
"""One row a document of the corpus, on its way into `SPLITS`."""

DECISIONS: Final = pa.schema(
    [
        pa.field("doc_key", pa.string(), nullable=False),
        pa.field("content_id", pa.string()),
        pa.field("action", pa.string(), nullable=False),
        pa.field("reason", pa.string()),
        pa.field("score", pa.float64()),
        pa.field("canonical", pa.string()),
        pa.field("spans", pa.list_(SPAN), nullable=False),
    ]
)
"""One row a document and step.

`score` is what the step measured; `canonical` the doc_key of the copy that stayed; `spans` are in
characters of the text as it entered the step (for step=pii: of the normalised text).
"""

CLUSTERS: Final = pa.schema(
    [
        pa.field("cluster", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("doc_key", pa.string(), nullable=False),
        pa.field("paragraph", pa.int64()),
        pa.field("canonical", pa.string()),
        pa.field("canonical_paragraph", pa.int64()),
        pa.field("likeness", pa.float64()),
        pa.field("diameter", pa.float64(), nullable=False),
    ]
)
"""One row a member of a cluster of copies: `hearth.curate.clusters.Member`."""

SKETCHES: Final = pa.schema(
    [
        pa.field("doc_key", pa.string(), nullable=False),
        pa.field("content_id", pa.string(), nullable=False),
        pa.field("content_key", pa.string(), nullable=False),
        pa.field("words", pa.int64(), nullable=False),
        pa.field("characters", pa.int64(), nullable=False),
        pa.field("shingles", pa.int64(), nullable=False),
        pa.field("least", pa.binary(), nullable=False),
    ]
)
"""One row a document that was hashed: `hearth.curate.sketches`. There is no text.

`content_key` names the key of content and shingles, `words` and `characters` their lengths;
`shingles` is how many the document has.
"""

REMOVALS: Final = pa.schema([pa.field("id", pa.string(), nullable=False)])
"""The `doc_key`s of copies that went, as Curator's `TextDuplicatesRemovalStage` takes them."""

CONTAMINATION: Final = pa.schema(
    [
        pa.field("doc_key", pa.string(), nullable=False),
        pa.field("task", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("action", pa.string(), nullable=False),
        pa.field("start", pa.int64(), nullable=False),
        pa.field("end", pa.int64(), nullable=False),
        pa.field("question", pa.float64(), nullable=False),
        pa.field("answer", pa.float64(), nullable=False),
        pa.field("whole", pa.float64(), nullable=False),
        pa.field("left", pa.float64(), nullable=False),
    ]
)
"""One row a document and an item that it gave away.

`action` is what became of the document: dropped, edited, or kept as a near miss. `start` and `end`
bound what matches, in characters of the text as it entered the step; `question`, `answer` and
`whole` are the shares of the item that it gave away, `left` what of the whole it does still.
"""

ROWS_PER_FILE: Final = 50_000
_ROWS_PER_GROUP: Final = 10_000
_BYTES_PER_GROUP: Final = 32 << 20
"""In memory, from which a group ends early: long documents are few."""

Written = list[tuple[Path, int]]
"""Files, with the rows of each."""


class Writer:
    """Writes rows, in the order they come, as `part-00000.parquet` and so on."""

    def __init__(self, folder: Path, schema: pa.Schema) -> None:
        """Write into `folder`, which is made if it is not there."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder = folder
        self._schema = schema
        self._waiting: list[pa.Table] = []
        self._rows = 0
        self._bytes = 0
        self._file: pq.ParquetWriter | None = None
        self._written: Written = []

    def add(self, columns: Mapping[str, Sequence[Any]]) -> None:
        """Add rows by their columns."""
        names = self._schema.names
        table = pa.table({name: columns[name] for name in names}, schema=self._schema)
        while table.num_rows:
            part = table.slice(0, self._room() - self._rows)
            table = table.slice(part.num_rows)
            self._waiting.append(part)
            self._rows += part.num_rows
            self._bytes += part.nbytes
            if self._rows == self._room() or self._bytes >= _BYTES_PER_GROUP:
                self._flush()

    def close(self) -> Written:
        """Finish; return the files, with the rows of each: an empty one where there are none."""
        if self._rows or not self._written:
            self._flush()
        if self._file is not None:
            self._file.close()
        return self._written

    def _room(self) -> int:
        in_file = self._written[-1][1] if self._file is not None else 0
        return min(_ROWS_PER_GROUP, ROWS_PER_FILE - in_file)

    def _flush(self) -> None:
        if self._file is None:
            path = self._folder / f"part-{len(self._written):05d}.parquet"
            self._file = pq.ParquetWriter(
                path,
                self._schema,
                compression="zstd",
                compression_level=3,
                version="2.6",
                store_schema=False,
            )
            self._written.append((path, 0))
        if self._rows:
            group = pa.concat_tables(self._waiting).combine_chunks()
            self._file.write_table(group, row_group_size=_ROWS_PER_GROUP)
        path, before = self._written[-1]
        self._written[-1] = (path, before + self._rows)
        self._waiting, self._rows, self._bytes = [], 0, 0
        if self._written[-1][1] >= ROWS_PER_FILE:
            self._file.close()
            self._file = None


def write(folder: Path, schema: pa.Schema, columns: Mapping[str, Sequence[Any]]) -> Written:
    """Write rows that are all there, as `Writer` does."""
    writer = Writer(folder, schema)
    writer.add(columns)
    return writer.close()
