"""Item scores: one row for each item of a suite under one model. The gate compares these tables."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import pyarrow as pa
import pyarrow.compute as pc

from hearth.errors import DataError

SCHEMA: Final = pa.schema(
    [
        pa.field("task", pa.string(), nullable=False),
        pa.field("item", pa.string(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("language", pa.string(), nullable=False),
        pa.field("kind", pa.string(), nullable=False),
        # Natural log; of the passage, or of a cloze item's right answer after its context.
        pa.field("loglikelihood", pa.float64(), nullable=False),
        # UTF-8 bytes that the log-likelihood is of.
        pa.field("bytes", pa.int64(), nullable=False),
        pa.field("correct", pa.bool_()),  # null for bits per byte
        pa.field("baseline_loglikelihood", pa.float64()),  # null for cloze
    ]
)
"""Columns of an evaluation's `items.parquet`."""


def table(rows: Sequence[dict[str, Any]]) -> pa.Table:
    """The rows as a table of `SCHEMA`, sorted by task and item."""
    ordered = sorted(rows, key=lambda row: (row["task"], row["item"]))
    return pa.Table.from_pylist(ordered, schema=SCHEMA)


def check(scores: pa.Table, name: str) -> None:
    """Check that a table can be used as item scores.

    Raises:
        DataError: columns are missing or of another type, an item comes twice, or a score is no
            finite number.
    """
    for field in SCHEMA:
        index = scores.schema.get_field_index(field.name)
        if index < 0 or scores.schema.field(index).type != field.type:
            found = "missing" if index < 0 else scores.schema.field(index).type
            message = (
                f"{name}: column {field.name} is {found}, item scores have it as {field.type}: "
                "evaluate the model again"
            )
            raise DataError(message)
    counted = scores.group_by(["task", "item"]).aggregate([([], "count_all")])
    twice = counted.filter(pc.greater(counted["count_all"], 1))
    if len(twice):
        row = twice.slice(0, 1).to_pylist()[0]
        message = (
            f"{name}: item {row['item'][:12]} of {row['task']} comes {row['count_all']} times: "
            "items must be unique; rebuild the suite under a new version"
        )
        raise DataError(message)
    if not pc.all(pc.is_finite(scores["loglikelihood"]), min_count=0).as_py():
        bad = scores.filter(pc.invert(pc.is_finite(scores["loglikelihood"]))).slice(0, 1)
        row = bad.to_pylist()[0]
        message = (
            f"{name}: item {row['item'][:12]} of {row['task']} has log-likelihood "
            f"{row['loglikelihood']}: it must be finite; the model's weights are not usable"
        )
        raise DataError(message)
