"""The metrics of a corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from hearth.curate.clusters import Clusters, Level
from hearth.curate.ledger import Ledger, Step
from hearth.curate.plan import Split
from hearth.curate.stock import Distinct, Stock
from hearth.curate.twins import parallel


def report(
    stock: Stock,
    distinct: Distinct,
    ledger: Ledger,
    clusters: Clusters,
    contamination: Mapping[str, Any],
) -> dict[str, Any]:
    """Describe a corpus and what was left out of it, in numbers.

    Args:
        stock: Of all documents, those given up too.
        distinct: Of works and groups.
        ledger: What happened to documents.
        clusters: Of copies.
        contamination: What decontamination found, by task.
    """
    flow = ledger.flow()
    return {
        "documents": {"in": stock.documents, "out": stock.total["documents"]},
        "characters": {
            "in": sum(row["characters_in"] for row in flow if row["step"] == Step.READ),
            "out": stock.total["characters"],
        },
        "steps": flow,
        "drops": ledger.drops(),
        "retention": _retention(stock),
        "parallel": parallel(ledger),
        "mixed": _mixed(stock),
        "duplication": {**_duplication(ledger), "clusters": _clusters(clusters)},
        "pii": _pii(ledger),
        "contamination": dict(contamination),
        "splits": _splits(stock, distinct),
        "coverage": _coverage(stock, distinct),
    }


def _retention(stock: Stock) -> dict[str, Any]:
    return {
        language: {
            what: _share(stock.left.get(language, Counter())[what], entered[what])
            for what in ("documents", "characters")
        }
        for language, entered in sorted(stock.entered.items())
    }


def _mixed(stock: Stock) -> dict[str, Any]:
    return {
        language: {"documents": count, "characters": dict(sorted(stock.parts[language].items()))}
        for language, count in sorted(stock.mixed.items())
    }


def _duplication(ledger: Ledger) -> dict[str, float]:
    entered: dict[Step, int] = {}
    dropped: dict[Step, int] = {}
    for (step, _), flow in ledger.flows.items():
        entered[step] = entered.get(step, 0) + flow.entered
        dropped[step] = dropped.get(step, 0) + flow.entered - flow.left
    compared = entered.get(Step.EXACT, 0)
    return {step.value: _share(dropped.get(step, 0), compared) for step in (Step.EXACT, Step.NEAR)}


def _clusters(clusters: Clusters) -> dict[str, Any]:
    return {
        level.value: {
            "clusters": clusters.sizes[level].total(),
            "members": sum(size * count for size, count in clusters.sizes[level].items()),
            "largest": max(clusters.sizes[level], default=0),
            "widest": round(max(clusters.widths[level], default=0.0), 6),
            "reasons": dict(sorted(clusters.reasons[level].items())),
        }
        for level in Level
    }


def _pii(ledger: Ledger) -> dict[str, int]:
    kinds: Counter[str] = Counter()
    for found in ledger.found.values():
        kinds.update(found)
    return dict(sorted(kinds.items()))


def _splits(stock: Stock, distinct: Distinct) -> dict[str, Any]:
    return {
        split.value: {
            "documents": stock.splits[split.value]["documents"],
            "groups": distinct.groups.get(split.value, 0),
            "characters": stock.splits[split.value]["characters"],
            "languages": dict(sorted(stock.languages[split.value].items())),
        }
        for split in Split
    }


def _coverage(stock: Stock, distinct: Distinct) -> dict[str, Any]:
    """How much of what was mirrored is represented: by source, works and characters."""
    sources = {}
    for source, before in sorted(stock.read.items()):
        after = stock.kept[source]
        sources[source] = {
            "documents": _share(after["documents"], before["documents"]),
            "works": _share(distinct.kept.get(source, 0), distinct.works.get(source, 0)),
            "characters": _share(after["characters"], before["characters"]),
        }
    return {
        "sources": sources,
        "scored_by_perplexity": _share(stock.total["scored"], stock.total["characters"]),
    }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
