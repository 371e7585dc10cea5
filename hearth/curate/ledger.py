"""What happened to every document in every step."""

from __future__ import annotations

from collections import Counter, defaultdict
from enum import StrEnum
from pathlib import Path
from typing import Any, Final, NamedTuple

from hearth.curate import tables
from hearth.errors import HearthError

_TOGETHER: Final = 1_024
"""Decisions that wait to be written."""


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


_TAKEN: Final = (Action.EDITED, Action.DROPPED)


class Decision(NamedTuple):
    """One document in one step. `size` is its length on leaving, in characters; 0 if it went.

    `source`, and whether the document is a `twin` (`hearth.curate.twins`), are only counted.
    """

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
    source: str = ""
    twin: bool = False


class Flow:
    """What entered and left a step, of some documents."""

    __slots__ = ("characters_in", "characters_out", "edited", "entered", "left")

    def __init__(self) -> None:
        self.entered = self.left = self.edited = 0
        self.characters_in = self.characters_out = 0

    def add(self, decision: Decision) -> None:
        """Count a decision."""
        self.entered += 1
        self.characters_in += decision.entered
        if decision.action is not Action.DROPPED:
            self.left += 1
            self.edited += decision.action is Action.EDITED
            self.characters_out += decision.size


class Ledger:
    """Writes decisions as they fall, step by step, and counts them.

    Every document that enters a step has exactly one there. They come in the order of their keys.

    Attributes:
        flows: What entered and left, by step and language.
        twins: The same of translations only, and why characters of theirs went.
        found: Places of personal information, by source and kind.
        touched: The documents that they were found in, by source.
    """

    def __init__(self, folder: Path) -> None:
        """Write into `folder`, as `step=<name>/part-*.parquet`."""
        self._folder = folder
        self._writers: dict[Step, tables.Writer] = {}
        self._waiting: dict[Step, list[Decision]] = {step: [] for step in Step}
        self._last: dict[Step, str] = dict.fromkeys(Step, "")
        self._drops: Counter[str] = Counter()
        self._flags: Counter[str] = Counter()
        self.flows: dict[tuple[Step, str], Flow] = defaultdict(Flow)
        self.twins: dict[tuple[Step, str], Flow] = defaultdict(Flow)
        self.lost: dict[tuple[Step, str], Counter[str]] = defaultdict(Counter)
        self.found: dict[str, Counter[str]] = defaultdict(Counter)
        self.touched: Counter[str] = Counter()

    def add(self, step: Step, decision: Decision) -> None:
        """Add a decision of a step."""
        if decision.doc_key < self._last[step]:
            message = f"step {step}: {decision.doc_key!r} comes after {self._last[step]!r}"
            raise HearthError(message)
        self._last[step] = decision.doc_key
        self._count(step, decision)
        waiting = self._waiting[step]
        waiting.append(decision)
        if len(waiting) >= _TOGETHER:
            self._flush(step)

    def _count(self, step: Step, decision: Decision) -> None:
        self.flows[step, decision.language].add(decision)
        if decision.action is Action.DROPPED:
            self._drops[f"{step.value}/{decision.reason}"] += 1
        if decision.action is Action.FLAGGED:
            self._flags[step.value] += 1
        if step is Step.PII and decision.spans:
            self.found[decision.source].update(kind for kind, _, _ in decision.spans)
            self.touched[decision.source] += 1
        if decision.twin:
            self.twins[step, decision.language].add(decision)
            if decision.action in _TAKEN:
                why = decision.reason or (decision.spans[0][0] if decision.spans else "edited")
                self.lost[step, decision.language][why] += decision.entered - decision.size

    def flow(self) -> list[dict[str, Any]]:
        """Return documents and characters in and out, by step and language."""
        order = {step: number for number, step in enumerate(Step)}
        return [
            {
                "step": step.value,
                "language": language,
                "documents_in": flow.entered,
                "documents_out": flow.left,
                "documents_edited": flow.edited,
                "characters_in": flow.characters_in,
                "characters_out": flow.characters_out,
            }
            for (step, language), flow in sorted(
                self.flows.items(), key=lambda item: (order[item[0][0]], item[0][1])
            )
        ]

    def drops(self) -> dict[str, int]:
        """Count what was dropped, by step and reason."""
        return dict(sorted(self._drops.items()))

    def flags(self) -> dict[str, int]:
        """Count what was flagged and stayed, by step."""
        return dict(sorted(self._flags.items()))

    def close(self) -> tables.Written:
        """Finish the files; return them, with the rows of each: one at least for every step."""
        for step in Step:
            self._flush(step)
        return [file for step in Step for file in self._writers[step].close()]

    def _flush(self, step: Step) -> None:
        rows, self._waiting[step] = self._waiting[step], []
        if step not in self._writers:
            folder = self._folder / f"step={step.value}"
            self._writers[step] = tables.Writer(folder, tables.DECISIONS)
        self._writers[step].add(
            {
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
        )
