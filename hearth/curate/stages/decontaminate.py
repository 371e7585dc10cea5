"""Text of evaluation sets: found and cut."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from nemo_curator.backends.base import WorkerMetadata

from hearth.curate.contamination import Match, SuiteIndex, SuiteItem, cut, packed
from hearth.curate.ledger import Step
from hearth.curate.sections import DecontaminateSection
from hearth.curate.stages.marking import MarkingStage, Rows


@dataclass
class CutContamination(MarkingStage):
    """Cut the lines that hold n-grams of the suite; give up documents that are mostly that.

    Attributes:
        items: The items, normalised and redacted as the documents are, in every way that they are.
        section: N-grams and limits.
        text: The column that is read and written.
        matched: The column of the items found, by number.
        met: The column of what the text gave away, as `hearth.curate.contamination.packed` has it.
        left: The column of what it gives away still.
        spans: The column of what was cut: (task, start, end), and one for each task that it is of.
    """

    items: tuple[SuiteItem, ...] = ()
    section: DecontaminateSection = field(default_factory=DecontaminateSection)
    text: str = "text"
    matched: str = "items"
    spans: str = "cut"
    met: str = "met"
    left: str = "left"
    name: str = "cut_contamination"

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        return ["data"], [self.text]

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that are written."""
        return ["data"], [self.text, self.matched, self.spans, self.met, self.left]

    def ray_stage_spec(self) -> dict[str, Any]:
        """Ask for a worker that keeps its index."""
        return {"is_actor_stage": True}

    def setup(self, _worker: WorkerMetadata | None = None) -> None:
        """Index the suite."""
        self._index = SuiteIndex(self.items, self.section)

    def edit(self, frame: pd.DataFrame) -> None:
        """Look for the suite in every live row."""
        rows = Rows(frame, Step.DECONTAMINATE)
        texts = rows.column(self.text)
        matched = rows.column(self.matched, ())
        spans = rows.column(self.spans, ())
        met, left = rows.column(self.met, b""), rows.column(self.left, b"")
        for place in rows.live:
            matches, gives = self._index.look(texts[place])
            met[place] = left[place] = packed(gives)
            if not matches:
                continue
            matched[place] = tuple(sorted({match.item for match in matches}))
            result = cut(texts[place], matches, self.section)
            spans[place] = tuple(
                (task, start, end)
                for start, end in result.spans
                for task in self._tasks(match for match in matches if start <= match.start < end)
            )
            if result.text is None:
                share = sum(end - start for start, end in result.spans) / len(texts[place])
                rows.give_up(place, "contaminated", share)
            else:
                texts[place] = result.text
                left[place] = packed(self._index.look(result.text).met)
        columns = (texts, matched, spans, met, left)
        rows.store(**dict(zip(self.outputs()[1], columns, strict=True)))

    def _tasks(self, matches: Iterable[Match]) -> list[str]:
        return sorted({self.items[match.item].task for match in matches})
