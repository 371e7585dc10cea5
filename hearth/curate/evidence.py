"""Where a corpus's numbers come from: by step, source and language. What the data card shows.

Shares and sums are made here, once; `hearth.curate.card` only writes them down.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from hearth.curate.clusters import Level, Member
from hearth.curate.ledger import Ledger, Step
from hearth.curate.plan import Split
from hearth.curate.rows import Row, live
from hearth.curate.spec import CurateSpec, Language
from hearth.curate.twins import GAP, translations

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
_UNKNOWN: Final = "unknown"


def evidence(
    rows: Sequence[Row], ledger: Ledger, members: Sequence[Member], spec: CurateSpec
) -> dict[str, Any]:
    """Return what the report says beside its metrics.

    Args:
        rows: All rows, those given up too.
        ledger: What happened to them.
        members: Of the clusters of copies.
        spec: What was done.
    """
    staying = live(rows)
    flow = ledger.flow()
    sources = _sources(rows, staying, ledger, spec)
    return {
        "totals": {
            "sources": len(sources),
            "pii": sum(source["pii"]["found"] for source in sources.values()),
        },
        "waterfall": _waterfall(flow),
        "kept": _kept(flow),
        "twins": _twins(rows),
        "sources": sources,
        "mixture": _mixture(staying, spec),
        "cluster_sizes": _histogram(members),
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


def _twins(rows: Sequence[Row]) -> dict[str, Any]:
    """Say how much the comparison of Chinese with English, `parallel`, rests on."""
    twins = translations(rows)
    counts = Counter(row.language for row in twins)
    return {
        "texts": len({row.parallel for row in twins}),
        "documents": {str(language): counts[language] for language in (Language.EN, Language.ZH)},
        "points": GAP,
    }


def _sources(
    rows: Sequence[Row], staying: Sequence[Row], ledger: Ledger, spec: CurateSpec
) -> dict[str, Any]:
    drops: dict[str, Counter[str]] = defaultdict(Counter)
    entered: dict[str, Counter[str]] = defaultdict(Counter)
    for row in rows:
        source = _source(row)
        entered[source].update(documents=1, characters=row.entered or 0)
        if row.step:
            drops[source][row.step] += 1
    left: dict[str, Counter[str]] = defaultdict(Counter)
    for row in staying:
        left[row.source].update(documents=1, characters=len(row.text), tokens=row.tokens)
    kinds, touched = _pii(rows, ledger)
    return {
        source: {
            "domain": str(spec.domain(source)),
            "languages": _languages(row for row in staying if row.source == source),
            "documents": {"in": entered[source]["documents"], "out": left[source]["documents"]},
            "characters": {"in": entered[source]["characters"], "out": left[source]["characters"]},
            "tokens": left[source]["tokens"],
            "dropped": {s.value: drops[source][s] for s in Step if drops[source][s]},
            "pii": {
                "documents": touched[source],
                "found": kinds[source].total(),
                "kinds": dict(sorted(kinds[source].items())),
            },
        }
        for source in sorted(entered)
    }


def _pii(rows: Sequence[Row], ledger: Ledger) -> tuple[dict[str, Counter[str]], Counter[str]]:
    """Count what was found by source and kind, and by source the documents that it was found in."""
    of = {row.doc_key: _source(row) for row in rows if row.step != Step.READ}
    kinds: dict[str, Counter[str]] = defaultdict(Counter)
    touched: Counter[str] = Counter()
    for decision in ledger[Step.PII]:
        if decision.spans:
            source = of.get(decision.doc_key, _UNKNOWN)
            kinds[source].update(kind for kind, _, _ in decision.spans)
            touched[source] += 1
    return kinds, touched


def _mixture(staying: Sequence[Row], spec: CurateSpec) -> dict[str, Any]:
    """Return sizes and shares of the whole corpus and of train, each by what it consists of."""
    ways: dict[str, Callable[[Row], str]] = {
        "language": lambda row: row.language,
        "domain": lambda row: str(spec.domain(row.source)),
        "source": lambda row: row.source,
    }
    total: Counter[str] = Counter()
    parts: dict[str, dict[str, Counter[str]]] = {way: defaultdict(Counter) for way in ways}
    for row in staying:
        size = Counter(documents=1, characters=len(row.text), tokens=row.tokens)
        if row.split is Split.TRAIN:
            size["train_tokens"] = row.tokens
        total.update(size)
        for way, name in ways.items():
            parts[way][name(row)].update(size)
    names = ("documents", "characters", "tokens", "train_tokens")
    return {
        "total": {name: total[name] for name in names},
        **{
            way: {
                part: {name: sizes[name] for name in names}
                | {"share": share(sizes["train_tokens"], total["train_tokens"])}
                for part, sizes in sorted(found.items())
            }
            for way, found in parts.items()
        },
    }


def _histogram(members: Sequence[Member]) -> dict[str, Any]:
    """Count the clusters of each level by size and by diameter."""
    result = {}
    for level in Level:
        sizes = Counter(member.cluster for member in members if member.level is level)
        widths = {m.cluster: m.diameter for m in members if m.level is level}
        result[level.value] = {
            "sizes": _binned(sizes.values(), _SIZES),
            "diameters": _binned(widths.values(), _DIAMETERS),
        }
    return result


def _binned(values: Iterable[float], bins: Mapping[float, str]) -> list[dict[str, Any]]:
    edges, names = list(bins), list(bins.values())
    counts = Counter(names[max(0, bisect_right(edges, value) - 1)] for value in values)
    return [{"bin": name, "clusters": counts[name]} for name in names]


def _languages(rows: Iterable[Row]) -> dict[str, int]:
    return dict(sorted(Counter(row.language for row in rows).items()))


def _source(row: Row) -> str:
    """Return a row's source; what could not be read may have none."""
    return row.source if isinstance(row.source, str) and row.source else _UNKNOWN


def share(part: int, whole: int) -> float:
    """Return a part's share of a whole, to six places; 0 of nothing."""
    return round(part / whole, 6) if whole else 0.0
