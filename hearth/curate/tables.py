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


def write(
    folder: Path, schema: pa.Schema, columns: Mapping[str, Sequence[Any]]
) -> list[tuple[Path, int]]:
    """Write rows, in their order, as `part-00000.parquet` and so on.

    Args:
        folder: Where; made if it is not there.
        schema: The columns.
        columns: The values of each.

    Returns:
        The files, with the rows of each; one file without rows where there are none.
    """
    folder.mkdir(parents=True, exist_ok=True)
    table = pa.table({name: columns[name] for name in schema.names}, schema=schema)
    written = []
    for number, start in enumerate(range(0, max(1, table.num_rows), ROWS_PER_FILE)):
        part = table.slice(start, ROWS_PER_FILE)
        path = folder / f"part-{number:05d}.parquet"
        pq.write_table(
            part,
            path,
            compression="zstd",
            compression_level=3,
            row_group_size=_ROWS_PER_GROUP,
            version="2.6",
            store_schema=False,
        )
        written.append((path, part.num_rows))
    return written
