"""The metrics of a corpus."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from hearth.curate.clusters import Level, Member
from hearth.curate.ledger import Action, Ledger, Step
from hearth.curate.plan import Split
from hearth.curate.rows import Row, live
from hearth.curate.twins import parallel


def report(
    rows: Sequence[Row],
    ledger: Ledger,
    members: Sequence[Member],
    contamination: Mapping[str, Any],
) -> dict[str, Any]:
    """Describe a corpus and what was left out of it, in numbers.

    Args:
        rows: All rows, those given up too.
        ledger: What happened to them.
        members: Of the clusters of copies.
        contamination: What decontamination found, by task.
    """
    staying = live(rows)
    flow = ledger.flow()
    return {
        "documents": {"in": len(rows), "out": len(staying)},
        "characters": {
            "in": sum(row["characters_in"] for row in flow if row["step"] == Step.READ),
            "out": sum(len(row.text) for row in staying),
        },
        "steps": flow,
        "drops": ledger.drops(),
        "retention": _retention(rows, staying),
        "parallel": parallel(rows, ledger),
        "mixed": _mixed(staying),
        "duplication": {**_duplication(ledger), "clusters": _clusters(members)},
        "pii": _pii(ledger),
        "contamination": dict(contamination),
        "splits": _splits(staying),
        "coverage": _coverage(rows, staying),
    }


def _retention(rows: Sequence[Row], staying: Sequence[Row]) -> dict[str, Any]:
    result = {}
    for language in sorted({row.language for row in rows}):
        before = [row for row in rows if row.language == language]
        after = [row for row in staying if row.language == language]
        characters = sum(row.entered for row in before)
        result[language] = {
            "documents": _share(len(after), len(before)),
            "characters": _share(sum(len(row.text) for row in after), characters),
        }
    return result


def _mixed(staying: Sequence[Row]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for language in sorted({row.language for row in staying if row.languages}):
        mine = [row for row in staying if row.language == language and row.languages]
        counts: Counter[str] = Counter()
        for row in mine:
            counts.update(dict(row.languages))
        result[language] = {"documents": len(mine), "characters": dict(sorted(counts.items()))}
    return result


def _duplication(ledger: Ledger) -> dict[str, float]:
    compared = len(ledger[Step.EXACT])
    return {
        step.value: _share(sum(d.action is Action.DROPPED for d in ledger[step]), compared)
        for step in (Step.EXACT, Step.NEAR)
    }


def _clusters(members: Sequence[Member]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for level in Level:
        sizes = Counter(member.cluster for member in members if member.level is level)
        widths = {m.cluster: m.diameter for m in members if m.level is level}
        reasons = Counter(m.reason for m in members if m.level is level and m.reason != "stays")
        result[level.value] = {
            "clusters": len(sizes),
            "members": sizes.total(),
            "largest": max(sizes.values(), default=0),
            "widest": round(max(widths.values(), default=0.0), 6),
            "reasons": dict(sorted(reasons.items())),
        }
    return result


def _pii(ledger: Ledger) -> dict[str, int]:
    kinds = Counter(kind for decision in ledger[Step.PII] for kind, _, _ in decision.spans)
    return dict(sorted(kinds.items()))


def _splits(staying: Sequence[Row]) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for split in Split:
        part = [row for row in staying if row.split is split]
        by_language = Counter(row.language for row in part)
        result[split.value] = {
            "documents": len(part),
            "groups": len({row.group for row in part}),
            "characters": sum(len(row.text) for row in part),
            "languages": dict(sorted(by_language.items())),
        }
    return result


def _coverage(rows: Sequence[Row], staying: Sequence[Row]) -> dict[str, Any]:
    """How much of what was mirrored is represented: by source, works and characters."""
    read = [row for row in rows if row.step != Step.READ]
    sources = {}
    for source in sorted({row.source for row in read}):
        before = [row for row in read if row.source == source]
        after = [row for row in staying if row.source == source]
        sources[source] = {
            "documents": _share(len(after), len(before)),
            "works": _share(len({r.work for r in after}), len({r.work for r in before})),
            "characters": _share(sum(len(r.text) for r in after), sum(r.entered for r in before)),
        }
    scored = sum(len(row.text) for row in staying if row.perplexity is not None)
    return {
        "sources": sources,
        "scored_by_perplexity": _share(scored, sum(len(row.text) for row in staying)),
    }


def _share(part: int, whole: int) -> float:
    return round(part / whole, 6) if whole else 0.0
