"""Markdown to text: what a person reads stays, with its markup; what only a program reads goes.

Headings, lists, emphasis, tables and fences stay as they are: they are how text says what it is
made of, and how a model is to write in its turn. Front matter, comments, raw HTML, images, the
targets of links and their definitions go: they are addresses and layout, repeated on every page.
Code blocks stay, all of them between fences (indented ones get them), so that later steps can
leave code alone: `hearth.fences` finds them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final, NamedTuple

from markdown_it import MarkdownIt
from markdown_it.token import Token

from hearth.fences import fenced
from hearth.mirror.dates import day

_PARSER: Final = MarkdownIt("commonmark").enable("table")
_DEFINITION: Final = re.compile(r"[ \t>]*\[[^\]\n]+\]:")
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]*>|<[!?][^<>]*>")
_FIELD: Final = re.compile(r"""title\s*[:=]\s*(['"]?)(.+?)\1\s*""")
_SETEXT: Final = frozenset({"=", "-"})
_DAYS: Final = ("lastmod", "last_modified_at", "updated", "modified", "date", "published")
_FIELDS: Final = 200
_FRONT: Final = {"---": ("---", "..."), "+++": ("+++",)}
_LEAVES: Final = frozenset(
    {"heading_open", "table_open", "inline", "code_block", "fence", "html_block", "hr"}
)
"""Tokens whose lines are accounted for; those of containers say nothing of what is in them."""
_KEPT_MARKS: Final = frozenset({"em_open", "em_close", "strong_open", "strong_close"})


class Page(NamedTuple):
    """What a file of Markdown holds."""

    title: str | None
    """Of the first heading, else of the front matter."""
    text: str


def page(source: str) -> Page:
    """Return the text of a file of Markdown."""
    title, source = _front_matter(source.replace("\r\n", "\n").replace("\r", "\n"))
    lines: list[str | None] = [*source.split("\n")]
    tokens = [token for token in _PARSER.parse(source) if token.map is not None]
    headings: list[str] = []
    covered: set[int] = set()
    for before, token in zip([None, *tokens], tokens, strict=False):
        heading = before if before is not None and before.type == "heading_open" else None
        if token.type in _LEAVES:
            covered.update(range(*(token.map or ())))
        if token.type == "code_block":
            _fence(lines, token)
        elif token.type == "html_block":
            _strip(lines, token)
        elif token.type == "inline":
            _rewrite(lines, token, heading)
            if heading is not None and (words := " ".join(plain(token).split())):
                headings.append(words)
    for number, line in enumerate(lines):
        if number not in covered and line is not None and _DEFINITION.match(line):
            lines[number] = None
    text = "\n".join(line for line in lines if line is not None)
    return Page(headings[0] if headings else title, text)


def front_day(source: str) -> str | None:
    """Return the day that the front matter of a file of Markdown states."""
    first, *lines = source.replace("\r", "").split("\n")
    ends = _FRONT.get(first.rstrip(), ())
    said: dict[str, str] = {}
    for line in lines:
        if line.rstrip() in ends:
            return next((found for name in _DAYS if (found := day(said.get(name)))), None)
        if not ends or len(said) > _FIELDS:
            break
        name, mark, value = line.partition(":" if ends != ("+++",) else "=")
        if mark:
            said.setdefault(name.strip().lower(), value.strip().strip("'\""))
    return None


def plain(token: Token) -> str:
    """Return the words of an inline token, without any markup."""
    return "".join(
        " " if child.type in {"softbreak", "hardbreak"} else child.content
        for child in token.children or ()
        if child.type in {"text", "code_inline", "softbreak", "hardbreak", "image"}
    )


def _front_matter(source: str) -> tuple[str | None, str]:
    first, _, rest = source.partition("\n")
    ends = _FRONT.get(first.rstrip())
    if ends is None:
        return None, source
    title, at = None, 0
    for line in rest.split("\n"):
        at += len(line) + 1
        if line.rstrip() in ends:
            return title, rest[at:]
        if title is None and (found := _FIELD.fullmatch(line)) is not None:
            title = found.group(2)
    return None, source


def _fence(lines: list[str | None], token: Token) -> None:
    start, end = token.map or (0, 0)
    first = lines[start] or ""
    if first.lstrip().startswith(">"):
        return
    # Inside of a list the fences stand as deep as the item's own text.
    indent = " " * max(0, len(first.expandtabs(4)) - len(first.lstrip()) - 4)
    code = fenced(token.content, indent=indent if token.level else "")
    while end > start and not (lines[end - 1] or "").strip():
        end -= 1
    lines[start:end] = [code, *[None] * (end - start - 1)]


def _strip(lines: list[str | None], token: Token) -> None:
    start, end = token.map or (0, 0)
    text = without_tags("\n".join(line or "" for line in lines[start:end]))
    lines[start:end] = [text, *[None] * (end - start - 1)]


def without_tags(text: str) -> str:
    """Return `text` without comments and tags. The content of scripts and styles goes too."""
    for opening, closing in (("<!--", "-->"), ("<script", "</script>"), ("<style", "</style>")):
        text = "".join(_outside(text, opening, closing))
    return _TAG.sub("", text)


def _outside(text: str, opening: str, closing: str) -> Iterator[str]:
    # By hand: a pattern would search for the missing end from every beginning.
    folded, at = text.lower(), 0
    while (start := folded.find(opening, at)) >= 0:
        yield text[at:start]
        end = folded.find(closing, start)
        if end < 0:
            return
        at = end + len(closing)
    yield text[at:]


def _rewrite(lines: list[str | None], token: Token, heading: Token | None) -> None:
    start, end = token.map or (0, 0)
    said = _written(token).split("\n")
    read = token.content.split("\n")
    there = lines[start : start + len(read)]
    if len(said) > len(read) or not all(
        line is not None and line.rstrip().endswith(part.strip())
        for line, part in zip(there, read, strict=False)
    ):
        # A cell of a table, or something that moved: it stays as it was written.
        return
    if not any(part.strip() for part in said):
        lines[start:end] = [None] * (end - start)
        return
    underlined = heading is not None and heading.markup in _SETEXT
    if heading is not None and heading.map is not None and underlined:
        # One way to write a heading, which takes one line.
        said = [f"{'#' * int(heading.tag[1:])} {' '.join(part.strip() for part in said)}"]
        lines[heading.map[1] - 1] = None
    for number, (line, part) in enumerate(zip(there, read, strict=False)):
        before = (line or "").rstrip()
        before = before[: len(before) - len(part.strip())]
        lines[start + number] = before + said[number] if number < len(said) else None


def _written(token: Token) -> str:
    return "".join(_piece(child) for child in token.children or ())


def _piece(child: Token) -> str:
    match child.type:
        case "text" | "text_special":
            return child.content
        case "code_inline":
            return f"{child.markup}{child.content}{child.markup}"
        case "softbreak" | "hardbreak":
            return "\n"
        case kind if kind in _KEPT_MARKS:
            return child.markup
        case _:
            # Images and raw HTML go; of links the words stay.
            return ""
