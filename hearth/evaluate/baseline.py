"""Train the n-gram baseline on a corpus and ask it the suite's bits-per-byte items."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from hearth.errors import DataError
from hearth.evaluate.ngram import CharacterNgram
from hearth.evaluate.plan import BITS_PER_BYTE, SuiteView


def training_texts(paths: Sequence[Path], most: int) -> list[str]:
    """The texts of a split; of a larger one, documents at random up to `most` characters.

    Raises:
        DataError: a shard cannot be read, or there is no text.
    """
    rows: list[tuple[bytes, str]] = []
    for path in paths:
        try:
            table = pq.read_table(path, columns=["doc_key", "text"])
        except (pa.ArrowException, OSError, KeyError) as error:
            message = f"{path.name}: is not a shard of a corpus ({error}): curate again"
            raise DataError(message) from error
        rows += [
            (hashlib.sha256(key.encode()).digest(), text)
            for key, text in zip(
                table["doc_key"].to_pylist(), table["text"].to_pylist(), strict=True
            )
        ]
    chosen: list[str] = []
    characters = 0
    for _, text in sorted(rows):
        characters += len(text)
        if characters > most and chosen:
            break
        chosen.append(text)
    if not any(chosen):
        message = "corpus: the train split has no text: curate again, with filters that keep some"
        raise DataError(message)
    return chosen


def baseline_scores(
    texts: Sequence[str], order: int, suite: SuiteView, items: Sequence[dict[str, Any]]
) -> dict[tuple[str, str], float]:
    """(task, item) → natural log-likelihood of the item's text, for the bits-per-byte tasks.

    Args:
        texts: what to learn from.
        order: length of the character n-grams.
        suite: the suite.
        items: rows of the suite's `items.parquet`.
    """
    measured = {task.task for task in suite.tasks if task.kind == BITS_PER_BYTE}
    asked = [row for row in items if row["task"] in measured]
    scores = CharacterNgram.train(texts, order).log_likelihoods([row["text"] for row in asked])
    return {
        (row["task"], row["item"]): float(score) for row, score in zip(asked, scores, strict=True)
    }
