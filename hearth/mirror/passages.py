"""Cut a long text into passages: at paragraphs where that will do, else at sentences.

A block of code is cut only if it is longer than a passage, and then at lines: each part gets
fences.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from hearth.fences import code_spans

_PARAGRAPHS: Final = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_SENTENCE_END: Final = re.compile(r"(?<=[。！？；])|(?<=[.!?;])(?=\s)|(?<=\n)")
_FENCE: Final = re.compile(r"`+|~+")
_OVERHANG: Final = 4
"""A last passage shorter than one part in this many joins the one before it."""


def passages(text: str, characters: int, *, fenced: bool = False) -> list[str]:
    """Return the passages of `text`, in order; together they hold all of it but blank space.

    Args:
        text: any text; blank lines separate paragraphs.
        characters: a passage is at most this long; the last may be a quarter longer.
        fenced: whether fences in it stand around code.
    """
    found: list[list[str]] = [[]]
    size = 0
    for piece in _blocks(text, characters) if fenced else _pieces(text, characters):
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


def _blocks(text: str, characters: int) -> Iterator[str]:
    at = 0
    for start, end in code_spans(text):
        yield from _pieces(text[at:start], characters)
        code = text[start:end]
        if len(code) <= characters:
            yield code
        else:
            yield from _parts(code, characters)
        at = end
    yield from _pieces(text[at:], characters)


def _parts(code: str, characters: int) -> Iterator[str]:
    first, *lines = code.split("\n")
    last = first[: len(first) - len(first.lstrip())] + _FENCE.match(first.lstrip()).group()  # type: ignore[union-attr]
    if lines and lines[-1].strip() == last.strip():
        lines.pop()
    room = max(1, characters - len(first) - len(last) - 2)
    held: list[str] = []
    size = 0
    cut = (long[at : at + room] for long in lines for at in range(0, len(long) or 1, room))
    for line in cut:
        if held and size + len(line) > room:
            yield "\n".join((first, *held, last))
            held, size = [], 0
        held.append(line)
        size += len(line) + 1
    if held:
        yield "\n".join((first, *held, last))


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
