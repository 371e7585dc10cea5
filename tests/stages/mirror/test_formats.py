"""Formats that need the stages' libraries, on small files of their kind."""

from __future__ import annotations

import gzip
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hearth.fences import code_spans
from hearth.mirror.archives import Member
from hearth.mirror.extraction import Extraction
from hearth.mirror.pdf import reflowed
from hearth.mirror.reader import Reader
from hearth.mirror.records import Reason, Record, Refusal
from hearth.mirror.spec import Limits
from tests.stages.mirror.pdfs import encrypted, laughs, pdf, pictures

LIMITS = Limits(record_seconds=2)
ZH = "本指南面向本市居民，说明如何办理户籍、社会保障和医疗保险的常见事项，也说明"
EN = "Residents may also file an application by mail, provided that every form is"


class Desk:
    """Reads bytes as a file of a source."""

    def __init__(self, reader: Reader, folder: Path) -> None:
        self.reader = reader
        self.folder = folder

    def read(self, raw: bytes, form: str, name: str = "f") -> list[Record | Refusal]:
        path = self.folder / name
        path.write_bytes(raw)
        rule = Extraction.model_validate({"files": "f", "format": form})
        member = Member(name, len(raw), lambda: path.open("rb"), path)
        return list(self.reader.read(member, name, rule))

    def one(self, raw: bytes, form: str, name: str = "f") -> Record:
        (record,) = self.read(raw, form, name)
        assert isinstance(record, Record), record
        return record

    def refused(self, raw: bytes, form: str, name: str = "f") -> Reason:
        (refusal,) = self.read(raw, form, name)
        assert isinstance(refusal, Refusal), refusal
        return refusal.reason


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    folder = tmp_path_factory.mktemp("desk")
    with Reader(LIMITS, folder) as reader:
        yield Desk(reader, folder)


# --- PDF


def test_a_pdf_gives_its_text_in_two_languages(desk: Desk) -> None:
    pages = [
        [f"Guide {number}", "办事指南", ZH, "办理时限。", EN, f"{word}.", f"- {number} -"]
        for number, word in enumerate(("signed", "dated", "sealed"), start=1)
    ]
    record = desk.one(pdf(pages, "居民指南"), "pdf")
    assert record.title == "居民指南"
    assert record.text.count(f"{ZH}办理时限。") == 3
    assert f"{EN} dated." in record.text
    for running in ("Guide", "- 1 -", "办事指南"):
        assert running not in record.text


def test_a_pdf_was_changed_when_it_says_so_else_made(desk: Desk) -> None:
    assert desk.one(pdf([[EN]], changed="D:20240502235900+08'00'"), "pdf").date == "2024-05-02"
    assert desk.one(pdf([[EN]]), "pdf").date == "2020-01-01"


@pytest.mark.parametrize("form", ["html", "article"])
def test_a_page_has_the_day_that_its_meta_elements_state(desk: Desk, form: str) -> None:
    meta = '<meta property="article:published_time" content="2024-05-02T08:00:00Z">'
    assert desk.one(PAGE.replace("<head>", f"<head>{meta}").encode(), form).date == "2024-05-02"
    assert desk.one(PAGE.encode(), form).date is None


def test_a_compressed_pdf_is_read(desk: Desk) -> None:
    assert desk.one(gzip.compress(pdf([["text"]])), "pdf", "f.pdf.gz").text == "text"


def test_a_pdf_without_a_text_layer_is_refused_by_name(desk: Desk) -> None:
    assert desk.refused(pictures(3), "pdf") is Reason.NO_TEXT_LAYER


def test_a_pdf_under_a_password_is_refused_by_name(desk: Desk) -> None:
    assert desk.refused(encrypted(), "pdf") is Reason.ENCRYPTED


@pytest.mark.parametrize("raw", [b"no PDF", pdf([["text"]])[:300], b"%PDF-1.7\n" + b"\0" * 999])
def test_a_damaged_pdf_is_refused(desk: Desk, raw: bytes) -> None:
    assert desk.refused(raw, "pdf") is Reason.DAMAGED


def test_a_pdf_that_never_ends_costs_only_itself(desk: Desk) -> None:
    started = time.monotonic()
    endless = laughs(levels=12, times=20)
    assert len(endless) < 10_000
    assert desk.refused(endless, "pdf") in {
        Reason.TIME_LIMIT,
        Reason.CRASHED,
        Reason.MEMORY_LIMIT,
    }
    assert time.monotonic() - started < LIMITS.record_seconds * 10 + 5
    assert desk.one(pdf([["text"]]), "pdf").text == "text"


def test_lines_are_joined_where_a_line_was_full() -> None:
    page = "\n".join([EN, "signed.", "", "- one", "- two", ZH[:-2], "至此。"])
    assert reflowed([page]).split("\n") == [
        f"{EN} signed.",
        "",
        "",
        "- one",
        "- two",
        f"{ZH[:-2]}至此。",
    ]


def test_words_are_joined_where_a_line_broke_them() -> None:
    assert reflowed(["an appli\x02\ncation"]) == "an application"


# --- web pages

NEWS = "".join(f"<p>{EN} {n}. {ZH}第{n}条。</p>" for n in range(8))
CODE = "def f(x):\n    if x:\n        return 1\n\n    return 2"
PAGE = f"""<!DOCTYPE html><html><head><title>办事 指南 | City</title></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/news">News</a></li></ul></nav>
<div class="cookie-banner">We use cookies. Accept all.</div>
<article><h1>Guide</h1>{NEWS}<pre><code>{CODE}</code></pre><p>{EN} <b>late</b>.</p></article>
<aside><h3>Related</h3><a href="/x">Ten things you will not believe</a></aside>
<footer>© 2026 City. <a href="/imprint">Imprint</a></footer></body></html>"""


def test_of_a_web_page_the_main_text_is_found(desk: Desk) -> None:
    record = desk.one(PAGE.encode(), "article")
    assert record.title == "办事指南 | City"
    assert record.text.startswith("# Guide\n\n" + EN)
    assert record.text.count(EN) == 9
    for word in ("cookies", "Imprint", "believe", "News"):
        assert word not in record.text


def test_code_of_a_web_page_keeps_its_shape_between_fences(desk: Desk) -> None:
    text = desk.one(PAGE.encode(), "article").text
    assert [text[start:end] for start, end in code_spans(text)] == [f"```\n{CODE}\n```"]


@pytest.mark.parametrize(
    "raw",
    [
        b"<html><body></body></html>",
        b"<html><body>" + b"<div>\n" * 100_000 + b"deep",
        b"<html><body>" + b"<b><i><a href=x><div>\n" * 20_000 + b"deep",
    ],
)
def test_a_page_without_a_main_text_is_refused(desk: Desk, raw: bytes) -> None:
    assert desk.refused(raw, "article") is Reason.EMPTY


def test_a_page_that_takes_too_long_costs_only_itself(desk: Desk) -> None:
    endless = b"<html><body>" + b"<p>x y z</p>\n" * 250_000
    assert desk.refused(endless, "article") is Reason.TIME_LIMIT
    assert desk.one(PAGE.encode(), "article").title is not None


@pytest.mark.parametrize("form", ["html", "article", "markdown", "man", "text"])
def test_lines_are_capped_before_anything_parses(desk: Desk, form: str) -> None:
    assert desk.refused(b"<p>" + b"x" * 1_000_001, form) is Reason.LINE_TOO_LONG


@pytest.mark.parametrize("form", ["html", "article", "markdown", "pdf", "parquet", "jsonl"])
@pytest.mark.parametrize("raw", [b"", b"\0\0\0\0", b"\xff\xfe\xfd" * 9, b"{" * 10_000])
def test_no_nonsense_is_fatal(desk: Desk, form: str, raw: bytes) -> None:
    for found in desk.read(raw, form):
        assert isinstance(found, Refusal) or form in {"html", "article", "markdown"}


def test_the_same_file_gives_the_same_records(desk: Desk) -> None:
    files: list[tuple[bytes, str]] = [(PAGE.encode(), "article"), (pdf([[ZH, EN]]), "pdf")]
    first: list[Any] = [desk.read(raw, form) for raw, form in files]
    again = [desk.read(raw, form) for raw, form in reversed(files)]
    assert first == again[::-1]
