"""Both ends of perplexity: the high one goes, the low one is flagged, test is never trimmed."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from typing import Final, NamedTuple

from hearth.curate.ledger import Action
from hearth.curate.perplexity import Weighted
from hearth.curate.plan import Split
from hearth.curate.spec import PerplexitySection

HIGH: Final = "high perplexity"
LOW: Final = "low perplexity"
"""As repetition has: every character is told by those before it."""

Part = tuple[str, str]
"""Language and domain."""


class Scored(NamedTuple):
    """What the thresholds are made from, and what they judge."""

    language: str
    domain: str
    source: str
    split: Split
    perplexity: float | None
    characters: int


class Limits(NamedTuple):
    """The thresholds of a part; None where there is none."""

    low: float | None = None
    high: float | None = None


def limits(scored: Iterable[Scored], section: PerplexitySection) -> dict[Part, Limits]:
    """Return the thresholds of each language and domain, frozen on its train documents.

    Sources that are exempt say nothing, and a part with too few documents has no threshold.
    """
    known: dict[Part, Weighted] = defaultdict(Weighted)
    for one in scored:
        mine = one.split is Split.TRAIN and one.source not in section.exempt
        if mine and one.perplexity is not None:
            known[one.language, one.domain].add(one.perplexity, one.characters)
    found = {}
    for part, values in sorted(known.items()):
        if len(values) >= section.min_documents:
            low = values.quantile(section.low_quantile) if section.low_quantile else None
            found[part] = Limits(low, values.quantile(section.quantile))
    return found


def verdict(
    one: Scored, thresholds: Mapping[Part, Limits], exempt: Collection[str]
) -> tuple[Action, str | None]:
    """Return what becomes of a document, and why."""
    low, high = thresholds.get((one.language, one.domain), Limits())
    if one.perplexity is None or one.source in exempt:
        return Action.KEPT, None
    if high is not None and one.perplexity > high and one.split is not Split.TEST:
        return Action.DROPPED, HIGH
    if low is not None and one.perplexity < low:
        return Action.FLAGGED, LOW
    return Action.KEPT, None
