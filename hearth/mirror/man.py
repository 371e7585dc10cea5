r"""Manual pages to text: the part of roff that prose needs.

Macros of `man(7)` and the common ones of `mdoc(7)` become paragraphs; requests, comments, fonts
and tables' formats go. Lines are joined within a paragraph, as a formatter would, and Chinese
ones without a space.
"""

from __future__ import annotations

import re
from typing import Final

from hearth.mirror.dates import day

_SPECIAL: Final = {
    "aq": "'", "bu": "•", "co": "©", "cq": "’", "dq": '"', "em": "—", "en": "–", "ga": "`",
    "ha": "^", "hy": "-", "lq": "“", "mi": "-", "oq": "‘", "rq": "”", "rs": "\\", "ti": "~",
    "->": "→", "<-": "←", "mu": "×", "+-": "±", ">=": "≥", "<=": "≤", "fm": "′", "de": "°",
}  # fmt: skip
_STRINGS: Final = {"R": "®", "Tm": "™", "lq": "“", "rq": "”", "dq": '"', "Aq": "'", "C+": "C++"}
_ESCAPE: Final = re.compile(
    r"""\\(?:
      (?P<comment>["\#].*)
    | f(?:\[[^\]]*\]|\(..|.)                         # fonts
    | s(?:[+-]?\d{1,2}|\[[^\]]*\]|\([+-]?..)         # sizes
    | [mMFkgYnV](?:\[[^\]]*\]|\(..|.)                # colours, registers
    | [hvwblLDoxXNHSzCA]'[^']*'                      # motions, drawings
    | \*(?:\[(?P<s1>[^\]]*)\]|\((?P<s2>..)|(?P<s3>.))
    | \((?P<c2>..) | \[(?P<c1>[^\]]*)\]
    | (?P<one>.)
    | $
    )""",
    re.VERBOSE,
)
_ONE: Final = {
    "e": "\\", "-": "-", " ": " ", "~": " ", "0": " ", "'": "'", "`": "`", "t": " ", ".": ".",
}  # fmt: skip
_COMMENT: Final = re.compile(r'\\["#].*')
_ARGUMENT: Final = re.compile(r'"((?:[^"]|"")*)"?|(\S+)')
_BREAKS: Final = frozenset({
    "PP", "P", "LP", "HP", "TP", "IP", "TQ", "RS", "RE", "Pp", "sp", "br", "Bl", "El", "It",
    "Bd", "Ed", "in", "ti", "nf", "fi", "EX", "EE", "SY", "YS", "ne", "bp", "ce", "TS", "TE",
})  # fmt: skip
_HEADINGS: Final = frozenset({"SH", "SS", "Sh", "Ss"})
_FONTS: Final = frozenset({
    "B", "I", "R", "SM", "SB",
})  # fmt: skip
_MIXED: Final = frozenset({
    "BI", "BR", "IB", "IR", "RB", "RI", "OP",
})  # fmt: skip
_PROSE: Final = frozenset({
    "Nm", "Nd", "Ar", "Fl", "Pa", "Cm", "Dq", "Sq", "Pq", "Em", "Sy", "Li", "Xr", "Ev", "Va",
    "Fn", "Ft", "Fa", "Op", "Ql", "Qq", "Ns", "No", "Dv", "Er", "Ic", "Ad", "An", "Aq", "Bq",
    "Tn",
})  # fmt: skip
_BLOCKS: Final = frozenset({"de", "de1", "am", "ig", "if", "ie", "el"})
_CJK: Final = re.compile(r"[\u3000-\u303f\u3400-\u9fff\uff01-\uff60]")
_DATED: Final = re.compile(r"^[.'](TH|Dd)[ \t]+(.*)$", re.MULTILINE)
_INCLUDE: Final = re.compile(r"^\.so\s+(\S+)", re.MULTILINE)


def included(source: str) -> str | None:
    """Return the page that this one only stands in for (`.so`); None if it has text itself."""
    found = _INCLUDE.search(source)
    if found is None:
        return None
    others = [line for line in source.splitlines() if line.strip() and line[:1] not in ".'"]
    return None if others else found.group(1)


def man_date(source: str) -> str | None:
    """Return the day in the title line of a manual page."""
    found = _DATED.search(source)
    if found is None:
        return None
    said = _arguments(_COMMENT.sub("", found[2]))
    return day(" ".join(said)) if found[1] == "Dd" else day("".join(said[2:3]))


def man_text(source: str) -> tuple[str | None, str]:
    """Return the title (`name(section)`) and the text of a manual page."""
    page = _Page()
    lines = iter(source.splitlines())
    for line in lines:
        if line[:1] in {".", "'"}:
            macro, *rest = _COMMENT.sub("", line[1:]).split(None, 1) or [""]
            if macro in _BLOCKS:
                _skip_block(macro, "".join(rest), lines)
            else:
                page.macro(macro, "".join(rest).strip())
        else:
            page.line(line)
    page.end_paragraph()
    return page.title, "\n\n".join(page.paragraphs)


def _skip_block(macro: str, rest: str, lines: object) -> None:
    # Conditions and definitions are for formatters; what they hold is not prose.
    if macro in {"if", "ie", "el"}:
        depth = rest.count("\\{") - rest.count("\\}")
        while depth > 0 and (line := next(lines, None)) is not None:  # type: ignore[call-overload]
            depth += line.count("\\{") - line.count("\\}")
        return
    words = rest.split()
    end = "." + words[1] if len(words) > 1 and macro != "ig" else ".."
    while (line := next(lines, None)) is not None:  # type: ignore[call-overload]
        if line.strip() == end:
            return


class _Page:
    def __init__(self) -> None:
        self.title: str | None = None
        self.paragraphs: list[str] = []
        self._held: list[str] = []
        self._verbatim = False
        self._table = False

    def macro(self, name: str, rest: str) -> None:
        if name in {"TH", "Dt"}:
            words = _arguments(rest)
            self.title = f"{words[0]}({words[1]})" if len(words) > 1 else None
        elif name in _HEADINGS:
            self.end_paragraph()
            self.line(" ".join(_arguments(rest)))
            self.end_paragraph()
        elif name in _BREAKS:
            self._break(name, rest)
        elif name in _FONTS:
            self.line(" ".join(_arguments(rest)))
        elif name in _MIXED:
            self.line("".join(_arguments(rest)))
        elif name in {"UR", "MT", "URL"}:
            self.line(" ".join(_arguments(rest)[:1]))
        elif name in _PROSE:
            self.line(" ".join(word for word in _arguments(rest) if word not in _PROSE))

    def line(self, text: str) -> None:
        if self._table:
            return
        text = _ESCAPE.sub(_character, text).rstrip()
        if self._verbatim:
            self._held.append(text)
        elif text.strip():
            self._held.append(text.strip())
        else:
            self.end_paragraph()

    def end_paragraph(self) -> None:
        joined = "\n".join(self._held) if self._verbatim else _joined(self._held)
        self._held = []
        if joined.strip():
            self.paragraphs.append(joined.strip("\n"))

    def _break(self, name: str, rest: str) -> None:
        self.end_paragraph()
        if name in {"nf", "EX", "Bd"}:
            self._verbatim = True
        elif name in {"fi", "EE", "Ed"}:
            self._verbatim = False
        elif name in {"TS", "TE"}:
            self._table = name == "TS"
        elif name in {"IP", "It"}:
            self.line(" ".join(_arguments(rest)[:1]))


def _arguments(text: str) -> list[str]:
    return [
        (quoted or "").replace('""', '"') if quoted is not None else word
        for quoted, word in ((m.group(1), m.group(2)) for m in _ARGUMENT.finditer(text))
    ]


def _character(match: re.Match[str]) -> str:
    groups = match.groupdict()
    if groups["comment"] is not None:
        return ""
    for name in ("c1", "c2"):
        if groups[name] is not None:
            return _unicode(groups[name])
    for name in ("s1", "s2", "s3"):
        if groups[name] is not None:
            return _STRINGS.get(groups[name], "")
    return _ONE.get(groups["one"] or "", "")


def _unicode(name: str) -> str:
    if re.fullmatch(r"u[0-9A-F]{4,5}", name):
        return chr(int(name[1:], 16))
    return _SPECIAL.get(name, "")


def _joined(lines: list[str]) -> str:
    text = ""
    for line in lines:
        touching = text and not (_CJK.match(text[-1]) and _CJK.match(line[0]))
        text += (" " if touching else "") + line
    return text
