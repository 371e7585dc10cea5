"""Extraction: the bytes of a file to its records, by format. Bad input is refused, never fatal."""

from __future__ import annotations

import gzip
import json
import re
import zlib
from collections.abc import Iterator
from typing import IO, Any, Final

from hearth.mirror.man import included, man_text
from hearth.mirror.records import Reason, Record, Refusal, cleaned, unwrapped
from hearth.mirror.spec import Encoding, Extraction, Format, JsonFields, Limits

_FORTUNE: Final = re.compile(r"^%\s*$", re.MULTILINE)
_HEADING: Final = re.compile(r"^#{1,6}\s+(.+?)\s*#*$", re.MULTILINE)
_SKIP: Final = ("nav", "header", "footer", "aside", "noscript", "form", "button", "script", "style")
_CELLS: Final = re.compile(r" *\t[ \t]*")
_EXCERPT: Final = 80


def records(
    stream: IO[bytes], path: str, rule: Extraction, limits: Limits
) -> Iterator[Record | Refusal]:
    """Yield what a file holds.

    Args:
        stream: the file's bytes.
        path: its path in the package; `.gz` at the end means that it is compressed.
        rule: how to read it.
        limits: what is too much.
    """
    try:
        if path.endswith(".gz"):
            with gzip.open(stream) as unzipped:
                yield from _records(unzipped, rule, limits)  # type: ignore[arg-type]
        else:
            yield from _records(stream, rule, limits)
    except (EOFError, OSError, zlib.error) as error:
        if isinstance(error, OSError) and not isinstance(error, gzip.BadGzipFile):
            raise
        yield Refusal(Reason.DAMAGED, f"cannot be unpacked: {error}")


def _records(stream: IO[bytes], rule: Extraction, limits: Limits) -> Iterator[Record | Refusal]:
    if rule.format is Format.JSONL:
        yield from _json_lines(stream, rule, limits)
        return
    raw = stream.read(limits.document_bytes + 1)
    if len(raw) > limits.document_bytes:
        yield Refusal(Reason.TOO_LARGE, f"is over limits.document_bytes = {limits.document_bytes}")
        return
    text = _decoded(raw, rule.encoding)
    if isinstance(text, Refusal):
        yield text
        return
    if rule.format is not Format.HTML and (refusal := _long_line(text, limits)):
        yield refusal
        return
    match rule.format:
        case Format.HTML:
            found: Iterator[Record | Refusal] = _html(text, rule.skip)
        case Format.MAN:
            found = _man(text)
        case Format.FORTUNE:
            found = _fortunes(text)
        case Format.MARKDOWN:
            heading = _HEADING.search(text)
            found = iter([Record(cleaned(text), title=heading.group(1) if heading else None)])
        case _:
            found = iter([Record(cleaned(text))])
    yield from (_checked(record, limits) for record in found)


def _checked(record: Record | Refusal, limits: Limits) -> Record | Refusal:
    if isinstance(record, Refusal):
        return record
    if not record.text:
        return Refusal(Reason.EMPTY, "has no text", record.key)
    return _long_line(record.text, limits, record.key) or record


def _decoded(raw: bytes, encoding: Encoding, key: str = "") -> str | Refusal:
    if not raw.strip():
        return Refusal(Reason.EMPTY, f"{len(raw)} bytes of nothing", key)
    if (at := raw.find(b"\0")) >= 0:
        return Refusal(Reason.NUL_BYTES, f"byte {at} is NUL: it is not text", key)
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        return Refusal(Reason.ENCODING, f"byte {error.start} is not {encoding}", key)


def _long_line(text: str, limits: Limits, key: str = "") -> Refusal | None:
    most = limits.line_characters
    if len(text) <= most:
        return None
    longest = max(map(len, text.split("\n")))
    if longest <= most:
        return None
    return Refusal(Reason.LINE_TOO_LONG, f"a line of {longest} characters: {most} are allowed", key)


def _html(text: str, skip: tuple[str, ...]) -> Iterator[Record | Refusal]:
    # A compiled library of the stages' environment: specs and plans are read without it.
    from resiliparse.extract.html2text import extract_plain_text  # noqa: PLC0415
    from resiliparse.parse.html import HTMLTree  # noqa: PLC0415

    try:
        tree = HTMLTree.parse(text)
        body = extract_plain_text(
            tree,
            preserve_formatting=True,
            list_bullets=False,
            alt_texts=False,
            skip_elements=[*_SKIP, *skip],
        )
        title = cleaned(unwrapped(" ".join((tree.title or "").split()))) or None
    except (ValueError, RuntimeError) as error:
        yield Refusal(Reason.MALFORMED, f"is not HTML: {error}")
        return
    yield Record(cleaned(unwrapped(_CELLS.sub("\t", body))), title=title)


def _man(text: str) -> Iterator[Record | Refusal]:
    if (other := included(text)) is not None:
        yield Refusal(Reason.ALIAS, f"stands for {other}")
        return
    title, body = man_text(text)
    yield Record(cleaned(body), title=title)


def _fortunes(text: str) -> Iterator[Record]:
    for number, part in enumerate(_FORTUNE.split(text), start=1):
        if part.strip():
            yield Record(cleaned(part), key=str(number))


def _json_lines(stream: IO[bytes], rule: Extraction, limits: Limits) -> Iterator[Record | Refusal]:
    # A character has at most four bytes; a longer line is skipped without ever being held whole.
    most = limits.line_characters * 4
    number = 0
    while raw := stream.readline(most + 1):
        number += 1
        if len(raw) > most:
            size = len(raw)
            while raw and not raw.endswith(b"\n"):
                raw = stream.readline(1 << 20)
                size += len(raw)
            yield Refusal(Reason.LINE_TOO_LONG, f"a line of {size} bytes", str(number))
        elif raw.strip():
            line = _decoded(raw, rule.encoding, str(number))
            found = line if isinstance(line, Refusal) else _json_record(line, number, rule.fields)
            yield _checked(found, limits)
    if number == 0:
        yield Refusal(Reason.EMPTY, "0 bytes of nothing")


def _json_record(line: str, number: int, fields: JsonFields) -> Record | Refusal:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Refusal(Reason.MALFORMED, f"is not JSON: {error}"[:_EXCERPT], str(number))
    text = data.get(fields.text) if isinstance(data, dict) else None
    if not isinstance(text, str):
        return Refusal(Reason.MALFORMED, f"has no text in {fields.text!r}", str(number))
    if "\0" in text:
        return Refusal(Reason.NUL_BYTES, f"a NUL in {fields.text!r}: it is not text", str(number))
    try:
        text.encode()
    except UnicodeEncodeError:
        return Refusal(Reason.ENCODING, "half a surrogate pair", str(number))
    key = data.get(fields.key) if fields.key else number
    if not isinstance(key, str | int) or key == "":
        return Refusal(Reason.MALFORMED, f"has no key in {fields.key!r}", str(number))
    return Record(
        cleaned(text),
        key=str(key),
        title=_text_of(data, fields.title),
        language=_text_of(data, fields.language),
    )


def _text_of(data: dict[str, Any], field: str | None) -> str | None:
    value = data.get(field) if field else None
    return value if isinstance(value, str) else None
