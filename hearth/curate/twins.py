"""Whether curation treats Chinese as it treats English: on documents that say the same in both.

A twin is a document of a text that is there in English and in Chinese.
"""

from __future__ import annotations

from typing import Any, Final

from hearth.curate.ledger import Ledger, Step
from hearth.curate.spec import Language

GAP: Final = 2.0
"""Points of retention that Chinese may lose over English in a step without an explanation."""


def parallel(ledger: Ledger) -> list[dict[str, Any]]:
    """Compare, step by step, what is kept of documents that are translations of each other.

    Returns:
        For each step the shares of documents and characters that leave it, by language, the most
        that Chinese loses over English, in points, and where that is over `GAP`, why: the reasons
        of the step's Chinese drops and cuts.
    """
    result = []
    for step in Step:
        kept: dict[str, dict[str, float]] = {}
        for language in (Language.EN, Language.ZH):
            flow = ledger.twins[step, language.value]
            kept[language.value] = {
                "documents": share(flow.left, flow.entered),
                "characters": share(flow.characters_out, flow.characters_in),
            }
        english, chinese = kept[Language.EN], kept[Language.ZH]
        # Rounded, so that two points are two points: 1 - 0.98 is a little more than 0.02.
        lost = round(max(100 * (english[name] - chinese[name]) for name in english), 4)
        said: dict[str, Any] = {"step": step.value, **kept, "gap": round(lost, 2)}
        if lost > GAP:
            said["why"] = dict(ledger.lost[step, Language.ZH.value].most_common(5))
        result.append(said)
    return result


def share(part: int, whole: int) -> float:
    """Return a share, to six places; 1 of nothing: nothing was lost."""
    return round(part / whole, 6) if whole else 1.0
