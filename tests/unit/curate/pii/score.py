"""How much of the frozen set a detector finds, and what it takes that it should leave."""

from __future__ import annotations

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

FROZEN = Path(__file__).with_name("frozen.jsonl")
SECOND = Path(__file__).with_name("second.jsonl")
BARS = {"checked": 0.95, "context": 0.80, "broken": 0.80}
"""Wilson's lower bound of a kind's recall, by class."""
KEPT = 0.97
"""Share of negatives that are left alone."""
Detect = Callable[[str], Iterable[tuple[int, int, str]]]
_Z = 1.959964


class Tally(NamedTuple):
    """Of `total`, `hits` were found, `named` of them as what they are; and some that were not."""

    hits: int
    named: int
    total: int
    misses: tuple[str, ...] = ()

    @property
    def bound(self) -> float:
        """The lower end of Wilson's interval at 95 %."""
        if not self.total:
            return 0.0
        n, share = self.total, self.hits / self.total
        middle = share + _Z**2 / (2 * n)
        spread = _Z * math.sqrt(share * (1 - share) / n + _Z**2 / (4 * n * n))
        return (middle - spread) / (1 + _Z**2 / n)


class Score(NamedTuple):
    """What a detector did to the frozen set.

    Attributes:
        recall: By (kind, class).
        kept: Negatives by category; a hit is one that was left alone.
        false: Found where nothing is labelled, by kind.
        characters: Of all texts.
        examples: Of the false ones, with what stands around them.
    """

    recall: dict[tuple[str, str], Tally]
    kept: dict[str, Tally]
    false: Counter[str]
    characters: int
    examples: tuple[str, ...]


def documents(path: Path = FROZEN) -> Iterator[dict[str, Any]]:
    """Yield the documents of the frozen set."""
    with path.open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def score(detect: Detect, labelled: Iterable[dict[str, Any]]) -> Score:
    """Judge a detector that yields (start, end, kind) by documents whose spans are known."""
    spans: dict[tuple[str, str], list[tuple[bool, bool, str]]] = defaultdict(list)
    kept: dict[str, list[tuple[bool, str]]] = defaultdict(list)
    false: Counter[str] = Counter()
    examples: list[str] = []
    characters = 0
    for document in labelled:
        text = document["text"]
        characters += len(text)
        found = [(start, end, str(kind)) for start, end, kind in detect(text)]
        for start, end, kind, group in document["spans"]:
            near = [span for span in found if span[0] < end and span[1] > start]
            gone = covered(text, start, end, kind, near)
            named = any(span[2] == kind for span in near)
            spans[kind, group].append((gone, gone and named, text[max(0, start - 15) : end + 5]))
        for start, end, category in document["negatives"]:
            touched = [span for span in found if span[0] < end and span[1] > start]
            kept[category].append((not touched, text[max(0, start - 15) : end + 5]))
        known = [span[:2] for span in (*document["spans"], *document["negatives"])]
        for start, end, kind in found:
            if not any(start < last and end > first for first, last in known):
                false[kind] += 1
                examples.append(f"{kind}: {text[max(0, start - 10) : end + 5]}")
    return Score(
        {
            key: Tally(
                sum(row[0] for row in rows),
                sum(row[1] for row in rows),
                len(rows),
                tuple(row[2] for row in rows if not row[1]),
            )
            for key, rows in sorted(spans.items())
        },
        {
            key: Tally(
                sum(row[0] for row in rows),
                0,
                len(rows),
                tuple(row[1] for row in rows if not row[0]),
            )
            for key, rows in sorted(kept.items())
        },
        false,
        characters,
        tuple(examples),
    )


def covered(
    text: str, start: int, end: int, kind: str, spans: Iterable[tuple[int, int, str]]
) -> bool:
    """Whether no letter and no digit of a span is left.

    Of an address all digits and four fifths of the letters: what is left then is a town.
    """
    left = [
        place
        for place in range(start, end)
        if text[place].isalnum() and not any(first <= place < last for first, last, _ in spans)
    ]
    if kind == "address":
        letters = sum(text[place].isalnum() for place in range(start, end))
        return len(left) <= letters / 5 and not any(text[place].isdigit() for place in left)
    return not left
