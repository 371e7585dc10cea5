"""Puts made-up sentences into real paragraphs."""

from __future__ import annotations

import random
import re
from collections import defaultdict
from collections.abc import Iterable, Iterator
from itertools import cycle
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq

_BETWEEN: Final = {"zh": re.compile(r"(?<=[。！？；])"), "en": re.compile(r"(?<=[.!?]) +(?=[A-Z])")}
_ENDS: Final = "。！？；.!?"
_JOINED: Final = {"zh": "", "en": " "}
_LENGTHS: Final = {"zh": range(60, 600), "en": range(200, 2_000)}
"""Characters of a paragraph."""
_SEED: Final = "real paragraphs"


def within(documents: Iterable[dict[str, Any]], folder: Path) -> Iterator[dict[str, Any]]:
    """Yield labelled documents as they stand in the midst of real paragraphs of their language.

    Args:
        documents: With `language`, `text`, and `spans` and `negatives` by their places in it.
        folder: Parquet files of documents, as the mirror writes them.

    Raises:
        ValueError: There is no paragraph of one of the languages.
    """
    found = _paragraphs(folder)
    if missing := [language for language in _BETWEEN if not found[language]]:
        message = f"{folder}: no paragraph of several sentences in {', '.join(missing)}"
        raise ValueError(message)
    texts = {language: cycle(paragraphs) for language, paragraphs in found.items()}
    for document in documents:
        language = document["language"]
        sentences = next(texts[language])
        middle = len(sentences) // 2
        joint = _JOINED[language]
        before = joint.join(sentences[:middle]) + joint
        # What does not end as a sentence ends its line: nobody writes a name on behind a number.
        end = joint if document["text"][-1] in _ENDS else "\n"
        after = end + joint.join(sentences[middle:])
        yield {
            **document,
            "text": before + document["text"] + after,
            **{name: _moved(document[name], len(before)) for name in ("spans", "negatives")},
        }


def _moved(labels: Iterable[list[Any]], by: int) -> list[list[Any]]:
    return [[start + by, end + by, *rest] for start, end, *rest in labels]


def _paragraphs(folder: Path) -> dict[str, list[list[str]]]:
    """Return paragraphs as sentences, by language, in an order that is no document's."""
    found: dict[str, set[str]] = defaultdict(set)
    for path in sorted(folder.rglob("*.parquet")):
        for row in pq.read_table(path, columns=["language", "text"]).to_pylist():
            lengths = _LENGTHS.get(row["language"], range(0))
            found[row["language"]].update(
                line for line in row["text"].splitlines() if len(line) in lengths
            )
    draw = random.Random(_SEED)  # noqa: S311 - an order
    paragraphs: dict[str, list[list[str]]] = defaultdict(list)
    for language, between in _BETWEEN.items():
        texts = sorted(found[language])
        draw.shuffle(texts)
        cut = ([part for part in between.split(text) if part] for text in texts)
        paragraphs[language] = [sentences for sentences in cut if len(sentences) > 1]
    return paragraphs
