"""Keys, tokens and passwords."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from typing import Final

from hearth.curate.pii.finders import Finder, finder, pattern
from hearth.curate.pii.fold import MASK
from hearth.curate.pii.kinds import PiiKind, Span

_PRIVATE_KEY: Final = re.compile(r"-----BEGIN [A-Z0-9 ]{0,30}PRIVATE KEY(?: BLOCK)?-----")
_KEY_LINES: Final = re.compile(r"(?:\s{0,4}[A-Za-z0-9+/=:, -]{1,100}(?=\n|$)){1,400}")
_KEY_LIMIT: Final = 20_000
_AUTHORITY: Final = re.compile(
    rf"[^\s/:@<>\"'{MASK}]{{0,64}}:[^\s/@<>\"'{MASK}]{{1,128}}(?=@[^\s@])", re.ASCII
)
_KEY_END: Final = r"(?![A-Za-z0-9_-])"
_KEY_START: Final = r"(?<![0-9A-Za-z])"
# Printable ASCII without quotes, brackets and what parts a list.
_VALUE: Final = r"([!#-&*+.-:=?-\[\]-`a-z|~-]{6,64})"
# From its first letter, which `re` finds fast: passwords, secrets, API keys, access tokens.
_TERMS: Final = (
    r"[PpSsAa](?<!<.)(?:(?<=[Pp])(?i:ass(?:word|wd|phrase|code)s?|wd)|(?<=[Ss])(?i:ecret(?:_?key)?)"
    r"|(?<=[Aa])(?i:pi_?key|ccess_?token))(?:[\"']?[ ]?[:=]{1,2}[ ]?| (?:is|was):? | )"
)
_PASSWORDS: Final = tuple(
    re.compile(rf"{words}[\"'`]?{_VALUE}", re.ASCII)
    for words in (
        _TERMS,
        r"(?:密码|口令|密碼)[ ]?(?:[:=]|[是为]|[设改][为成]|重置为)?[ :]{0,2}[“「]?",
    )
)
_SENTENCE_END: Final = ".?!)]}`"
# Code that computes a secret is not one, nor is a path or a section's number.
_CODE: Final = re.compile(r"[({\[$\\]|%s|::|->|://|\A[/~-]|\A[0-9]+(?:\.[0-9]+)+\Z", re.ASCII)
_LEAST: Final = 6


@finder(PiiKind.PRIVATE_KEY, needs=("private key",))
def private_key(view: str) -> Iterator[Span]:
    """Yield whole blocks, or what of one is there."""
    end = 0
    for match in _PRIVATE_KEY.finditer(view):
        if match.start() < end:
            continue
        end = view.find("-----END ", match.end(), match.end() + _KEY_LIMIT)
        if end >= 0:
            close = view.find("-----", end + len("-----END "), end + 60)
            end = close + 5 if close >= 0 else end + len("-----END ")
        elif rest := _KEY_LINES.match(view, match.end()):
            end = rest.end()
        else:
            end = match.end()
        yield Span(match.start(), end, PiiKind.PRIVATE_KEY)


@finder(PiiKind.URL_CREDENTIALS, needs=("://",))
def url_credentials(view: str) -> Iterator[Span]:
    """Yield `user:password` of addresses."""
    at = view.find("://")
    while at >= 0:
        if match := _AUTHORITY.match(view, at + 3):
            yield Span(*match.span(), PiiKind.URL_CREDENTIALS)
        at = view.find("://", at + 3)


@finder(
    PiiKind.PASSWORD,
    needs=(
        "passw", "passp", "passc", "pwd", "secret", "api_key", "apikey", "token",
        "密码", "口令", "密碼",
    ),
)  # fmt: skip
def password(view: str) -> Iterator[Span]:
    """Yield passwords named as such: with a digit, for prose says `password: see below`."""
    for match in itertools.chain.from_iterable(words.finditer(view) for words in _PASSWORDS):
        value = match[1]
        # `Hunter12!` ends in its own mark, and one more mark is the sentence's.
        kept = value.rstrip(_SENTENCE_END)
        if len(kept) < len(value) and value[len(kept)] == "!":
            kept += "!"
        if len(kept) < _LEAST or _CODE.search(kept) or not any("0" <= c <= "9" for c in kept):
            continue
        yield Span(match.start(1), match.start(1) + len(kept), PiiKind.PASSWORD)


FINDERS: Final[tuple[Finder, ...]] = (
    private_key,
    url_credentials,
    pattern(
        PiiKind.ACCESS_KEY,
        _KEY_START
        + r"((?:AKIA|ASIA)[A-Z0-9]{16}|LTAI[A-Za-z0-9]{12,26}|AKID[A-Za-z0-9]{32}|AIza[\w-]{35}"
        r"|AKLT[A-Za-z0-9]{20,60})" + _KEY_END,
        needs=("akia", "asia", "ltai", "akid", "aiza", "aklt"),
    ),
    pattern(
        PiiKind.ACCESS_KEY,
        r"(?i:secret_?access_?key|access_?key_?secret|secret_?key|account_?key)"
        r"[\"']?[ ]?[:=][ ]?[\"']?([A-Za-z0-9+/=]{30,90})(?![A-Za-z0-9+/=])",
        needs=("access", "secret", "account"),
    ),
    pattern(
        PiiKind.TOKEN,
        _KEY_START + r"(gh[pousr]_[A-Za-z0-9]{36,251}|github_pat_\w{22,255}|glpat-[\w-]{20,}+"
        r"|hf_[A-Za-z0-9]{30,40}|npm_[A-Za-z0-9]{36}|pypi-AgEI[\w-]{50,}+"
        r"|SG\.[\w-]{16,32}\.[\w-]{30,64}"
        r"|xox[abprs]-[A-Za-z0-9-]{10,}+|xapp-[A-Za-z0-9-]{20,}+|[sr]k_live_[A-Za-z0-9]{20,120}"
        r"|sk-[\w-]{20,}+)" + _KEY_END,
        needs=(
            "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "github_pat_", "glpat-", "hf_", "npm_",
            "pypi-agei", "sg.", "xox", "xapp-", "k_live_", "sk-",
        ),
    ),
    pattern(
        PiiKind.TOKEN,
        _KEY_START + r"(eyJ[\w-]{10,2000}+\.eyJ[\w-]{10,}+\.[\w-]{10,}+)" + _KEY_END,
        needs=("eyj",),
    ),
    pattern(
        PiiKind.TOKEN,
        r"(?i:bearer|authorization: basic) ([A-Za-z0-9._~+/-]{20,2000}+={0,2})(?![A-Za-z0-9])",
        lambda found: any("0" <= c <= "9" for c in found),
        needs=("bearer ", "basic "),
    ),
    password,
)  # fmt: skip
