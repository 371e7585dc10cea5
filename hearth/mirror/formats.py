"""Extraction: the bytes of a file to its records, by format. Bad input is refused, never fatal."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from collections.abc import Iterator
from typing import IO, Final

from hearth.mirror.checks import checked, decoded, long_line, too_large
from hearth.mirror.extraction import Extraction, Format
from hearth.mirror.hypertext import article, whole
from hearth.mirror.man import included, man_date, man_text
from hearth.mirror.markdown import front_day, page
from hearth.mirror.pdf import pdf_text
from hearth.mirror.records import Reason, Record, Refusal, cleaned
from hearth.mirror.rows import json_lines, parquet_rows
from hearth.mirror.spec import Limits

_FORTUNE: Final = re.compile(r"^%\s*$", re.MULTILINE)


def records(
    stream: IO[bytes], path: str, rule: Extraction, limits: Limits
) -> Iterator[Record | Refusal]:
    """Yield what a file holds.

    Args:
        stream: the file's bytes; one that can seek.
        path: its path in the package; `.gz` at the end means that it is compressed.
        rule: how to read it.
        limits: what is too much.
    """
    size = stream.seek(0, io.SEEK_END)
    stream.seek(0)
    room = min(limits.unpacked_bytes, max(limits.document_bytes, size * limits.expansion))
    try:
        if path.endswith(".gz"):
            with gzip.open(stream) as unzipped:
                yield from _records(unzipped, None, rule, limits, room)  # type: ignore[arg-type]
        else:
            yield from _records(stream, size, rule, limits, room)
    except (EOFError, OSError, zlib.error) as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise
        yield Refusal(Reason.DAMAGED, f"cannot be unpacked: {error}")


def _records(
    stream: IO[bytes], size: int | None, rule: Extraction, limits: Limits, room: int
) -> Iterator[Record | Refusal]:
    if rule.format is Format.JSONL:
        yield from json_lines(stream, rule, limits, room)
        return
    if rule.format is Format.PARQUET and size is not None:
        yield from parquet_rows(stream, rule, limits, room)
        return
    # No more than there is: a read takes the memory that it is asked for at once.
    most = limits.document_bytes if size is None else min(size, limits.document_bytes)
    raw = stream.read(most + 1)
    if (refusal := too_large(len(raw), limits)) is not None:
        yield refusal
        return
    match rule.format:
        case Format.PARQUET:
            yield from parquet_rows(io.BytesIO(raw), rule, limits, room)
        case Format.PDF:
            yield checked(pdf_text(raw, limits), limits)
        case _:
            text = decoded(raw, rule.encoding)
            # The cap on lines comes before any parser.
            bad = text if isinstance(text, Refusal) else long_line(text, limits)
            if bad is not None:
                yield bad
                return
            yield from (checked(record, limits) for record in _of_text(str(text), rule))


def _of_text(text: str, rule: Extraction) -> Iterator[Record | Refusal]:
    match rule.format:
        case Format.HTML:
            yield whole(text, rule.skip)
        case Format.ARTICLE:
            yield article(text)
        case Format.MAN:
            yield _man(text)
        case Format.FORTUNE:
            yield from _fortunes(text)
        case Format.MARKDOWN:
            title, body = page(text)
            yield Record(cleaned(body), title=title, fenced=True, date=front_day(text))
        case _:
            yield Record(cleaned(text))


def _man(text: str) -> Record | Refusal:
    if (other := included(text)) is not None:
        return Refusal(Reason.ALIAS, f"stands for {other}")
    title, body = man_text(text)
    return Record(cleaned(body), title=title, date=man_date(text))


def _fortunes(text: str) -> Iterator[Record]:
    for number, part in enumerate(_FORTUNE.split(text), start=1):
        if part.strip():
            yield Record(cleaned(part), key=str(number))
