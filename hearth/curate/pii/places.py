"""Where somebody lives or is: addresses down to the door, coordinates."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

from hearth.curate.pii.finders import Finder, finder
from hearth.curate.pii.fold import MASK
from hearth.curate.pii.kinds import PiiKind, Span

_HAN: Final = "[\u4e00-\u9fff]"
_NUMBER: Final = r"\d{1,5}(?:-\d{1,4})?[A-Za-z]?"
_UNIT: Final = r"(?:号楼|号院|号(?!线|文|令|公告|机|案|台风)|弄|栋|幢|座|组|室|单元|楼|层|户|门)"
# From the street's or estate's last character to the door.
_CELL: Final = rf"(?:{_NUMBER}{_UNIT}|[A-Z][座塔栋区幢])"
_DOOR: Final = re.compile(
    r"(?:[一二三四五六七八九十]区|路|街|大道|道|巷|胡同|弄|村|庄|屯|小区|花园|苑|家园|公寓|大厦|广场|园区|社区|新城)"
    rf"(?:[东西南北中]?[段里路街]|[甲乙]|第)?{_NUMBER}{_UNIT}"
    rf"(?:{_HAN}{{0,8}}{_CELL}){{0,5}}(?:\d{{2,4}}(?![0-9A-Za-z.])(?!年|元|人))?",
    re.ASCII,
)
# 道 and 路 that lead to no door.
_NO_STREET: Final = re.compile(
    "(?:频|轨|通|管|渠|隧|跑|车|报|赛|航|水)道\\Z|(?:铁|线|电|公|网|思|套|一)路\\Z"
)
_BEFORE: Final = re.compile(rf"{_HAN}{{1,32}}\Z")
# What stands before an address without a break; not inside one, so only before its first region.
_LEAD: Final = re.compile(
    "位于|坐落[于在]|居住[于在]|现住址?|住[址在于]|[寄送搬迁移发]{1,2}[到至往]|前往|来到|地址"
    "|[至到在于为是住往向从由即系抵离距]"
)
_REGION: Final = re.compile("省|自治区|市|区|县|旗|州|盟")
_FAR: Final = 8

_STREET: Final = (
    r"(?:Street|St|Road|Rd|Avenue|Ave|Lane|Ln|Drive|Dr|Boulevard|Blvd|Way|Court|Ct|Place|Square|Terrace"
    r"|Crescent|Highway|Hwy)(?![A-Za-z])\.?"
)
_PART: Final = (
    r"(?:Room|Rm|Suite|Ste|Flat|Apt|Apartment|Unit|Building|Bldg|Block|Floor|Tower)\.? ?#?"
    r"\d{1,5}[A-Z]?"
)
_ENGLISH: Final = re.compile(
    r"\d(?<![0-9A-Za-z.-].)\d{0,4}[A-Za-z]?,? "
    rf"(?:[A-Z][A-Za-z'.-]{{1,20}} ){{1,4}}{_STREET}"
    rf"(?:, ?{_PART}){{0,3}}(?:, [A-Z][a-z]{{1,20}}(?: [A-Z][a-z]{{2,20}}){{0,2}}){{0,2}}"
    r"(?:,? [A-Z]{2} \d{5}(?:-\d{4})?(?!\d)| [A-Z]{1,2}\d[A-Z\d]? \d[A-Z]{2}(?![A-Z]))?",
)
_ROOM: Final = re.compile(rf"(?<![0-9A-Za-z.-])(?:{_PART}, ?){{0,4}}(?:No\. ?)?\Z")
_LONGEST_ROOM: Final = 80
# "A 500 GB Hard Drive", "3 Hard Disk Place": hardware has drives too.
_HARDWARE: Final = re.compile(r"\b(?:Hard|Disk|Flash|USB|Tape|GB|MB|TB|CD|DVD|ROM) ")

_LABEL: Final = (
    r"(?:[东西]经|[北南]纬|经度|纬度|(?i:lat(?:itude)?|lon(?:g(?:itude)?)?|lng))?[:= ]{0,3}"
)
_DEGREES: Final = (
    r"(?:[NSEW] ?)?[-+]?\d{1,3}(?:\.\d{4,10}[ ]?[°度]?"
    r"|[°度][ ]?\d{1,2}(?:\.\d{1,6})?['′’分][ ]?(?:\d{1,2}(?:\.\d{1,4})?(?:\"|″|”|秒|''))?)"
    r"[ ]?[NSEW]?"
)
_PAIR: Final = re.compile(
    rf"(?<![0-9A-Za-z.])\(?(?P<first>{_LABEL}{_DEGREES})(?:[ ]?[,;/、][ ]?| |和| and )"
    rf"(?P<second>{_LABEL}{_DEGREES})\)?(?![0-9A-Za-z])",
    re.ASCII,
)
_POSSIBLE: Final = re.compile(r"\d(?:\.\d{4}|[°度])", re.ASCII)
_DECIMAL: Final = re.compile(r"\d{1,3}(?:\.\d+)?", re.ASCII)
_SAID: Final = re.compile(
    rf"(?i:coord|坐标|经纬|定位|位置|gps|geo|location|position|lat|lon)[^{MASK}\n]{{0,24}}\Z"
)
_PRECISE: Final = re.compile(
    r"\d{2}\.\d{5,}, ?-?\d{1,3}\.\d{5}|\d\.\d{5,}, ?-?\d{2,3}\.\d{5}", re.ASCII
)
_IN_A_ROW: Final = re.compile(r"[\d.][,;\s\[\]()]{1,6}\Z", re.ASCII)
_GOES_ON: Final = re.compile(r"[,;\s\[\]()]{0,6}[-+]?\d", re.ASCII)
_MARKED: Final = re.compile("[°度NSEW经纬]|(?i:la?t|lon)")


@finder(PiiKind.ADDRESS, needs=("号", "弄", "栋", "幢", "座", "组", "室", "单元", "楼", "层", "户"))
def chinese_address(view: str) -> Iterator[Span]:
    """Yield addresses from the largest region named to the door."""
    for match in _DOOR.finditer(view):
        street = match.start()
        before = _BEFORE.search(view, max(0, street - 32), street)
        if before is None:
            continue
        run = before[0]
        suffix = view[street : street + 1]
        if _NO_STREET.search(run[-1] + suffix):
            continue
        region = _REGION.search(run, 1)
        limit = region.start() if region else len(run)
        cut = 0
        for lead in _LEAD.finditer(run, 0, limit):
            if lead.end() < len(run):
                cut = lead.end()
        if not region and not cut:
            cut = max(0, len(run) - _FAR)
        if len(run) > cut:
            yield Span(before.start() + cut, match.end(), PiiKind.ADDRESS)


@finder(PiiKind.ADDRESS)
def english_address(view: str) -> Iterator[Span]:
    """Yield addresses from the room or the house number to the postcode."""
    for match in _ENGLISH.finditer(view):
        if not _HARDWARE.search(match[0]):
            room = _ROOM.search(view, max(0, match.start() - _LONGEST_ROOM), match.start())
            yield Span(room.start() if room else match.start(), match.end(), PiiKind.ADDRESS)


@finder(PiiKind.COORDINATES)
def coordinates(view: str) -> Iterator[Span]:
    """Yield pairs of degrees: marked as such, or named so before, or exact to a metre."""
    if not _POSSIBLE.search(view):
        return
    for match in _PAIR.finditer(view):
        first, second = (_DECIMAL.search(match[name]) for name in ("first", "second"))
        if first is None or second is None:
            continue
        small, large = sorted((float(first[0]), float(second[0])))
        if small > 90 or large > 180:  # noqa: PLR2004  degrees of latitude and longitude
            continue
        marked = all(_MARKED.search(match[name]) for name in ("first", "second"))
        if (
            marked
            or _stands_alone(view, match)
            or _SAID.search(view, max(0, match.start() - 34), match.start())
        ):
            yield Span(*match.span(), PiiKind.COORDINATES)


def _stands_alone(view: str, match: re.Match[str]) -> bool:
    """Whether a bare pair is exact to a metre, of a place's size, and no part of a row."""
    before = view[max(0, match.start() - 8) : match.start()]
    return bool(
        _PRECISE.search(match[0])
        and not _IN_A_ROW.search(before)
        and not _GOES_ON.match(view, match.end())
    )


FINDERS: Final[tuple[Finder, ...]] = (chinese_address, english_address, coordinates)
