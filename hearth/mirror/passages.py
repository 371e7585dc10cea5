"""Cut a long text into passages: at paragraphs where that will do, else at sentences."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_PARAGRAPHS: Final = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_SENTENCE_END: Final = re.compile(r"(?<=[。！？；])|(?<=[.!?;])(?=\s)|(?<=\n)")
_OVERHANG: Final = 4
"""A last passage shorter than one part in this many joins the one before it."""


def passages(text: str, characters: int) -> list[str]:
    """Return the passages of `text`, in order; together they hold all of it but blank space.

    Args:
        text: any text; blank lines separate paragraphs.
        characters: a passage is at most this long; the last may be a quarter longer.
    """
    found: list[list[str]] = [[]]
    size = 0
    for piece in _pieces(text, characters):
        if found[-1] and size + len(piece) > characters:
            found.append([])
            size = 0
        found[-1].append(piece)
        size += len(piece) + 2
    joined = ["\n\n".join(pieces) for pieces in found if pieces]
    if len(joined) > 1 and len(joined[-1]) < characters // _OVERHANG:
        last = joined.pop()
        joined[-1] = f"{joined[-1]}\n\n{last}"
    return joined


def _pieces(text: str, characters: int) -> Iterator[str]:
    for paragraph in _PARAGRAPHS.split(text):
        paragraph = paragraph.strip("\n").rstrip()  # noqa: PLW2901 - the same, trimmed
        if not paragraph.strip():
            continue
        if len(paragraph) <= characters:
            yield paragraph
        else:
            yield from _sentences(paragraph, characters)


def _sentences(paragraph: str, characters: int) -> Iterator[str]:
    held = ""
    for sentence in _SENTENCE_END.split(paragraph):
        if held and len(held) + len(sentence) > characters:
            yield held.strip()
            held = ""
        held += sentence
        while len(held) > characters:
            # No sentence ends here: a table, a line of data. Cut it anywhere.
            yield held[:characters].strip()
            held = held[characters:]
    if held.strip():
        yield held.strip()
