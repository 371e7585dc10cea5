"""Code in text: fenced blocks, the one mark by which every step tells code from prose.

What the mirror reads from Markdown and web pages has its code between fences (CommonMark 4.5), so a
step that must not touch code (Unicode folding, rules about sentences) asks here where it is.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

_OPENING: Final = re.compile(r"[ \t]*(`{3,}(?=[^`\n]*$)|~{3,})")
_TICKS: Final = re.compile(r"^[ \t]*(`{3,})", re.MULTILINE)


class Span(NamedTuple):
    """A fenced block: from the first character of its first fence to the end of its last line."""

    start: int
    end: int


def code_spans(text: str) -> Iterator[Span]:
    """Yield the fenced blocks of `text`, in order; one that nobody closed reaches to the end."""
    if "```" not in text and "~~~" not in text:
        return
    start, fence, at = 0, "", 0
    for line in text.split("\n"):
        bare = line.strip()
        if not fence:
            if (opening := _OPENING.match(line)) is not None:
                start, fence = at, opening.group(1)
        elif len(bare) >= len(fence) and bare == fence[0] * len(bare):
            yield Span(start, at + len(line))
            fence = ""
        at += len(line) + 1
    if fence:
        yield Span(start, len(text))


def fenced(code: str, language: str = "", indent: str = "") -> str:
    """Return `code` between fences that nothing in it can close.

    Args:
        code: any text.
        language: what it is written in, if that is known.
        indent: stands before every line, as inside of a list.
    """
    ticks = max((len(found.group(1)) for found in _TICKS.finditer(code)), default=0)
    fence = "`" * max(3, ticks + 1)
    lines = (fence + language, *code.strip("\r\n").split("\n"), fence)
    return "\n".join((indent + line).rstrip() for line in lines)
