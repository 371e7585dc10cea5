"""A page of prose, tables and plots, written once and rendered as Markdown and as HTML."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final, NamedTuple

import jinja2
from markupsafe import Markup, escape

_MARKDOWN: Final = re.compile(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)")
_THOUSAND: Final = 1000
_UNSEEN: Final = re.compile(r"\s+|[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069]+")
"""What would break a line, or turn text around so that it reads as what it is not."""


NONE: Final = "–"
"""Where there is nothing to say."""


class Code(str):
    """A name, an address, a digest or a command: set apart, and never wrapped into words."""

    __slots__ = ()


class Alarm(str):
    """What somebody should look at."""

    __slots__ = ()


class Number(str):
    """The head of a column of numbers."""

    __slots__ = ()


Said = str | tuple[str, ...]
"""A paragraph: a text, or pieces of it some of which are code or alarms."""


class Table(NamedTuple):
    """A table; a cell is a text, code or an alarm."""

    caption: str
    head: Sequence[str]
    rows: Sequence[Sequence[Said]]


class Chapter(NamedTuple):
    """A part of the page.

    Attributes:
        title: Its heading.
        said: Paragraphs that come first.
        tables: What follows them.
        plots: Names of plots that come between; only HTML shows them.
    """

    title: str
    said: Sequence[Said] = ()
    tables: Sequence[Table] = ()
    plots: Sequence[str] = ()


class Tile(NamedTuple):
    """One of the numbers that stand on top."""

    value: str
    label: str


class Page(NamedTuple):
    """A whole page."""

    title: str
    lead: Said
    tiles: Sequence[Tile]
    chapters: Sequence[Chapter]


def count(value: float | None) -> str:
    """Return a number of things."""
    return NONE if value is None else f"{value:,}"


def percent(share: float | None) -> str:
    """Return a share in percent, to the hundredth."""
    return NONE if share is None else f"{share * 100:.2f} %"


def decimal(value: float | None) -> str:
    """Return a measure to four digits, or to the unit if it has more."""
    if value is None:
        return NONE
    return f"{value:,.0f}" if abs(value) >= _THOUSAND else f"{value:.4g}"


def markdown(page: Page) -> str:
    """Render a page as Markdown; nothing in it is taken for markup."""
    return _render("card.md.j2", page, in_markdown)


def html(page: Page, plots: Mapping[str, str]) -> str:
    """Render a page as HTML that needs nothing else; all text is escaped.

    Args:
        page: What it says.
        plots: Name → SVG, made by matplotlib, which escapes what it draws.
    """
    return _render("card.html.j2", page, in_html, plots)


def _render(
    template: str,
    page: Page,
    said: Callable[[Said], Markup],
    plots: Mapping[str, str] | None = None,
) -> str:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("hearth.curate", "."),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    environment.filters["said"] = said
    environment.tests["number"] = lambda head: isinstance(head, Number)
    drawn = {name: Markup(svg) for name, svg in (plots or {}).items()}  # noqa: S704 - see above
    return environment.get_template(template).render(page=page, plots=drawn)


def in_markdown(said: Said) -> Markup:
    """Return a paragraph, or a cell, as Markdown that says just this."""
    return Markup("".join(_piece(piece) for piece in _pieces(said)))  # noqa: S704 - not HTML


def _piece(piece: str) -> str:
    text = _UNSEEN.sub(" ", piece)
    if isinstance(piece, Code):
        # No escape works within backticks, but that of a table's bars.
        return f"`{text.replace('`', chr(0x2B9)).replace('|', chr(92) + '|')}`" if text else ""
    text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    text = _MARKDOWN.sub(r"\\\g<0>", text)
    return f"**⚠ {text}**" if isinstance(piece, Alarm) else text


def in_html(said: Said) -> Markup:
    """Return a paragraph, or a cell, as HTML that says just this."""
    marked = []
    for piece in _pieces(said):
        text = escape(_UNSEEN.sub(" ", piece))
        if isinstance(piece, Code):
            text = Markup("<code>{}</code>").format(text)
        elif isinstance(piece, Alarm):
            text = Markup('<strong class="alarm">⚠ {}</strong>').format(text)
        marked.append(text)
    return Markup("").join(marked)


def _pieces(said: Said) -> Iterable[str]:
    return said if isinstance(said, tuple) else (said,)
