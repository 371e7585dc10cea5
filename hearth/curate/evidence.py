"""Where a corpus's numbers come from: by step, source and language. What the data card shows.

Shares and sums are made here, once; `hearth.curate.card` only writes them down.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from typing import Any, Final

from hearth.curate.clusters import Clusters, Level
from hearth.curate.ledger import Ledger, Step
from hearth.curate.spec import CurateSpec, Language
from hearth.curate.stock import Distinct, Stock
from hearth.curate.twins import GAP

_SIZES: Final[Mapping[float, str]] = {
    2: "2",
    3: "3 to 4",
    5: "5 to 9",
    10: "10 to 49",
    50: "50 and more",
}
_DIAMETERS: Final[Mapping[float, str]] = {
    0.0: "0",
    1e-9: "to 0.1",
    0.1: "to 0.2",
    0.2: "to 0.4",
    0.4: "0.4 and more",
}


def evidence(
    stock: Stock, distinct: Distinct, ledger: Ledger, clusters: Clusters, spec: CurateSpec
) -> dict[str, Any]:
    """Return what the report says beside its metrics.

    Args:
        stock: Of all documents, those given up too.
        distinct: Of texts.
        ledger: What happened to documents.
        clusters: Of copies.
        spec: What was done.
    """
    flow = ledger.flow()
    sources = _sources(stock, ledger, spec)
    return {
        "totals": {
            "sources": len(sources),
            "pii": sum(source["pii"]["found"] for source in sources.values()),
        },
        "waterfall": _waterfall(flow),
        "kept": _kept(flow),
        "twins": _twins(stock, distinct),
        "sources": sources,
        "mixture": _mixture(stock),
        "cluster_sizes": _histogram(clusters),
    }


def _waterfall(flow: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Sum the flow over languages; `left` is the share of what came into the first step."""
    sums: dict[str, Counter[str]] = {step.value: Counter() for step in Step}
    for row in flow:
        sums[row["step"]].update({k: v for k, v in row.items() if k not in {"step", "language"}})
    first = sums[Step.READ]
    return [
        {
            "step": step,
            **{name: counts[name] for name in sorted(counts)},
            "left": {
                what: share(counts[f"{what}_out"], first[f"{what}_in"])
                for what in ("documents", "characters")
            },
        }
        for step, counts in sums.items()
        if counts
    ]


def _kept(flow: Iterable[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Return, step by step, the share of each language that came in and went out."""
    kept: dict[str, dict[str, Any]] = defaultdict(dict)
    for row in flow:
        kept[row["step"]][row["language"]] = {
            what: share(row[f"{what}_out"], row[f"{what}_in"])
            for what in ("documents", "characters")
        }
    return [{"step": step, "languages": languages} for step, languages in kept.items()]


def _twins(stock: Stock, distinct: Distinct) -> dict[str, Any]:
    """Say how much the comparison of Chinese with English, `parallel`, rests on."""
    return {
        "texts": distinct.twins,
        "documents": {
            language.value: stock.twins[language.value] for language in (Language.EN, Language.ZH)
        },
        "points": GAP,
    }


def _sources(stock: Stock, ledger: Ledger, spec: CurateSpec) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for source, entered in sorted(stock.offered.items()):
        left, dropped, kinds = stock.kept[source], stock.dropped[source], ledger.found[source]
        result[source] = {
            "domain": str(spec.domain(source)),
            "languages": dict(sorted(stock.spoken[source].items())),
            "documents": {"in": entered["documents"], "out": left["documents"]},
            "characters": {"in": entered["characters"], "out": left["characters"]},
            "tokens": left["tokens"],
            "dropped": {step.value: dropped[step] for step in Step if dropped[step]},
            "pii": {
                "documents": ledger.touched[source],
                "found": kinds.total(),
                "kinds": dict(sorted(kinds.items())),
            },
        }
    return result


def _mixture(stock: Stock) -> dict[str, Any]:
    """Return sizes and shares of the whole corpus and of train, each by what it consists of."""
    names = ("documents", "characters", "tokens", "train_tokens")
    return {
        "total": {name: stock.total[name] for name in names},
        **{
            way: {
                part: {name: sizes[name] for name in names}
                | {"share": share(sizes["train_tokens"], stock.total["train_tokens"])}
                for part, sizes in sorted(found.items())
            }
            for way, found in stock.mixture.items()
        },
    }


def _histogram(clusters: Clusters) -> dict[str, Any]:
    """Count the clusters of each level by size and by diameter."""
    return {
        level.value: {
            "sizes": _binned(clusters.sizes[level], _SIZES),
            "diameters": _binned(clusters.widths[level], _DIAMETERS),
        }
        for level in Level
    }


def _binned(values: Mapping[Any, int], bins: Mapping[float, str]) -> list[dict[str, Any]]:
    edges, names = list(bins), list(bins.values())
    counts: Counter[str] = Counter()
    for value, count in values.items():
        counts[names[max(0, bisect_right(edges, value) - 1)]] += count
    return [{"bin": name, "clusters": counts[name]} for name in names]


def share(part: int, whole: int) -> float:
    """Return a part's share of a whole, to six places; 0 of nothing."""
    return round(part / whole, 6) if whole else 0.0
