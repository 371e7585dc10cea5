"""The numbers of what is in a corpus: keywords, perplexity, tags, tokens, weights."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from typing import Any, Final

from hearth.curate import mixture as mixtures
from hearth.curate.keywords.lists import Entries
from hearth.curate.keywords.section import KeywordAction
from hearth.curate.ledger import Ledger, Step
from hearth.curate.perplexity import Weighted
from hearth.curate.plan import Split
from hearth.curate.rows import Row
from hearth.curate.spec import CurateSpec, Language
from hearth.curate.tails import Limits, Part

_QUANTILES: Final = (0.05, 0.25, 0.5, 0.75, 0.95)
_SPACED: Final = frozenset({Language.EN.value})
"""Languages that are written with spaces between words."""
NO_TAG: Final = "–"


class Contents:
    """Counts what is in texts, as documents go by; those that were given up too."""

    def __init__(self, spec: CurateSpec, entries: Entries) -> None:
        """Count what the recipe's rules and `entries` found; of these, only numbers are told."""
        self._spec = spec
        self._entries = entries
        self._keywords: dict[str, Counter[str]] = {category: Counter() for category in entries}
        self._sources: dict[str, Counter[str]] = defaultdict(Counter)
        self._scores: dict[Part, Weighted] = defaultdict(Weighted)
        self._tags: dict[str, dict[str, Counter[str]]] = {
            name: defaultdict(Counter) for name in ("structures", "jurisdictions", "topics")
        }
        self._tokens: dict[str, Counter[str]] = defaultdict(Counter)
        self._sizes: dict[str, Counter[str]] = defaultdict(Counter)
        self._train: dict[mixtures.Part, int] = {}

    def add(self, row: Row) -> None:
        """Count a document."""
        dropped = row.step == Step.KEYWORDS
        for category, hits, _, action in row.keywords:
            found = self._keywords[category]
            found.update(documents=1, hits=hits)
            found["flagged"] += action == KeywordAction.FLAG and not dropped
            self._sources[row.source][category] += hits
        if dropped and row.reason is not None:
            self._keywords[row.reason]["dropped"] += 1
        if not row.step:
            self._keep(row)

    def _keep(self, row: Row) -> None:
        domain = str(self._spec.domain(row.source))
        scores = self._scores[row.language, domain]
        if row.perplexity is not None:
            scores.add(row.perplexity, row.size)
        size = {"documents": 1, "characters": row.size, "tokens": row.tokens}
        self._tags["structures"][row.structure or NO_TAG].update(size)
        self._tags["jurisdictions"][row.jurisdiction or NO_TAG].update(size)
        for topic in row.topics or (NO_TAG,):
            self._tags["topics"][topic].update(size)
        self._tokens[row.language][row.split.value] += row.tokens
        self._sizes[row.language].update(characters=row.size, words=row.words)
        if row.split is Split.TRAIN:
            part = mixtures.Part(row.language, domain)
            self._train[part] = self._train.get(part, 0) + row.tokens

    def report(self, ledger: Ledger, thresholds: Mapping[Part, Limits]) -> dict[str, Any]:
        """Return what the report says of texts beside where they came from.

        Args:
            ledger: What happened to documents.
            thresholds: Of perplexity, by language and domain.
        """
        return {
            "flags": ledger.flags(),
            "keywords": self._said_of_keywords(),
            "perplexity": self._said_of_perplexity(thresholds),
            "tags": {
                name: {tag: dict(found) for tag, found in sorted(tags.items())}
                for name, tags in self._tags.items()
            },
            "tokens": self._said_of_tokens(),
            "mixture_weights": mixtures.mixture(self._train, self._spec.mixture),
        }

    def _said_of_keywords(self) -> dict[str, Any]:
        entries, sums = self._entries, self._keywords
        names = ("documents", "hits", "flagged", "dropped")
        return {
            "lists": [pin.model_dump(mode="json") for pin in self._spec.lists],
            "entries": len({entry for some in entries.values() for entry in some}),
            "categories": {
                category: {"entries": len(some), **{name: sums[category][name] for name in names}}
                for category, some in sorted(entries.items())
            },
            "sources": {
                source: dict(sorted(found.items()))
                for source, found in sorted(self._sources.items())
            },
        }

    def _said_of_perplexity(self, thresholds: Mapping[Part, Limits]) -> dict[str, Any]:
        result: dict[str, Any] = defaultdict(dict)
        for (language, domain), values in sorted(self._scores.items()):
            low, high = thresholds.get((language, domain), Limits())
            quantiles = {f"p{q * 100:g}": values.quantile(q) for q in _QUANTILES}
            result[language][domain] = {**quantiles, "low": low, "high": high}
        return dict(result)

    def _said_of_tokens(self) -> dict[str, dict[str, Any]]:
        return {
            language: {
                **dict(sorted(counts.items())),
                "characters_per_token": _ratio(self._sizes[language]["characters"], counts.total()),
                "tokens_per_character": _ratio(counts.total(), self._sizes[language]["characters"]),
                # Where no spaces stand between words, what stands between spaces is no word.
                "tokens_per_word": _ratio(counts.total(), self._sizes[language]["words"])
                if language in _SPACED
                else None,
            }
            for language, counts in sorted(self._tokens.items())
        }


def _ratio(one: int, other: int) -> float:
    return round(one / max(1, other), 4)
