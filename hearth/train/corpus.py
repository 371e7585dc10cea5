"""What training takes from a curated corpus: texts in a fixed order, and where they are from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pyarrow as pa
import pyarrow.parquet as pq

from hearth.errors import DataError
from hearth.model import FrozenModel

_COLUMNS: Final = ["source", "language", "text", "licence"]


class SourceShare(FrozenModel):
    """What one source gave to the train split."""

    source: str
    licence: str
    language: str
    documents: int
    bytes: int


def texts(folder: Path, split: str, language: str | None = None) -> Iterator[str]:
    """Yield the texts of a split, file by file in the order of their names.

    Args:
        folder: where the corpus lies (it holds `split=train/` and others).
        split: which.
        language: only this one; None: all.
    """
    for row in _rows(folder, split):
        if language is None or row["language"] == language:
            yield row["text"]


def languages(folder: Path, split: str) -> list[str]:
    """Return the languages of a split, sorted."""
    return sorted({row["language"] for row in _rows(folder, split)})


def shares(folder: Path) -> list[SourceShare]:
    """Return what the train split is made of, the largest first.

    Raises:
        DataError: there is no text in it.
    """
    documents: Counter[tuple[str, str, str]] = Counter()
    size: Counter[tuple[str, str, str]] = Counter()
    for row in _rows(folder, "train"):
        key = (row["source"], row["licence"], row["language"])
        documents[key] += 1
        size[key] += len(row["text"].encode())
    if not sum(size.values()):
        message = (
            "corpus: its train split is empty: look at curation's report for what was dropped, "
            "and why; loosen a rule or add sources"
        )
        raise DataError(message)
    return [
        SourceShare(
            source=source, licence=licence, language=language, documents=documents[key], bytes=count
        )
        for key, count in sorted(size.items(), key=lambda item: (-item[1], item[0]))
        for source, licence, language in [key]
    ]


def _rows(folder: Path, split: str) -> Iterator[dict[str, Any]]:
    for path in sorted((folder / f"split={split}").glob("*.parquet")):
        try:
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(batch_size=2048, columns=_COLUMNS):
                    yield from batch.to_pylist()
        except (pa.ArrowException, KeyError) as error:
            message = f"{path.name}: is not a shard of a corpus ({error}): rebuild from curate"
            raise DataError(message) from error
