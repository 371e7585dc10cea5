"""Composes the frozen sets: `python -m tests.unit.curate.pii.compose first > frozen.jsonl`.

Run once, the first before the detectors were written, the second (`second.jsonl`) after, in other
sentences; the files are what counts from then on, and their digests are in the test. A line is a
document: id, language, text, spans of (start, end, kind, class), and negatives of (start, end,
category): what looks like a span and must stay. Classes: `checked` has a check or a form of its
own; `context` is known only by what is said beside it; `broken` fails its check, and is named for
what it is.
"""

from __future__ import annotations

import json
import sys
import unicodedata
from collections.abc import Iterator
from pathlib import Path
from random import Random
from typing import Any, NamedTuple

import yaml

from tests.unit.curate.pii.made import CLOSE, OPEN, Maker
from tests.unit.curate.pii.negatives import NEGATIVES
from tests.unit.curate.pii.values import BAD, CONTEXT, MAKERS, SECRETS


class Size(NamedTuple):
    """Of a set: whose sentences, and how many of each sort in each language."""

    phrases: str = "phrases"
    spans: int = 75
    broken: int = 22
    negative: int = 22
    fillers: int = 260
    seed: str = "personal information, frozen"


SETS = {
    "first": Size(),
    "second": Size("phrases_second", 52, 20, 14, 120, "personal information, second"),
}
GUARD = "\ue000"
"""Stands before a secret until its first letter is written as an escape: the file holds nothing
that a scanner for leaked secrets would take for one."""


def sentences(draw: Random, language: str, size: Size) -> Iterator[tuple[str, str, str]]:
    """Yield templates, values and labels, in an order of chance."""
    folder = Path(__file__).parent
    phrases: dict[str, list[str]] = yaml.safe_load(
        (folder / f"{size.phrases}_{language}.yaml").read_text(encoding="utf-8")
    )
    made: list[tuple[str, str, str]] = []

    def add(name: str, label: str, maker: Maker, count: int) -> None:
        for number in range(count):
            template = phrases[name][number % len(phrases[name])]
            made.append((template, maker(draw, language), label))

    for kind, maker in MAKERS.items():
        add(kind, f"{kind}/{'context' if kind in CONTEXT else 'checked'}", maker, size.spans)
    for kind, maker in BAD.items():
        add(f"{kind}!", f"{kind}/broken", maker, size.broken)
    for category, maker in NEGATIVES.items():
        add(f"-{category}", f"-{category}", maker, size.negative)
    made += [(draw.choice(phrases["filler"]), "", "") for _ in range(size.fillers)]
    draw.shuffle(made)
    yield from made


def documents(size: Size) -> Iterator[dict[str, Any]]:
    """Yield documents of three to five sentences."""
    draw = Random(size.seed)  # noqa: S311 - made up
    for language in ("zh", "en"):
        left = list(sentences(draw, language, size))
        number = 0
        while left:
            count = draw.randint(3, 5)
            taken, left = left[:count], left[count:]
            joint = draw.choice(("", "", "", "\n") if language == "zh" else (" ", " ", " ", "\n"))
            text, spans, negatives = "", [], []
            for template, value, label in taken:
                before, _, after = template.partition("{}")
                first = (before + value.replace(OPEN, "") + after)[:1]
                # A value that runs into the next sentence's would be neither.
                last = unicodedata.normalize("NFKC", text[-1:])
                glued = last.isascii() and last.isalnum() and first.isascii()
                text += (("\n" if glued and not joint else joint) if text else "") + before
                lead, inner, tail = value.rpartition(OPEN)
                inner, _, tail = tail.partition(CLOSE)
                start = len(text) + len(lead)
                end = start + len(inner)
                text += lead + inner + tail + after
                if label.startswith("-"):
                    negatives.append([start, end, label[1:]])
                elif label:
                    spans.append([start, end, *label.split("/")])
            yield {
                "id": f"{language}-{number:04}",
                "language": language,
                "text": text,
                "spans": spans,
                "negatives": negatives,
            }
            number += 1


def line(document: dict[str, Any]) -> str:
    """Write a document as JSON, the first letter of each secret as an escape."""
    text = document["text"]
    for start, _, kind, _ in reversed(document["spans"]):
        if kind in SECRETS:
            text = text[:start] + GUARD + text[start:]
    said = json.dumps({**document, "text": text}, ensure_ascii=False, separators=(",", ":"))
    first, *rest = said.split(GUARD)
    return first + "".join(f"\\u{ord(part[0]):04x}{part[1:]}" for part in rest)


if __name__ == "__main__":
    for document in documents(SETS[sys.argv[1]]):
        sys.stdout.write(line(document) + "\n")
