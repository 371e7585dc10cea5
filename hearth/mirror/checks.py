"""What every format checks: bytes are text, lines are not too long, there is something to read."""

from __future__ import annotations

from hearth.mirror.extraction import Encoding
from hearth.mirror.records import Reason, Record, Refusal
from hearth.mirror.spec import Limits


def decoded(raw: bytes, encoding: Encoding, key: str = "") -> str | Refusal:
    """Return bytes as text; refused if there is nothing in them, or they are not text."""
    if not raw.strip():
        return Refusal(Reason.EMPTY, f"{len(raw)} bytes of nothing", key)
    if (at := raw.find(b"\0")) >= 0:
        return Refusal(Reason.NUL_BYTES, f"byte {at} is NUL: it is not text", key)
    try:
        return raw.decode(encoding)
    except UnicodeDecodeError as error:
        return Refusal(Reason.ENCODING, f"byte {error.start} is not {encoding}", key)


def long_line(text: str, limits: Limits, key: str = "") -> Refusal | None:
    """Return the refusal of a text with a line over the limit; None if there is no such line."""
    most = limits.line_characters
    if len(text) <= most:
        return None
    longest = max(map(len, text.split("\n")))
    if longest <= most:
        return None
    return Refusal(Reason.LINE_TOO_LONG, f"a line of {longest} characters: {most} are allowed", key)


def too_large(size: int, limits: Limits, key: str = "") -> Refusal | None:
    """Return the refusal of a text that is over the limit of one; None if it is not."""
    if size <= limits.document_bytes:
        return None
    return Refusal(
        Reason.TOO_LARGE, f"is over limits.document_bytes = {limits.document_bytes}", key
    )


def checked(record: Record | Refusal, limits: Limits) -> Record | Refusal:
    """Return a record, unless it has no text, a line over the limit, or half a character."""
    if isinstance(record, Refusal):
        return record
    if not record.text:
        return Refusal(Reason.EMPTY, "has no text", record.key)
    for text in (record.text, record.title or ""):
        try:
            text.encode()
        except UnicodeEncodeError as error:
            # A format's own way to name a character can name half of one.
            detail = f"character {error.start} is half a surrogate pair"
            return Refusal(Reason.ENCODING, detail, record.key)
    return long_line(record.text, limits, record.key) or record
