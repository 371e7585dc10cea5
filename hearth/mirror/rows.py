"""Records in rows: the lines of JSON and the rows of Parquet, by the fields that a recipe names.

A bad row costs only itself. Its number, from 1, is its name among the rejects, and its key too
where the recipe names no field for that.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import IO, Any, Final

from hearth.conversation import Role, Turn, parse, render
from hearth.mirror.checks import checked, decoded, too_large
from hearth.mirror.dates import day
from hearth.mirror.extraction import Encoding, Extraction, RecordFields
from hearth.mirror.records import Reason, Record, Refusal, cleaned
from hearth.mirror.spec import Limits

_EXCERPT: Final = 80
_KEY: Final = 500
"""Characters of a key; a longer one is text in the wrong field."""
_ROWS: Final = 32
_BOM: Final = b"\xef\xbb\xbf"


def json_lines(
    stream: IO[bytes], rule: Extraction, limits: Limits, room: int
) -> Iterator[Record | Refusal]:
    """Yield a record for each line of JSON.

    Args:
        stream: the lines.
        rule: which field holds what.
        limits: what is too much.
        room: how many bytes it may unpack to.
    """
    # A character has at most four bytes; a longer line is skipped without ever being held whole.
    most = limits.line_characters * 4
    number = read = 0
    while raw := stream.readline(most + 1):
        number += 1
        read += len(raw)
        if len(raw) > most:
            size = len(raw)
            while raw and not raw.endswith(b"\n") and read <= room:
                raw = stream.readline(1 << 20)
                size += len(raw)
                read += len(raw)
            yield Refusal(Reason.LINE_TOO_LONG, f"a line of {size} bytes", str(number))
        elif raw.strip():
            line = decoded(raw.removeprefix(_BOM), rule.encoding, str(number))
            found = line if isinstance(line, Refusal) else _of_json(line, number, rule.fields)
            yield checked(found, limits)
        if read > room:
            yield _over(room, number)
            return
    if number == 0:
        yield Refusal(Reason.EMPTY, "0 bytes of nothing")


def parquet_rows(
    stream: IO[bytes], rule: Extraction, limits: Limits, room: int
) -> Iterator[Record | Refusal]:
    """Yield a record for each row of a Parquet file; only the columns that are named are read.

    Args:
        stream: the file; one that can seek.
        rule: which column holds what.
        limits: what is too much.
        room: how many bytes of text it may unpack to.
    """
    import pyarrow as pa  # noqa: PLC0415 - slow to load; most sources have no Parquet

    from hearth.parquet import streamed  # noqa: PLC0415 - as above

    try:
        with streamed(stream) as file:
            yield from _rows_of(file, rule.fields, limits, room)
    except MemoryError:
        raise
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        yield Refusal(Reason.DAMAGED, f"cannot be read as Parquet: {error}"[: _EXCERPT * 2])


def _rows_of(
    file: Any, fields: RecordFields, limits: Limits, room: int
) -> Iterator[Record | Refusal]:
    named = fields.named()
    there = file.schema_arrow.names
    for role, column in named.items():
        if there.count(column) != 1:
            has = ", ".join(there)[: _EXCERPT * 2]
            yield Refusal(Reason.MALFORMED, f"has no column {column!r} for {role}; it has: {has}")
            return
    if not file.metadata.num_rows:
        yield Refusal(Reason.EMPTY, "has no rows")
        return
    number = read = 0
    for batch in file.iter_batches(
        batch_size=_ROWS, columns=sorted(set(named.values())), use_threads=False
    ):
        cells = {column: _cells(batch.column(column)) for column in set(named.values())}
        for row in zip(*cells.values(), strict=True):
            read += sum(len(cell) for cell in row if isinstance(cell, bytes))
            if read > room:
                yield _over(room, number)
                return
            number += 1
            yield checked(
                _of_row(dict(zip(cells, row, strict=True)), number, fields, limits), limits
            )


def _cells(column: Any) -> list[Any]:
    import pyarrow as pa  # noqa: PLC0415 - as above

    kind = column.type
    if pa.types.is_dictionary(kind):
        kind = kind.value_type
        column = column.dictionary_decode()
    if pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind):
        # As bytes: pyarrow trusts a file's word that its strings are UTF-8, and files lie.
        column = column.cast(pa.large_binary())
    return column.to_pylist()  # type: ignore[no-any-return]


def _of_row(
    row: dict[str, Any], number: int, fields: RecordFields, limits: Limits
) -> Record | Refusal:
    raw = row[fields.text]
    if not isinstance(raw, bytes):
        what = "nothing" if raw is None else type(raw).__name__
        return Refusal(Reason.MALFORMED, f"has no text in {fields.text!r}: {what}", str(number))
    if (large := too_large(len(raw), limits, str(number))) is not None:
        return large
    values: dict[str, Any] = {}
    for column, value in row.items():
        values[column] = value
        if isinstance(value, bytes) and (value or column == fields.text):
            text = decoded(value, Encoding.UTF_8, str(number))
            if isinstance(text, Refusal) and (column == fields.text or value.strip()):
                return text
            values[column] = "" if isinstance(text, Refusal) else text
        elif isinstance(value, bytes):
            values[column] = ""
    return _record(values, number, fields)


def _of_json(line: str, number: int, fields: RecordFields) -> Record | Refusal:
    try:
        data = json.loads(line)
    except (ValueError, RecursionError) as error:
        return Refusal(Reason.MALFORMED, f"is not JSON: {error}"[:_EXCERPT], str(number))
    if fields.messages is not None and isinstance(data, dict):
        said = _conversation(data.get(fields.messages))
        if said is None:
            detail = (
                f"no conversation in {fields.messages!r}: turns of {{role, content}} are wanted"
            )
            return Refusal(Reason.MALFORMED, detail, str(number))
        data = {**data, fields.text: said}
    if not isinstance(data, dict) or not isinstance(data.get(fields.text), str):
        return Refusal(Reason.MALFORMED, f"has no text in {fields.text!r}", str(number))
    for column in fields.named().values():
        value = data.get(column)
        if not isinstance(value, str):
            continue
        if "\0" in value:
            return Refusal(Reason.NUL_BYTES, f"a NUL in {column!r}: it is not text", str(number))
        try:
            value.encode()
        except UnicodeEncodeError:
            detail = f"half a surrogate pair in {column!r}"
            return Refusal(Reason.ENCODING, detail, str(number))
    return _record(data, number, fields)


def _conversation(messages: Any) -> str | None:
    """Return a conversation as text; None if it is none that can be learnt from."""
    try:
        turns = [Turn(Role(item["role"]), cleaned(item["content"])) for item in messages]
        text = render(turns)
    except (TypeError, KeyError, ValueError, AttributeError):
        return None
    return text if parse(text) else None


def _record(data: Mapping[str, Any], number: int, fields: RecordFields) -> Record | Refusal:
    key = data.get(fields.key) if fields.key else number
    if isinstance(key, bool) or not isinstance(key, str | int) or not str(key).strip():
        return Refusal(Reason.MALFORMED, f"has no key in {fields.key!r}", str(number))
    if len(str(key)) > _KEY or not str(key).isprintable():
        detail = f"the key in {fields.key!r} is over {_KEY} characters, or has unprintable ones"
        return Refusal(Reason.MALFORMED, detail, str(number))
    return Record(
        cleaned(data[fields.text]),
        key=str(key),
        title=_said(data, fields.title),
        language=_said(data, fields.language),
        work=_said(data, fields.work),
        parallel=_said(data, fields.parallel),
        date=day(data.get(fields.date)) if fields.date else None,
        whole=fields.messages is not None,
    )


def _said(data: Mapping[str, Any], field: str | None) -> str | None:
    value = data.get(field) if field else None
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    return cleaned(value) or None if isinstance(value, str) else None


def _over(room: int, number: int) -> Refusal:
    detail = f"unpacks to over {room} bytes (limits.unpacked_bytes, limits.expansion)"
    return Refusal(Reason.TOO_LARGE, f"{detail}: what follows on record {number} is not read")
