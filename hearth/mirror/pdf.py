"""PDF to text, from the text layer alone: a picture of text needs OCR, and is refused.

pdfium (through pypdfium2; Apache-2.0 and BSD-3-Clause) reads it: it knows the CJK character maps
that files only refer to, keeps the spaces between words that pypdf loses, and takes a tenth of
the time. A PDF has lines, not paragraphs: lines that fill the page's width are joined, and what
stands at the edge of most pages (running heads, page numbers) goes.
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Any, Final

from hearth.mirror.checks import long_line
from hearth.mirror.dates import day
from hearth.mirror.records import Reason, Record, Refusal, cleaned
from hearth.mirror.spec import Limits

_ENCRYPTED: Final = 4  # FPDF_ERR_PASSWORD in fpdfview.h
_UNTOLD: Final = 0.3
"""Share of characters without a meaning in Unicode from which a layer is not text."""
_EDGE: Final = 2
"""Lines at the top and at the bottom of a page that may be running heads."""
_LEAST_PAGES: Final = 3
_FULL: Final = 0.8
"""Of the usual width, from which a line goes on in the next one."""
_ALL: Final = 0.9
"""Of the usual width, from which a line goes on even if a sentence ends with it."""
_TAIL: Final = 20
"""Characters at the end of a line that say whether a sentence ends there."""
_QUANTILE: Final = 0.9
_HYPHENS: Final = ("\x02", "\ufffe")
"""What pdfium puts where a word was broken at the end of a line."""
_DIGITS: Final = re.compile(r"\d+")
_ENDS: Final = re.compile(r"[.!?:;。！？：；…][\"'”’」』）)\]]*$")
_STARTS: Final = re.compile(
    r"(?:[•·▪◦●○■□◆–—*-]\s|\(?\d{1,3}(?:\.\d+)*[.)、]?\s|第[^\s]{1,6}[章节条])"
)
_CJK: Final = re.compile(r"[\u3000-\u303f\u3400-\u4dbf\u4e00-\u9fff\uff01-\uff60]")


def pdf_text(raw: bytes, limits: Limits) -> Record | Refusal:
    """Return the text of a PDF."""
    # A compiled library of the stages' environment: specs and plans are read without it.
    import pypdfium2 as pdfium  # noqa: PLC0415

    try:
        file = pdfium.PdfDocument(raw)
    except pdfium.PdfiumError as error:
        if getattr(error, "err_code", None) == _ENCRYPTED:
            return Refusal(Reason.ENCRYPTED, "is encrypted: give the source without a password")
        return Refusal(Reason.DAMAGED, f"cannot be read as PDF: {error}")
    try:
        said = file.get_metadata_dict()
        title = cleaned(said.get("Title", "")) or None
        date = day(said.get("ModDate")) or day(said.get("CreationDate"))
        pages, failed = _pages(file, pdfium.PdfiumError)
    finally:
        file.close()
    if failed and not any(pages):
        return Refusal(Reason.DAMAGED, f"none of its {len(pages)} pages can be read")
    text = "\n".join(pages)
    if (refusal := _no_text(text, len(pages)) or long_line(text, limits)) is not None:
        return refusal
    return Record(cleaned(reflowed(pages)), title=title, date=date)


def _pages(file: Any, error: type[Exception]) -> tuple[list[str], int]:
    pages, failed = [], 0
    for number in range(len(file)):
        try:
            page = file[number]
            layer = page.get_textpage()
            text = layer.get_text_bounded()
            layer.close()
            page.close()
        except error:
            # A broken page costs itself; the file is refused when no page is left.
            text, failed = "", failed + 1
        pages.append(text.replace("\r\n", "\n").replace("\r", "\n"))
    return pages, failed


def _no_text(text: str, pages: int) -> Refusal | None:
    shown = [c for c in text if not c.isspace() and c not in _HYPHENS]
    if not any(c.isalnum() for c in shown):
        return Refusal(Reason.NO_TEXT_LAYER, f"its {pages} pages have no text layer: it needs OCR")
    untold = sum(c == "\ufffd" or unicodedata.category(c) in {"Cc", "Cn", "Co"} for c in shown)
    if untold > _UNTOLD * len(shown):
        share = round(100 * untold / len(shown))
        detail = f"{share} % of its characters have no meaning in Unicode: it needs OCR"
        return Refusal(Reason.NO_TEXT_LAYER, detail)
    return None


def reflowed(pages: Sequence[str]) -> str:
    """Return pages of lines as paragraphs, without what stands at the edge of most pages."""
    lines = _without_heads([[line.rstrip() for line in page.split("\n")] for page in pages])
    widths = sorted(_width(line) for line in lines if line.strip())
    usual = widths[int(_QUANTILE * (len(widths) - 1))] if widths else 0
    text: list[str] = []
    held: list[str] = []
    for line, after in zip(lines, [*lines, ""][1:], strict=True):
        if not line.strip():
            # Nothing is held here: no line goes on in an empty one.
            text.append("")
            continue
        held.append(line)
        if _goes_on(line, after, usual):
            continue
        text.append(_joined(held))
        if len(held) > 1:
            # After a paragraph of several lines an empty one; lists and code stay close.
            text.append("")
        held = []
    return "\n".join(text).strip("\n")


def _goes_on(line: str, after: str, usual: int) -> bool:
    if not after.strip():
        return False
    if line.endswith(_HYPHENS):
        return True
    width = _width(line)
    ended = width < _ALL * usual and _ENDS.search(line[-_TAIL:]) is not None
    return width >= _FULL * usual and not ended and not _STARTS.match(after.lstrip())


def _joined(lines: list[str]) -> str:
    pieces = [line if number == 0 else line.strip() for number, line in enumerate(lines)]
    text = []
    for piece, after in zip(pieces, [*pieces, ""][1:], strict=True):
        if piece.endswith(_HYPHENS):
            text.append(piece[:-1])
        elif after and not (_CJK.match(piece[-1]) and _CJK.match(after[0])):
            text.append(piece + " ")
        else:
            text.append(piece)
    return "".join(text)


def _without_heads(pages: list[list[str]]) -> list[str]:
    pages = [_trimmed(page) for page in pages]
    filled = [page for page in pages if page]
    if len(filled) < _LEAST_PAGES:
        return [line for page in pages for line in page]
    seen = Counter(mark for page in filled for mark in {_mark(page[at]) for at in _edges(page)})
    heads = {mark for mark, count in seen.items() if count >= max(_LEAST_PAGES, len(filled) / 2)}
    kept: list[str] = []
    for page in filled:
        edges = _edges(page)
        kept += [line for at, line in enumerate(page) if not (at in edges and _mark(line) in heads)]
    return kept


def _trimmed(page: list[str]) -> list[str]:
    while page and not page[0].strip():
        page = page[1:]
    while page and not page[-1].strip():
        page = page[:-1]
    return page


def _edges(page: list[str]) -> set[int]:
    return {*range(min(_EDGE, len(page))), *range(max(0, len(page) - _EDGE), len(page))}


def _mark(line: str) -> str:
    return _DIGITS.sub("#", " ".join(line.split()))


def _width(line: str) -> int:
    return len(line) + len(_CJK.findall(line))
