"""Whether curation treats Chinese as it treats English: on documents that say the same in both."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Any, Final

from hearth.curate.ledger import Action, Ledger, Step
from hearth.curate.rows import Row
from hearth.curate.spec import Language

GAP: Final = 2.0
"""Points of retention that Chinese may lose over English in a step without an explanation."""

_TAKEN: Final = (Action.EDITED, Action.DROPPED)


def parallel(rows: Sequence[Row], ledger: Ledger) -> list[dict[str, Any]]:
    """Compare, step by step, what is kept of documents that are translations of each other.

    Returns:
        For each step the shares of documents and characters that leave it, by language, the most
        that Chinese loses over English, in points, and where that is over `GAP`, why: the reasons
        of the step's Chinese drops and cuts.
    """
    twins = {row.doc_key: row.language for row in translations(rows)}
    result = []
    for step in Step:
        kept: dict[str, dict[str, float]] = {}
        for language in (Language.EN, Language.ZH):
            mine = [d for d in ledger[step] if twins.get(d.doc_key) == language]
            kept[language.value] = {
                "documents": share(sum(d.action is not Action.DROPPED for d in mine), len(mine)),
                "characters": share(sum(d.size for d in mine), sum(d.entered for d in mine)),
            }
        english, chinese = kept[Language.EN], kept[Language.ZH]
        # Rounded, so that two points are two points: 1 - 0.98 is a little more than 0.02.
        lost = round(max(100 * (english[name] - chinese[name]) for name in english), 4)
        said: dict[str, Any] = {"step": step.value, **kept, "gap": round(lost, 2)}
        if lost > GAP:
            reasons: Counter[str] = Counter()
            for d in ledger[step]:
                if twins.get(d.doc_key) == Language.ZH and d.action in _TAKEN:
                    reasons[d.reason or (d.spans[0][0] if d.spans else "edited")] += (
                        d.entered - d.size
                    )
            said["why"] = dict(reasons.most_common(5))
        result.append(said)
    return result


def translations(rows: Sequence[Row]) -> list[Row]:
    """Return the documents of texts that are there in English and in Chinese."""
    languages: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        if row.parallel:
            languages[row.parallel].add(row.language)
    both = {name for name, found in languages.items() if {Language.EN, Language.ZH} <= found}
    return [row for row in rows if row.parallel in both]


def share(part: int, whole: int) -> float:
    """Return a share, to six places; 1 of nothing: nothing was lost."""
    return round(part / whole, 6) if whole else 1.0
