"""The numbers of what is in a corpus: keywords, perplexity, tags, tokens, weights."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from hearth.curate.keywords.lists import Entries
from hearth.curate.keywords.section import KeywordAction
from hearth.curate.ledger import Ledger, Step
from hearth.curate.mixture import mixture, tokens_of
from hearth.curate.perplexity import weighted_quantile
from hearth.curate.plan import Split
from hearth.curate.rows import Row, live
from hearth.curate.spec import CurateSpec, Language
from hearth.curate.tails import Limits, Part

_QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_SPACED: Final = frozenset({Language.EN.value})
"""Languages that are written with spaces between words."""
NO_TAG: Final = "–"


def contents(
    rows: Sequence[Row],
    spec: CurateSpec,
    ledger: Ledger,
    entries: Entries,
    thresholds: Mapping[Part, Limits],
) -> dict[str, Any]:
    """Return what the report says of texts beside where they came from.

    Args:
        rows: All rows, those given up too.
        spec: What was done.
        ledger: What happened to them.
        entries: The keywords; only their numbers are told.
        thresholds: Of perplexity, by language and domain.
    """
    staying = live(rows)
    train = (row for row in staying if row.split is Split.TRAIN)
    parts = tokens_of((row.language, str(spec.domain(row.source)), row.tokens) for row in train)
    return {
        "flags": ledger.flags(),
        "keywords": _keywords(rows, spec, entries),
        "perplexity": _perplexity(staying, spec, thresholds),
        "tags": _tags(staying),
        "tokens": _tokens(staying),
        "mixture_weights": mixture(parts, spec.mixture),
    }


def _keywords(rows: Iterable[Row], spec: CurateSpec, entries: Entries) -> dict[str, Any]:
    sums: dict[str, Counter[str]] = {category: Counter() for category in entries}
    sources: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        dropped = row.step == Step.KEYWORDS
        for category, hits, _, action in row.keywords:
            sums[category].update(documents=1, hits=hits)
            sums[category]["flagged"] += action == KeywordAction.FLAG and not dropped
            sources[row.source][category] += hits
        if dropped and row.reason is not None:
            sums[row.reason]["dropped"] += 1
    names = ("documents", "hits", "flagged", "dropped")
    return {
        "lists": [pin.model_dump(mode="json") for pin in spec.lists],
        "entries": len({entry for some in entries.values() for entry in some}),
        "categories": {
            category: {"entries": len(some), **{name: sums[category][name] for name in names}}
            for category, some in sorted(entries.items())
        },
        "sources": {
            source: dict(sorted(found.items())) for source, found in sorted(sources.items())
        },
    }


def _perplexity(
    staying: Sequence[Row], spec: CurateSpec, thresholds: Mapping[Part, Limits]
) -> dict[str, Any]:
    scores: dict[str, dict[str, list[tuple[float, int]]]] = defaultdict(lambda: defaultdict(list))
    for row in staying:
        mine = scores[row.language][str(spec.domain(row.source))]
        if row.perplexity is not None:
            mine.append((row.perplexity, len(row.text)))
    result: dict[str, Any] = {}
    for language, domains in sorted(scores.items()):
        result[language] = {}
        for domain, values in sorted(domains.items()):
            low, high = thresholds.get((language, domain), Limits())
            quantiles = {f"p{q * 100:g}": weighted_quantile(values, q) for q in _QUANTILES}
            result[language][domain] = {**quantiles, "low": low, "high": high}
    return result


def _tags(staying: Sequence[Row]) -> dict[str, Any]:
    counts: dict[str, dict[str, Counter[str]]] = {
        name: defaultdict(Counter) for name in ("structures", "jurisdictions", "topics")
    }
    for row in staying:
        size = {"documents": 1, "characters": len(row.text), "tokens": row.tokens}
        counts["structures"][row.structure or NO_TAG].update(size)
        counts["jurisdictions"][row.jurisdiction or NO_TAG].update(size)
        for topic in row.topics or (NO_TAG,):
            counts["topics"][topic].update(size)
    return {
        name: {
            tag: dict(found)
            for tag, found in sorted(tags.items(), key=lambda one: (-one[1]["tokens"], one[0]))
        }
        for name, tags in counts.items()
    }


def _tokens(staying: Sequence[Row]) -> dict[str, dict[str, Any]]:
    tokens: dict[str, Counter[str]] = defaultdict(Counter)
    sizes: dict[str, Counter[str]] = defaultdict(Counter)
    for row in staying:
        tokens[row.language][row.split.value] += row.tokens
        sizes[row.language].update(characters=len(row.text), words=row.words)
    return {
        language: {
            **dict(sorted(counts.items())),
            "characters_per_token": _ratio(sizes[language]["characters"], counts.total()),
            "tokens_per_character": _ratio(counts.total(), sizes[language]["characters"]),
            # Where no spaces stand between words, what stands between spaces is no word.
            "tokens_per_word": _ratio(counts.total(), sizes[language]["words"])
            if language in _SPACED
            else None,
        }
        for language, counts in sorted(tokens.items())
    }


def _ratio(one: int, other: int) -> float:
    return round(one / max(1, other), 4)
