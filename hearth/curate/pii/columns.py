"""Columns of tables, whose heads say what stands in the rows below.

A table is lines with the same number of cells, parted by bars, tabs, or by two commas or more. The
head is a line in which a cell is the name of a field, and nothing else.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Final, NamedTuple

from hearth.curate.pii.finders import Finder, finder
from hearth.curate.pii.fold import MASK
from hearth.curate.pii.kinds import PiiKind, Span
from hearth.curate.pii.people import is_chinese_name, is_english_name


class Column(NamedTuple):
    """A kind of column.

    Attributes:
        kind: What stands in it.
        head: Its head, in full.
        holds: Whether a cell holds it.
    """

    kind: PiiKind
    head: re.Pattern[str]
    holds: Callable[[str], bool]


def _column(kind: PiiKind, head: str, cell: str) -> Column:
    return Column(
        kind,
        re.compile(head, re.IGNORECASE),
        lambda found: re.fullmatch(cell, found, re.ASCII) is not None,
    )


_COLUMNS: Final = (
    Column(
        PiiKind.PERSON_NAME,
        re.compile(
            "(?:[\u4e00-\u9fff]{0,4}姓名|联系人|申请人|户主|患者|病人|法定代表人|负责人|收件人"
            "|经办人|当事人|考生|学生|监护人"
            "|(?:full|patient|customer|contact|employee|student) name|contact person)",
            re.IGNORECASE,
        ),
        lambda found: is_chinese_name(found) or is_english_name(found),
    ),
    _column(
        PiiKind.CN_RESIDENT_ID,
        "[\u4e00-\u9fff]{0,6}(?:身份证|身份号码|证件号)[\u4e00-\u9fff]{0,3}",
        r"\d{6}[ -]?(?:\d{6}|\d{8})[ -]?\d{3}[\dXx]?",
    ),
    _column(PiiKind.PASSPORT, "护照(?:号码?)?|passport(?: (?:no\\.?|number))?", r"[A-Z0-9]{7,9}"),
    _column(
        PiiKind.CN_LANDLINE,
        "(?:联系|办公|家庭|固定)?电话(?:号码)?|tel\\.?|phone",
        r"(?:0\d{2,3}[ -]?)?[2-8]\d{2,3}[ -]?\d{4}",
    ),
    _column(PiiKind.QQ_ID, "QQ(?:号码?)?", r"[1-9]\d{4,10}"),
    _column(PiiKind.WECHAT_ID, "微信号?|wechat(?: id)?", r"[A-Za-z][A-Za-z0-9_-]{5,19}"),
    _column(
        PiiKind.MEDICAL_RECORD,
        "病历号|病案号|住院号|门诊号|就诊(?:卡)?号|患者编号|mrn|patient id",
        r"[A-Za-z]{0,4}-?\d[0-9A-Za-z-]{3,18}",
    ),
    _column(
        PiiKind.INSURANCE_NUMBER,
        "(?:社保|医保|社会保障|参保|保险|保单)[卡单]?编?号码?|insurance (?:no\\.?|number|id)",
        r"[A-Z]{0,4}-?\d[0-9A-Z-]{5,20}",
    ),
    _column(
        PiiKind.BANK_CARD,
        "(?:银行)?(?:卡号|账号|帐号)|银行卡|(?:card|account) (?:no\\.?|number)",
        r"\d(?:[ -]?\d){11,18}",
    ),
    _column(
        PiiKind.ADDRESS,
        "(?:家庭|通讯|联系|户籍|居住|现住|详细)?(?:地址|住址)|(?:home |mailing )?address",
        rf"(?=[^0-9]*[0-9\u4e00-\u9fff])[^*{MASK}]{{4,80}}",
    ),
    _column(PiiKind.PASSWORD, "(?:初始|登录)?(?:密码|口令)|password", rf"[^\s*{MASK}]{{4,64}}"),
)
# From what stands before a cell, which `re` finds fast. A line's first cell may be the text's.
_WORDS: Final = (
    "(?:学生|客户|患者|本人|职工|员工|[\u4e00-\u9fff]{0,4}姓名|联系|申请人|户主|病人|法定|负责人"
    "|收件人|经办人|当事人|考生|监护人|[\u4e00-\u9fff]{0,6}身份|[\u4e00-\u9fff]{0,6}证件号|护照"
    "|[办家固]|电话|QQ|微信|病历号|病案号|住院号|门诊号|就诊|社保|医保|社会保障|参保|保险|保单"
    "|银行|卡号|账号|帐号|通讯|户籍|居住|现住|详细|地址|住址|初始|登录|密码|口令"
    "|(?i:full name|patient|customer|contact|employee|student|passport|tel|phone|wechat|mrn"
    "|insurance|card n|account n|home addr|mailing|address|password))"
)
_HEAD: Final = re.compile(rf"[|\t,\n] {{0,4}}{_WORDS}", re.ASCII)
_FIRST: Final = re.compile(_WORDS, re.ASCII)
_LONGEST_HEAD: Final = 400
_LEAST_CELLS: Final = {"|": 2, "\t": 2, ",": 3}


@finder(*{column.kind for column in _COLUMNS})
def columns(view: str) -> Iterator[Span]:
    """Yield the cells below a head that says what they hold."""
    if "\n" not in view or not any(separator in view for separator in _LEAST_CELLS):
        return
    match = _FIRST.match(view) or _HEAD.search(view)
    while match:
        start, end = view.rfind("\n", 0, match.end()) + 1, _line_end(view, match.end())
        place = end
        for separator, least in _LEAST_CELLS.items():
            if end - start > _LONGEST_HEAD or view.count(separator, start, end) < least - 1:
                continue
            heads = [cell.strip() for cell in view[start:end].split(separator)]
            known = {
                number: column
                for number, head in enumerate(heads)
                for column in _COLUMNS
                if column.head.fullmatch(head)
            }
            if known:
                spans, place = _rows(view, end, separator, len(heads), known)
                yield from spans
                break
        match = _HEAD.search(view, place)


def _rows(
    view: str, place: int, separator: str, cells: int, known: dict[int, Column]
) -> tuple[list[Span], int]:
    """Read rows from a line's end on; return what they hold, and the end of the last."""
    spans = []
    while place < len(view):
        start, end = place + 1, _line_end(view, place + 1)
        row = view[start:end].split(separator)
        if len(row) != cells:
            break
        for number, cell in enumerate(row):
            value = cell.strip()
            column = known.get(number)
            if column and value and column.holds(value):
                first = start + len(cell) - len(cell.lstrip())
                spans.append(Span(first, first + len(value), column.kind))
            start += len(cell) + 1
        place = end
    return spans, place


def _line_end(view: str, place: int) -> int:
    end = view.find("\n", place)
    return end if end >= 0 else len(view)


FINDERS: Final[tuple[Finder, ...]] = (columns,)
