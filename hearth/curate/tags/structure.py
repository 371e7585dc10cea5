"""What the lines of a text are, and what that makes of the text."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import Final

from hearth.curate.tags.section import LineKind, TagSection

_LOOKED_AT: Final = 300
"""Characters of a line; and only so many lines of a document."""
_LINES: Final = 5_000
_SHORT: Final = 120
_TWICE: Final = 2

# Of manual pages; translations give a heading in both languages.
_HEADING: Final = (
    "(?:NAME|SYNOPSIS|DESCRIPTION|OPTIONS|EXAMPLES?|SEE ALSO|FILES|ENVIRONMENT|USAGE|BUGS|NOTES"
    "|KEYWORDS|PARAMETERS|名称|名字|总览|概述|概要|摘要|描述|选项|用法|参见|参阅|另见|环境变量|例子|注意"
    "|关键字|参数|作者|报告错误)"
)

_PATTERNS: Final = {
    LineKind.CLAUSE: re.compile(
        r"第[一二三四五六七八九十百千零〇两\d]{1,8}[条章节款编]"
        r"|(?:Article|Section|Chapter|Clause|Rule)\s\d{1,4}\b|§{1,2}\s?\d",
    ),
    LineKind.ROW: re.compile(
        r"[^|\t]*[|\t][^|\t]*[|\t]|\S[^ ]*(?: \S+){0,20} {2,}\S+(?: \S+){0,20} {2,}\S"
    ),
    LineKind.ITEM: re.compile(
        r"[-*+•·●○◦▪■◆]\s|[(（]?\d{1,3}[.)、）]|[一二三四五六七八九十]{1,3}、"
        r"|[(（][一二三四五六七八九十a-z]{1,3}[)）]"
    ),
    LineKind.CODE: re.compile(
        r"(?:def|class|import|from|return|public|private|static|function|const|let|var)\s[\w.*{}]+.*"
        r"[({:;=\w]$|#include\b|#!/|\$\s\S|>>>\s|</?[a-zA-Z][\w-]*[\s>]|[^a-zA-Z]*[{}\]);]+;?$"
        r"|[\w.\[\]]+\s?[-+*/]?=\s?\S.*;$|\w[\w.]*\(.*\)[;{]?$"
    ),
    LineKind.MANUAL: re.compile(
        rf"{_HEADING}(?:\s?[(（]?{_HEADING}[)）]?)?[:：]?$|--?[A-Za-z][\w-]*(?:[ ,=\[]|$)"
    ),
}
_ASKED: Final = re.compile(r"(?:问|提问|[Qq](?:uestion)?\s?\d{0,3})\s?[:：.、]")
_SPEAKER: Final = re.compile(
    r"([^\s:：,，。.;；!?！？、]{1,12}(?: [^\s:：,，。.;；!?！？、]{1,12})?)[:：]\s?\S"
)


def kinds(text: str) -> tuple[Counter[LineKind], int]:
    """Count the lines of a text by kind, and those with text. A line may be of several kinds."""
    lines = [line[:_LOOKED_AT] for line in map(str.strip, text.split("\n")[:_LINES]) if line]
    counts: Counter[LineKind] = Counter()
    for line in lines:
        counts.update(kind for kind, pattern in _PATTERNS.items() if pattern.match(line))
        counts[LineKind.QUESTION] += bool(
            (len(line) <= _SHORT and line.endswith(("?", "？"))) or _ASKED.match(line)
        )
    counts[LineKind.TURN] = _turns(lines)
    return counts, len(lines)


def _turns(lines: Sequence[str]) -> int:
    """Count the lines that speakers begin who speak more than once, where two such do."""
    found = (_SPEAKER.match(line) for line in lines)
    speakers = Counter(match[1] for match in found if match)
    again = [count for count in speakers.values() if count >= _TWICE]
    return sum(again) if len(again) >= _TWICE else 0


def structure(text: str, section: TagSection) -> str:
    """Return what a text is."""
    counts, total = kinds(text)
    for rule in section.structures:
        mine = sum(counts[kind] for kind in rule.lines)
        if mine >= rule.least and mine >= rule.share * total:
            return rule.name
    return section.structure
