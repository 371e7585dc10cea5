"""Write the corpus, the decisions and the report: the same bytes for the same rows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate.ledger import Ledger
from hearth.curate.plan import Split
from hearth.stage import Context

CORPUS: Final = pa.schema(
    [
        ("doc_key", pa.string()),
        ("content_id", pa.string()),
        ("source", pa.string()),
        ("work", pa.string()),
        ("group", pa.string()),
        ("language", pa.string()),
        ("text", pa.string()),
        ("characters", pa.int64()),
        ("licence", pa.string()),
        ("perplexity", pa.float64()),
    ]
)
DECISIONS: Final = pa.schema(
    [
        ("doc_key", pa.string()),
        ("content_id", pa.string()),
        ("action", pa.string()),
        ("reason", pa.string()),
        ("canonical", pa.string()),
        (
            "spans",
            pa.list_(
                pa.struct([("kind", pa.string()), ("start", pa.int64()), ("end", pa.int64())])
            ),
        ),
    ]
)
_SHARD: Final = 10_000


def write_corpus(
    context: Context, rows: list[dict[str, Any]], ledger: Ledger, metrics: dict[str, Any]
) -> None:
    """Publish everything that curation leaves behind."""
    for split in Split:
        mine = [{**row, "characters": len(row["text"])} for row in rows if row["split"] is split]
        for number, start in enumerate(range(0, len(mine), _SHARD)):
            name = f"corpus/split={split}/part-{number:05}.parquet"
            _publish(context, mine[start : start + _SHARD], CORPUS, name)
    for step in ledger.steps:
        _publish(
            context, ledger.decisions(step), DECISIONS, f"decisions/step={step}/part-0.parquet"
        )
    report = context.scratch / "report.json"
    report.write_text(json.dumps(metrics, indent=1, ensure_ascii=False), encoding="utf-8")
    context.publish(report, "report.json")


def _publish(context: Context, rows: list[dict[str, Any]], schema: pa.Schema, name: str) -> None:
    path: Path = context.scratch / "out" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    columns = {field: [row.get(field) for row in rows] for field in schema.names}
    pq.write_table(pa.table(columns, schema=schema), path, compression="zstd")
    context.publish(path, name, rows=len(rows))
