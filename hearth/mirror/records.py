"""Records: what a file holds, and what was refused of it and why."""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq


class Reason(StrEnum):
    """Why something did not become a document."""

    EMPTY = "empty"
    NUL_BYTES = "nul-bytes"
    ENCODING = "encoding"
    TOO_LARGE = "too-large"
    LINE_TOO_LONG = "line-too-long"
    DAMAGED = "damaged"
    MALFORMED = "malformed"
    ALIAS = "alias"
    """It only names another file, as a manual page does with `.so`."""
    NO_TEXT_LAYER = "no-text-layer"
    """A PDF of pictures, or of characters that nobody can tell: it needs OCR."""
    ENCRYPTED = "encrypted"
    DUPLICATE_KEY = "duplicate-key"
    TIME_LIMIT = "time-limit"
    MEMORY_LIMIT = "memory-limit"
    CRASHED = "crashed"
    """The process that read it died, or its parser failed in a way that nobody foresaw."""


@dataclass(frozen=True, slots=True)
class Record:
    """One text of a file."""

    text: str
    key: str = ""
    """The record's own key within the file; empty if the file is one record."""
    title: str | None = None
    language: str | None = None
    work: str | None = None
    parallel: str | None = None
    fenced: bool = False
    """Whether fences in the text stand around code, as in Markdown."""
    date: str | None = None
    """The day that the file states: `hearth.mirror.dates`."""
    whole: bool = False
    """Whether it is never cut into passages: a conversation without its question is none."""


@dataclass(frozen=True, slots=True)
class Refusal:
    """A record, or a whole file, that is not text, and how that was seen."""

    reason: Reason
    detail: str
    key: str = ""


@dataclass(frozen=True, slots=True)
class Reject:
    """A refusal with its place: one row of `rejects.parquet`."""

    source: str
    path: str
    refusal: Refusal


REJECTS: Final = pa.schema(
    [
        pa.field(name, pa.string(), nullable=False)
        for name in ("source", "path", "record", "reason", "detail")
    ]
)


def write_rejects(path: Path, rejects: list[Reject]) -> int:
    """Write the rejects as Parquet, sorted; return how many there are."""
    rows = sorted(
        (r.source, r.path, r.refusal.key, str(r.refusal.reason), r.refusal.detail) for r in rejects
    )
    columns = list(zip(*rows, strict=True)) or [()] * len(REJECTS)
    table = pa.table([pa.array(c, pa.string()) for c in columns], schema=REJECTS)
    pq.write_table(table, path, compression="zstd")
    return len(rows)


_ESCAPES: Final = re.compile(r"\x1b\[[0-9;]*[A-Za-z]")
_CONTROLS: Final = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\ufeff]")
# The look behind keeps a long run of blanks within a line from being tried from each of them.
_TRAILING: Final = re.compile(r"(?<![ \t\u00a0])[ \t\u00a0]+$", re.MULTILINE)
_BLANK_LINES: Final = re.compile(r"\n{3,}")
_CJK: Final = r"[\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff60]"
_BROKEN_LINE: Final = re.compile(rf"(?<={_CJK}) (?={_CJK})")


def cleaned(text: str) -> str:
    """Return `text` without terminal escapes, control characters and idle blank space."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    text = _CONTROLS.sub("", _ESCAPES.sub("", text))
    return _BLANK_LINES.sub("\n\n", _TRAILING.sub("", text)).strip()


def unwrapped(text: str) -> str:
    """Return `text` without the spaces that wrapped lines leave between Chinese characters."""
    return _BROKEN_LINE.sub("", text)
