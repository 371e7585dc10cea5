from __future__ import annotations

import gzip
import io
import time
from typing import Any

import pytest

from hearth.mirror.extraction import Extraction
from hearth.mirror.formats import records
from hearth.mirror.records import Reason, Record, Refusal
from hearth.mirror.spec import Limits

LIMITS = Limits(document_bytes=1 << 20, line_characters=1000)


def read(raw: bytes, form: str, path: str = "f", **rule: Any) -> list[Record | Refusal]:
    extraction = Extraction.model_validate({"files": "f", "format": form, **rule})
    return list(records(io.BytesIO(raw), path, extraction, LIMITS))


def reasons(found: list[Record | Refusal]) -> list[Reason | None]:
    return [one.reason if isinstance(one, Refusal) else None for one in found]


@pytest.mark.parametrize("form", ["text", "markdown", "man", "fortune", "jsonl"])
@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", Reason.EMPTY),
        (b"fine\n\xff\xfe not", Reason.ENCODING),
        (b"a\0b", Reason.NUL_BYTES),
        (b"x" * 5000, Reason.LINE_TOO_LONG),
    ],
)
def test_bad_bytes_are_refused_by_name(form: str, raw: bytes, reason: Reason) -> None:
    assert reason in reasons(read(raw, form))


def test_a_file_over_the_limit_is_refused_unread() -> None:
    assert reasons(read(b"a\n" * (1 << 20), "text")) == [Reason.TOO_LARGE]


def test_a_refusal_says_where_the_bad_byte_is() -> None:
    (refusal,) = read(b"abc\xff", "text")
    assert isinstance(refusal, Refusal)
    assert refusal.detail == "byte 3 is not utf-8"


def test_declared_encodings_are_read() -> None:
    (record,) = read("汉字".encode("gb18030"), "text", encoding="gb18030")
    assert isinstance(record, Record)
    assert record.text == "汉字"


def test_compressed_files_are_read_and_damaged_ones_refused() -> None:
    packed = gzip.compress("汉字".encode())
    assert reasons(read(packed, "text", "f.gz")) == [None]
    assert reasons(read(packed[:-9], "text", "f.gz")) == [Reason.DAMAGED]
    assert reasons(read(b"not gzip", "text", "f.gz")) == [Reason.DAMAGED]


def test_a_compressed_bomb_is_not_unpacked() -> None:
    bomb = gzip.compress(b"\n" * (64 << 20))
    assert reasons(read(bomb, "text", "f.gz")) == [Reason.TOO_LARGE]


def test_terminal_escapes_and_control_characters_go() -> None:
    raw = "\ufeff\x1b[32m《春晓》\x1b[m\r\n\x07春眠不觉晓  \n\n\n\n处处"
    (record,) = read(raw.encode(), "text")
    assert isinstance(record, Record)
    assert record.text == "《春晓》\n春眠不觉晓\n\n处处"


def test_every_fortune_is_a_record() -> None:
    found = read("一\n%\n\n%\n100%\n三\n%\n".encode(), "fortune")
    assert found == [Record("一", key="1"), Record("100%\n三", key="3")]


def test_a_bad_line_costs_only_itself() -> None:
    lines = [
        b'{"id": "a", "text": "\xe4\xb8\x80", "lang": "zh"}',
        b"not json",
        b'{"id": "b"}',
        b'["text"]',
        b'{"id": "c", "text": "\xff"}',
        b'{"id": "d", "text": "a\\u0000b"}',
        b'{"id": "e", "text": "\\ud800"}',
        b'{"text": "no key"}',
        b'{"id": "f", "text": "' + b"x" * 9000 + b'"}',
        b"[" * 3000,
        b'{"id": "g", "text": "ok"}',
    ]
    found = read(b"\n".join(lines), "jsonl", fields={"key": "id", "language": "lang"})
    assert reasons(found) == [
        None,
        Reason.MALFORMED,
        Reason.MALFORMED,
        Reason.MALFORMED,
        Reason.ENCODING,
        Reason.NUL_BYTES,
        Reason.ENCODING,
        Reason.MALFORMED,
        Reason.LINE_TOO_LONG,
        Reason.MALFORMED,
        None,
    ]
    assert found[0] == Record("一", key="a", language="zh")


def test_the_first_heading_is_the_title_of_markdown() -> None:
    (record,) = read("text\n\n## 标题 ##\n\nmore".encode(), "markdown")
    assert isinstance(record, Record)
    assert record.title == "标题"


def test_half_a_character_is_refused_however_it_is_named() -> None:
    assert reasons(read(b".TH A 1\n\\[uD800]", "man")) == [Reason.ENCODING]


def test_long_runs_of_blanks_take_no_longer_than_other_text() -> None:
    started = time.process_time()
    for form in ("text", "markdown", "man", "fortune"):
        read((b"a" + b" " * 900 + b"x\n") * 1000, form)
    assert time.process_time() - started < 5
