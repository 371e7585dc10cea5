"""Numbers and addresses that are the same everywhere: accounts, documents, mail, networks."""

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

_CARD: Final = re.compile(
    r"[2-69](?<![0-9A-Za-z.].)(?:\d{12,18}|\d{3}([ -])\d{4}\1\d{4}\1\d{4}(?:\1\d{1,3})?"
    r"|\d{5}[ -]\d{10,13}|\d{3}([ -])\d{6}\2\d{5})(?![0-9A-Za-z]|\.\d)",
    re.ASCII,
)
_FOUR_GROUPS: Final = 19
_CARD_WORDS: Final = words("银行卡", "储蓄卡", "信用卡", "借记卡", "卡号", "[账帐][号户]")
_CARD_TERMS: Final = r"(?i:(?:bank|debit|credit|payment) card|card number|card no|account|acct)"
_CARD_LIKE: Final = rf"(\d(?:[ -]?\d){{12,18}}){END}"
_NAMED_CARD: Final = re.compile(rf"{_CARD_WORDS}{GAP}{_CARD_LIKE}", re.ASCII)
_TERMED_CARD: Final = re.compile(rf"{FIELD}{_CARD_TERMS}{OF}{_CARD_LIKE}", re.ASCII)
_IBAN: Final = re.compile(rf"[A-Z]{FREE}[A-Z]\d{{2}}(?= ?[A-Z0-9]{{4}})", re.ASCII)
_CONTINUES: Final = re.compile(r"[0-9A-Za-z]", re.ASCII)
_IBAN_NAME: Final = re.compile(r"(?i:iban)[^\n<MASK]{0,16}\Z".replace("MASK", MASK))
_SSN: Final = r"[0-8](?<![0-9A-Za-z-].)\d\d-\d\d-\d{4}(?![0-9A-Za-z]|-\d)"
_SSN_LIKE: Final = r"(\d(?<![0-9A-Za-z-].)\d\d[ -]?\d\d[ -]?\d{4})(?![0-9A-Za-z]|-\d)"
_SSN_WORDS: Final = words("社会安全号", "社会安全号码", "社安号", "美国社保号")
_PASSPORT: Final = r"([A-Z][A-Z0-9]{6,8}|\d{9})"
_IMEI: Final = r"(\d\d[ -]?\d{6}[ -]?\d{6}[ -]?\d{1,2})"

_LOCAL: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._%+-"
_LONGEST_LOCAL: Final = 64
_DOMAIN: Final = re.compile(
    r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])"
)
_QUAD: Final = re.compile(
    r"\d(?<![0-9A-Za-z.-].)\d{0,2}\.\d{1,3}\.\d{1,3}\.\d{1,3}(?![0-9A-Za-z+]|\.\d|-\d)", re.ASCII
)
_VERSION: Final = re.compile(r"(?:version|ver\.?|v|release|版本|版)[ :]{0,2}\Z", re.IGNORECASE)
_SIX: Final = r"([23](?<![0-9A-Za-z:.].)[0-9A-Fa-f]{3}:[0-9A-Fa-f:]{2,34})(?![0-9A-Za-z:])"
_MAC: Final = re.compile(
    r"[0-9A-Fa-f](?<![0-9A-Za-z.-].)(?<![^0-9A-Za-z][0-9A-Fa-f]{2}:.)[0-9A-Fa-f](?:(?::[0-9A-Fa-f]{2}){5}|(?:-[0-9A-Fa-f]{2}){5}"
    r"|[0-9A-Fa-f]{2}\.[0-9A-Fa-f]{4}\.[0-9A-Fa-f]{4})(?![0-9A-Za-z]|[:.-][0-9A-Fa-f]{2})",
    re.ASCII,
)
_CHART: Final = r"([A-Za-z]{0,4}-?\d[0-9A-Za-z-]{3,18})" + END
_CHART_WORDS: Final = words(
    "病历号", "病案号", "住院号", "门诊号", "就诊卡号", "诊疗卡号", "就诊号", "患者编号", "病人编号"
)  # fmt: skip
_CHART_TERMS: Final = (
    r"(?:(?i:medical records?|patient id|patient number|patient no|hospital number|admission no"
    r"|admission number)|MRN)"
)
_POLICY: Final = r"([A-Z]{0,4}-?\d[0-9A-Z-]{5,20})" + END
_POLICY_WORDS: Final = (
    "(?:(?:社会?保障?|医保|医疗保险|养老保险|参保|保险|保单)[卡单证]?[卡人]?(?:个人)?编?号码?"
    "|个人编号)"
)
_POLICY_TERMS: Final = (
    r"(?i:insurance (?:policy )?(?:number|no|id|card)|policy (?:number|no|(?=#))|member id"
    r"|medicare)"
)
_LEAST_DIGITS: Final = 4


@finder(PiiKind.BANK_CARD, PiiKind.CREDIT_CARD, long=True)
def card(view: str) -> Iterator[Span]:
    """Yield numbers of cards."""
    match = _CARD.search(view)
    while match:
        start, end = match.span()
        # Four groups and a short fifth may be a card of 16 digits and another number.
        ends = (end, start + _FOUR_GROUPS) if match[1] and end > start + _FOUR_GROUPS else (end,)
        for stop in ends:
            number = view[start:stop].translate(SEPARATORS)
            if validators.is_bank_card(number):
                yield Span(start, stop, _card_kind(number))
                break
        else:
            stop = start + 1
        match = _CARD.search(view, stop)


@finder(PiiKind.BANK_CARD, PiiKind.CREDIT_CARD, needs=("卡", "账", "帐"), long=True)
def named_card(view: str) -> Iterator[Span]:
    """Yield numbers named as a card's in Chinese, though the check fails."""
    for match in _NAMED_CARD.finditer(view):
        yield Span(*match.span(1), _card_kind(match[1].translate(SEPARATORS)))


@finder(
    PiiKind.BANK_CARD, PiiKind.CREDIT_CARD, needs=(" card", "card n", "account", "acct"), long=True
)
def termed_card(view: str) -> Iterator[Span]:
    """Yield the same in English."""
    for match in _TERMED_CARD.finditer(view):
        yield Span(*match.span(1), _card_kind(match[1].translate(SEPARATORS)))


def _card_kind(number: str) -> PiiKind:
    return PiiKind.CREDIT_CARD if validators.is_network_card(number) else PiiKind.BANK_CARD


@finder(PiiKind.IBAN)
def iban(view: str) -> Iterator[Span]:
    """Yield account numbers, in groups of four or in one."""
    for match in _IBAN.finditer(view):
        length = validators.IBAN_LENGTHS.get(match[0][:2])
        if length is None:
            continue
        place, characters = match.start(), list[str]()
        while len(characters) < length and place < len(view):
            character = view[place]
            if character != " ":
                characters.append(character)
            elif view[place - 1] == " ":
                break
            place += 1
        number = "".join(characters)
        whole = len(number) == length and number.isascii() and number.isalnum()
        if not whole or (view[place : place + 1].isascii() and view[place : place + 1].isalnum()):
            continue
        named = _IBAN_NAME.search(view, max(0, match.start() - 20), match.start())
        if validators.is_iban(number) or (named and number.isupper()):
            yield Span(match.start(), place, PiiKind.IBAN)


@finder(PiiKind.EMAIL, needs=("@",))
def email(view: str) -> Iterator[Span]:
    """Yield mail addresses: from the @ outwards, for a pattern would try every word."""
    at = view.find("@")
    while at >= 0:
        before = view[max(0, at - _LONGEST_LOCAL) : at]
        size = len(before) - len(before.rstrip(_LOCAL))
        domain = _DOMAIN.match(view, at + 1) if size else None
        if domain:
            yield Span(at - size, domain.end(), PiiKind.EMAIL)
        at = view.find("@", at + 1)


@finder(PiiKind.IPV4, needs=(".",))
def ipv4(view: str) -> Iterator[Span]:
    """Yield addresses that may be somebody's."""
    for match in _QUAD.finditer(view):
        if validators.is_personal_ipv4(match[0]) and not _VERSION.search(
            view, max(0, match.start() - 10), match.start()
        ):
            yield Span(*match.span(), PiiKind.IPV4)


@finder(PiiKind.MAC)
def mac(view: str) -> Iterator[Span]:
    """Yield addresses of network cards."""
    for match in matches(_MAC, view, 0, validators.is_mac):
        yield Span(*match.span(), PiiKind.MAC)


def _numbered(kind: PiiKind, expression: str, needs: tuple[str, ...]) -> Finder:
    return pattern(
        kind, expression, lambda found: validators.digits_in(found) >= _LEAST_DIGITS, needs=needs
    )


# Known by what is said beside them.
NAMED: Final[tuple[Finder, ...]] = (
    pattern(
        PiiKind.US_SSN,
        rf"(?:{_SSN_WORDS}{GAP}|{FIELD}(?i:ssn|social security){OF}){_SSN_LIKE}",
        needs=("ssn", "social security", "社会安全号", "社安号", "社保号"), long=True,
    ),
    _numbered(
        PiiKind.PASSPORT, rf"(?:护照{GAP}|证件号码?[ ]?: ?){_PASSPORT}{END}", ("护照", "证件号"),
    ),
    _numbered(PiiKind.PASSPORT, rf"{FIELD}(?i:passport){OF}{_PASSPORT}{END}", ("passport",)),
    pattern(
        PiiKind.IMEI,
        rf"(?:(?i:imei(?:/meid)?) ?\d?(?!\d)|串号|串码)[^\n0-9<。！？{MASK}]{{0,16}}{_IMEI}{END}",
        needs=("imei", "串号", "串码"), long=True,
    ),
    _numbered(
        PiiKind.MEDICAL_RECORD, rf"{_CHART_WORDS}{GAP}{_CHART}",
        ("病历号", "病案号", "住院号", "门诊号", "卡号", "就诊号", "编号"),
    ),
    _numbered(
        PiiKind.MEDICAL_RECORD, rf"{FIELD}{_CHART_TERMS}{OF}{_CHART}",
        ("medical record", "patient ", "hospital number", "admission n", "mrn"),
    ),
    _numbered(
        PiiKind.INSURANCE_NUMBER, rf"{_POLICY_WORDS}{GAP}{_POLICY}",
        ("社保", "社会保障", "医保", "保险", "参保", "保单", "个人编号"),
    ),
    _numbered(
        PiiKind.INSURANCE_NUMBER, rf"{FIELD}{_POLICY_TERMS}{OF}{_POLICY}",
        ("insurance ", "policy ", "member id", "medicare"),
    ),
)  # fmt: skip
CHECKED: Final[tuple[Finder, ...]] = (
    iban,
    pattern(
        PiiKind.IMEI, r"\d(?<![0-9A-Za-z-].)\d-\d{6}-\d{6}-\d(?![0-9A-Za-z-])", validators.luhn,
        needs=("-",), long=True,
    ),
    card,
    named_card,
    termed_card,
    pattern(PiiKind.US_SSN, _SSN, validators.is_ssn, needs=("-",), long=True),
    email,
    ipv4,
    pattern(PiiKind.IPV6, _SIX, validators.is_personal_ipv6, needs=(":",)),
    mac,
)  # fmt: skip
