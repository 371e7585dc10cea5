r"""One pattern per kind, and a validator where the number carries a check.

Boundaries are ASCII look-arounds and never `\b`: a Chinese character is a word character to `re`,
so `\b` finds no boundary in `电话13912345678。`. Every pattern is bounded and takes linear time,
because `re` cannot be interrupted. Patterns see the text with full-width forms as ASCII.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

from hearth.curate.pii import validators
from hearth.curate.pii.kinds import PiiKind, Span

# Stands where something was found already. It belongs to no pattern's characters.
MASK = "\ufffc"
# Full-width ASCII and the ideographic space, one character for one: offsets stay those of the text.
FULL_WIDTH = {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)} | {0x3000: 0x20}

_SEPARATORS = str.maketrans("", "", " -")
# Before and after a number: no ASCII letter or digit.
_FREE = r"(?<![0-9A-Za-z])"
_END = r"(?![0-9A-Za-z])"
# A field's name is no part of a longer name, nor of a placeholder such as <PASSPORT>.
_FIELD = r"(?<![A-Za-z_<])"
# What stands between a field's Chinese name and its value: 号码：
_GAP = rf"[^\n0-9A-Za-z<{MASK}]{{0,12}}"
# The same in English: " number is: "
_OF = r"(?i: ?(?:numbers?|num|no\.?|card|#))?(?: is)?[ :#=]{1,4}"

_PRIVATE_KEY = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINES = re.compile(r"(?:\s{0,4}[A-Za-z0-9+/=:, -]{1,100}(?=\n|$)){1,400}")
_KEY_LIMIT = 20_000
_LOCAL_PART = re.compile(r"[A-Za-z0-9._%+-]{1,64}\Z")
_DOMAIN = re.compile(r"(?:[A-Za-z0-9](?:[A-Za-z0-9-]{0,62})\.){1,8}[A-Za-z]{2,24}(?![A-Za-z0-9-])")
_VERSION = re.compile(r"(?:version|ver\.?|v|release|版本|版)[ :]{0,2}\Z", re.IGNORECASE)


class Pattern(NamedTuple):
    """A pattern; what it finds is its group 1, or the whole match where it has no group.

    Attributes:
        kind: What it finds.
        expression: The pattern.
        validate: The check that what was found must pass, separators removed.
        needs: A cheap test: where none of these strings occurs, the pattern is not tried.
    """

    kind: PiiKind
    expression: re.Pattern[str]
    validate: Callable[[str], bool] | None = None
    needs: tuple[str, ...] = ()


def _pattern(expression: str, flags: re.RegexFlag = re.NOFLAG) -> re.Pattern[str]:
    return re.compile(expression, re.ASCII | flags)


# In order of precedence: the first to claim a stretch of text keeps it.
PATTERNS: tuple[Pattern, ...] = (
    Pattern(
        PiiKind.URL_CREDENTIALS,
        _pattern(rf"(?<=://)([^\s/:@<>\"'{MASK}]{{1,64}}:[^\s/:@<>\"'{MASK}]{{1,128}})(?=@)"),
        needs=("://",),
    ),
    Pattern(
        PiiKind.ACCESS_KEY,
        _pattern(
            _FREE
            + r"((?:AKIA|ASIA)[A-Z0-9]{16}|LTAI[A-Za-z0-9]{12,26}|AKID[A-Za-z0-9]{32}|AIza[\w-]{35}"
            r"|gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_\w{22,255}|glpat-[\w-]{20,64}|hf_[A-Za-z0-9]{30,40}"
            r"|xox[abprs]-[A-Za-z0-9-]{10,200}|sk-[A-Za-z0-9_-]{20,200}"
            r"|eyJ[\w-]{10,2000}\.eyJ[\w-]{10,4000}\.[\w-]{10,2000})(?![A-Za-z0-9_-])"
        ),
        needs=("AKI", "ASIA", "LTAI", "AIza", "gh", "glpat-", "hf_", "xox", "sk-", "eyJ"),
    ),
    Pattern(
        PiiKind.PASSWORD,
        _pattern(
            r"(?<![A-Za-z<])(?:pass(?:word|wd|phrase)|pwd|secret(?:_?key)?|api_?key|access_?token"
            r"|密码|口令)[ ]?[:=为是][ ]?[\"']?"
            rf"(?=[^\s<>{MASK}]{{0,63}}[0-9])(?=[^\s<>{MASK}]{{0,63}}[A-Za-z])"
            rf"([^\s\"'<>,;，。；、（）{MASK}]{{8,64}})",
            re.IGNORECASE,
        ),
        needs=(
            "ass",
            "ASS",
            "pwd",
            "PWD",
            "ecret",
            "ECRET",
            "key",
            "KEY",
            "oken",
            "OKEN",
            "密码",
            "口令",
        ),
    ),
    Pattern(
        PiiKind.CN_RESIDENT_ID,
        _pattern(
            _FREE + r"([1-8]\d{5}[ -]?(?:19|20)\d\d(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"
            r"[ -]?\d{3}[\dXx])" + _END
        ),
        validators.is_resident_id,
    ),
    # Named as one, a number goes even when its check fails: people mistype.
    Pattern(
        PiiKind.CN_RESIDENT_ID,
        _pattern(rf"(?:身份证|公民身份){_GAP}(\d{{17}}[\dXx]|\d{{15}}){_END}"),
        needs=("身份",),
    ),
    Pattern(
        PiiKind.CN_USCC,
        _pattern(_FREE + r"([0-9A-HJ-NPQRTUWXY]{2}\d{6}[0-9A-HJ-NPQRTUWXY]{10})" + _END),
        validators.is_uscc,
    ),
    Pattern(
        PiiKind.BANK_CARD,
        _pattern(
            r"(?<![0-9A-Za-z.])([3-6]\d\d\d"
            r"(?:([ -]?)\d{4}(?:\2\d{4}){1,2}\2?\d{1,5}|\d{9,15}))"
            r"(?![0-9A-Za-z]|\.\d)"
        ),
        validators.is_bank_card,
    ),
    Pattern(
        PiiKind.BANK_CARD,
        _pattern(
            rf"(?:银行卡|储蓄卡|信用卡|借记卡|卡号|银行账号|银行帐号){_GAP}"
            rf"(\d{{4}}(?:[ -]?\d{{4}}){{2,3}}(?:[ -]?\d{{1,3}})?){_END}"
        ),
        needs=("卡", "银行"),
    ),
    Pattern(
        PiiKind.PASSPORT,
        _pattern(rf"护照{_GAP}([A-Z]{{1,2}}\d{{7,8}}){_END}"),
        needs=("护照",),
    ),
    Pattern(
        PiiKind.PASSPORT,
        _pattern(rf"{_FIELD}(?i:passport){_OF}([A-Z]{{1,2}}\d{{7,8}}){_END}"),
        needs=("assport", "ASSPORT"),
    ),
    Pattern(
        PiiKind.CN_MOBILE,
        _pattern(
            r"(?<![0-9A-Za-z.+])((?:(?:\+|00)?86[ -]?)?"
            r"1(?:3\d|4[5-9]|5[0-35-9]|6[2567]|7[0-8]|8\d|9\d)"
            r"([ -]?)\d{4}\2\d{4})(?![0-9A-Za-z]|\.\d)"
        ),
    ),
)


def detect_once(view: str) -> Iterator[Span]:
    """Yield what one pass finds, perhaps overlapping, in order of precedence."""
    yield from _private_keys(view)
    for kind, expression, validate, needs in PATTERNS:
        if needs and not any(word in view for word in needs):
            continue
        group = 1 if expression.groups else 0
        for match in expression.finditer(view):
            if validate is None or validate(match[group].translate(_SEPARATORS)):
                yield Span(*match.span(group), kind)
    yield from _emails(view)
    yield from _addresses(view)


def _private_keys(view: str) -> Iterator[Span]:
    if "PRIVATE KEY" not in view:
        return
    for match in _PRIVATE_KEY.finditer(view):
        end = view.find("-----END ", match.end(), match.end() + _KEY_LIMIT)
        if end >= 0:
            close = view.find("-----", end + len("-----END "), end + 60)
            end = close + 5 if close >= 0 else end + len("-----END ")
        elif rest := _KEY_LINES.match(view, match.end()):
            end = rest.end()
        else:
            end = match.end()
        yield Span(match.start(), end, PiiKind.PRIVATE_KEY)


def _emails(view: str) -> Iterator[Span]:
    # From the @ outwards: a pattern that starts with the local part would try every word.
    at = view.find("@")
    while at >= 0:
        local = _LOCAL_PART.search(view, max(0, at - 64), at)
        domain = _DOMAIN.match(view, at + 1) if local else None
        if local and domain:
            yield Span(local.start(), domain.end(), PiiKind.EMAIL)
        at = view.find("@", at + 1)


_QUAD = re.compile(r"(?<![0-9A-Za-z.-])(?:\d{1,3}\.){3}\d{1,3}(?![0-9A-Za-z]|\.\d|-\d)", re.ASCII)


def _addresses(view: str) -> Iterator[Span]:
    for match in _QUAD.finditer(view):
        if not validators.is_personal_ipv4(match[0]):
            continue
        if _VERSION.search(view, max(0, match.start() - 10), match.start()):
            continue
        yield Span(*match.span(), PiiKind.IPV4)
