"""Numbers that China gives out: to persons, companies, telephones and cars."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from hearth.curate.pii import validators
from hearth.curate.pii.finders import (
    END,
    FIELD,
    FREE,
    GAP,
    OF,
    SEPARATORS,
    Finder,
    finder,
    matches,
    pattern,
    words,
)
from hearth.curate.pii.fold import MASK
from hearth.curate.pii.kinds import PiiKind, Span

_ID_TAIL: Final = r"\d{5}[ -]?(?:\d{8}|\d{4}[ -]\d{4})[ -]?\d{3}[\dXx]"
_ID: Final = rf"\d{_ID_TAIL}"
_ID_OLD: Final = r"\d{6}[ -]?\d{6}[ -]?\d{3}"
_ID_WORDS: Final = words("身份证", "公民身份", "身份号码", "证件号", "身份证件")
_ID_TERMS: Final = r"(?i:identity card|id card|identity number|resident id|citizen id|id number)"
_CODE: Final = rf"[1-9ANY]{FREE}[1-9A-HJ-NPQRTUWXY]\d{{6}}[0-9A-HJ-NPQRTUWXY]{{10}}"
_CODE_WORDS: Final = words("信用代码", "纳税人识别号", "税号")
_CODE_TERMS: Final = r"(?i:social credit (?:code|identifier|number)|uscc|taxpayer id)"

# After the first character, as FREE; a number after a dash is part of a longer one.
_ALONE: Final = r"(?<![0-9A-Za-z.+].)(?<![0-9]-.)"
_OLD_ALONE: Final = rf"([1-6]{_ALONE}\d{{14}})(?![0-9A-Za-z]|[.-]\d)"
_MOBILE: Final = (
    rf"((?:1{_ALONE}|\+{_ALONE}86[ -]{{0,2}}1|0{_ALONE}086[ -]{{0,2}}1|8{_ALONE}6[ -]{{0,2}}1"
    rf"|\({_ALONE}(?:\+|00)?86\)[ -]{{0,2}}1)"
    r"(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9\d)"
    r"(?:([ .-]?)\d{4}\2\d{4}|([ -])\d{3}\3\d{5}))(?![0-9A-Za-z]|[.-]\d)"
)
_AREA: Final = r"(?:10|2\d|[3-9]\d\d)"
_LANDLINE: Final = re.compile(
    rf"(?:0{_ALONE}(?P<near>{_AREA})[ -]|\({_ALONE}0(?P<enclosed>{_AREA})\)[ -]?"
    rf"|(?:\+{_ALONE}86|0{_ALONE}086|\({_ALONE}\+86\))[ -]?(?:\(0\)|0)?(?P<far>{_AREA})[ -]?)"
    r"(?P<local>[2-8]\d{3}[ -]?\d{3,4})(?:(?:-|转| ?ext\.? ?)\d{1,5})?(?![0-9A-Za-z]|[.-]\d)",
    re.ASCII,
)
_PHONE_WORDS: Final = words("电话", "座机", "传真", "致电", "拨打", "热线")
_LOCAL: Final = r"((?:0\d{2,3})?[2-8]\d{2,3}[ -]?\d{4}(?:-\d{1,5})?)(?![0-9A-Za-z]|[ .-]\d)"

_PLATE: Final = re.compile(
    r"[京津沪渝冀豫云辽黑湘皖鲁新苏浙赣鄂桂甘晋蒙陕吉闽贵粤青藏川宁琼][A-HJ-NP-Z]"
    r"[ ·.-]?([A-HJ-NP-Z0-9]{5,6}|[A-HJ-NP-Z0-9]{4}(?=[挂学警港澳试超领使]))" + END,
    re.ASCII,
)
_PERMITS: Final = words("通行证", "回乡证", "台胞证", "居住证")
_PERMIT_TERMS: Final = (
    r"(?i:home return permit|exit-entry permit|mainland travel permit|taiwan compatriot permit)"
)
_PERMIT: Final = r"([A-Z]{1,2}\d{7,10}|\d{10}|\d{8})"

_WECHAT_WORDS: Final = (
    r"(?:微信(?!公众|支付|小程序|群)|薇信|[vV]信|(?<![A-Za-z])(?:wx|vx|WX|VX)(?=[: ]))"
)
_WECHAT: Final = re.compile(
    rf"(?:{_WECHAT_WORDS}(?:ID|id)?{GAP}|{FIELD}(?i:wechat(?:/weixin)?|weixin)(?![A-Za-z]){OF})"
    r"([A-Za-z][A-Za-z0-9_-]{5,19})(?![A-Za-z0-9_@.-])",
    re.ASCII,
)


@finder(PiiKind.CN_LANDLINE, long=True)
def landline(view: str) -> Iterator[Span]:
    """Yield landlines with their area code."""
    for match in _LANDLINE.finditer(view):
        area = match["near"] or match["enclosed"] or match["far"]
        if validators.is_landline("0" + area + match["local"].translate(SEPARATORS)):
            yield Span(*match.span(), PiiKind.CN_LANDLINE)


@finder(PiiKind.CN_PLATE)
def plate(view: str) -> Iterator[Span]:
    """Yield number plates."""
    for match in matches(_PLATE, view, 1, validators.is_plate):
        yield Span(*match.span(), PiiKind.CN_PLATE)


@finder(PiiKind.WECHAT_ID, needs=("微信", "薇信", "v信", "wechat", "weixin", "wx", "vx"))
def wechat(view: str) -> Iterator[Span]:
    """Yield WeChat ids, named as such; a mere word needs a colon before it."""
    for match in _WECHAT.finditer(view):
        name, before = match[1], view[match.start() : match.start(1)]
        if ":" in before or any(character in "_-0123456789" for character in name):
            yield Span(*match.span(1), PiiKind.WECHAT_ID)


# In order of precedence. Named as one, a number goes even when its check fails: people mistype.
RESIDENT: Final[tuple[Finder, ...]] = (
    pattern(
        PiiKind.CN_RESIDENT_ID, rf"([1-8]{FREE}{_ID_TAIL}){END}",
        validators.is_resident_id, long=True,
    ),
    pattern(
        PiiKind.CN_RESIDENT_ID, rf"{_ID_WORDS}{GAP}({_ID}|{_ID_OLD}){END}",
        needs=("身份", "证件号"), long=True,
    ),
    pattern(
        PiiKind.CN_RESIDENT_ID, rf"{FIELD}{_ID_TERMS}{OF}({_ID}|{_ID_OLD}){END}",
        needs=("identity ", "id card", "resident id", "citizen id", "id number"), long=True,
    ),
)  # fmt: skip
NAMED: Final[tuple[Finder, ...]] = (
    pattern(
        PiiKind.CN_USCC, rf"{_CODE_WORDS}{GAP}([0-9A-Za-z]{{18}}){END}",
        needs=("信用代码", "识别号", "税号"), long=True,
    ),
    pattern(
        PiiKind.CN_USCC, rf"{FIELD}{_CODE_TERMS}{OF}([0-9A-Za-z]{{18}}){END}",
        needs=("social credit", "uscc", "taxpayer id"), long=True,
    ),
    pattern(
        PiiKind.CN_PERMIT, rf"{_PERMITS}{GAP}{_PERMIT}{END}",
        needs=("通行证", "回乡证", "台胞证", "居住证"), long=True,
    ),
    pattern(
        PiiKind.CN_PERMIT,
        rf"{FIELD}{_PERMIT_TERMS}[^\n0-9<{MASK}]{{0,60}}?(?<![0-9A-Za-z]){_PERMIT}{END}",
        needs=(" permit",), long=True,
    ),
    pattern(
        PiiKind.QQ_ID,
        rf"(?:(?<![A-Za-z])(?:[Qq]{{2}})|扣扣)(?:(?:号码?|群)?{GAP}|{OF})"
        r"([1-9]\d{4,10})(?![0-9A-Za-z]|\.\d)",
        needs=("qq", "扣扣"),
    ),
    wechat,
)  # fmt: skip
CHECKED: Final[tuple[Finder, ...]] = (
    pattern(PiiKind.CN_USCC, rf"({_CODE}){END}", validators.is_uscc, long=True),
    # After cards: some of those have 15 digits too, and a check.
    pattern(PiiKind.CN_RESIDENT_ID, _OLD_ALONE, validators.is_old_resident_id, long=True),
    pattern(PiiKind.CN_MOBILE, _MOBILE, long=True),
    landline,
    pattern(
        PiiKind.CN_LANDLINE, rf"{_PHONE_WORDS}{GAP}{_LOCAL}",
        needs=("电话", "座机", "传真", "致电", "拨打", "热线"), long=True,
    ),
    pattern(
        PiiKind.CN_LANDLINE, rf"{FIELD}(?i:tel|telephone|phone|fax){OF}{_LOCAL}",
        needs=("tel", "phone", "fax"), long=True,
    ),
    plate,
)  # fmt: skip
