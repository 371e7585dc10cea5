"""What happened to every document in every step."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

from hearth.curate import tables


class Step(StrEnum):
    """The steps of curation, in order."""

    READ = "read"
    LANGUAGE = "language"
    NORMALISE = "normalise"
    PII = "pii"
    WITHDRAWN = "withdrawn"
    RESERVED = "reserved"
    EXACT = "exact"
    NEAR = "near"
    SPLIT = "split"
    PARAGRAPH = "paragraph"
    BOILERPLATE = "boilerplate"
    DECONTAMINATE = "decontaminate"
    QUALITY = "quality"
    KEYWORDS = "keywords"
    PERPLEXITY = "perplexity"
    CLASSIFY = "classify"


class Action(StrEnum):
    """What a step did to a document."""

    KEPT = "kept"
    EDITED = "edited"
    DROPPED = "dropped"
    FLAGGED = "flagged"
    """It stays as it is, and somebody should look: the reason says at what."""


class Decision(NamedTuple):
    """One document in one step. `size` is its length on leaving, in characters; 0 if it went."""

    doc_key: str
    content_id: str | None
    language: str
    entered: int
    size: int
    action: Action
    reason: str | None = None
    score: float | None = None
    canonical: str | None = None
    spans: tuple[tuple[str, int, int], ...] = ()


class Ledger:
    """Decisions by step; every document that enters a step has exactly one there."""

    def __init__(self) -> None:
        self._steps: dict[Step, list[Decision]] = defaultdict(list)

    def add(self, step: Step, decisions: Iterable[Decision]) -> None:
        """Add decisions of a step."""
        self._steps[step] += decisions

    def __getitem__(self, step: Step) -> Sequence[Decision]:
        """Return the decisions of a step."""
        return self._steps[step]

    def flow(self) -> list[dict[str, Any]]:
        """Return documents and characters in and out, by step and language."""
        rows = []
        for step in Step:
            by_language: dict[str, list[Decision]] = defaultdict(list)
            for decision in self._steps[step]:
                by_language[decision.language].append(decision)
            for language, decisions in sorted(by_language.items()):
                stayed = [d for d in decisions if d.action is not Action.DROPPED]
                rows.append(
                    {
                        "step": step.value,
                        "language": language,
                        "documents_in": len(decisions),
                        "documents_out": len(stayed),
                        "documents_edited": sum(d.action is Action.EDITED for d in stayed),
                        "characters_in": sum(d.entered for d in decisions),
                        "characters_out": sum(d.size for d in stayed),
                    }
                )
        return rows

    def drops(self) -> dict[str, int]:
        """Count what was dropped, by step and reason."""
        counts = Counter(
            f"{step.value}/{decision.reason}"
            for step in Step
            for decision in self._steps[step]
            if decision.action is Action.DROPPED
        )
        return dict(sorted(counts.items()))

    def flags(self) -> dict[str, int]:
        """Count what was flagged and stayed, by step and reason."""
        counts = Counter(
            f"{step.value}/{decision.reason}"
            for step in Step
            for decision in self._steps[step]
            if decision.action is Action.FLAGGED
        )
        return dict(sorted(counts.items()))

    def write(self, folder: Path) -> list[tuple[Path, int]]:
        """Write `step=<name>/part-*.parquet` for every step, sorted by document."""
        written = []
        for step in Step:
            rows = sorted(self._steps[step], key=lambda d: (d.doc_key, d.content_id or ""))
            columns: dict[str, list[Any]] = {
                "doc_key": [d.doc_key for d in rows],
                "content_id": [d.content_id for d in rows],
                "action": [d.action.value for d in rows],
                "reason": [d.reason for d in rows],
                "score": [None if d.score is None else float(f"{d.score:.6g}") for d in rows],
                "canonical": [d.canonical for d in rows],
                "spans": [
                    [{"kind": kind, "start": start, "end": end} for kind, start, end in d.spans]
                    for d in rows
                ],
            }
            written += tables.write(folder / f"step={step.value}", tables.DECISIONS, columns)
        return written
