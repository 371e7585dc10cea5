"""The convention that Hearth's stages share: mark rows, never remove them."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.stages.resources import Resources
from nemo_curator.tasks import DocumentBatch

STEP = "step"
"""Column: the step that gave the document up; empty while it is in."""
REASON = "reason"
"""Column: why."""
SCORE = "score"
"""Column: what that step measured."""


SLICE = 0.25
"""CPUs that a stage asks Ray for."""


@dataclass
class MarkingStage(ProcessingStage[DocumentBatch, DocumentBatch]):
    """A stage that changes columns of live rows, and may give rows up with a reason.

    Subclasses implement `edit`, which is handed a frame of its own.
    """

    name: str = "marking"
    # A fraction: on a small machine Ray starts every stage of a pipeline at once.
    resources: Resources = field(default_factory=lambda: Resources(cpus=SLICE))

    @abstractmethod
    def edit(self, frame: pd.DataFrame) -> None:
        """Change the frame in place."""

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """Run `edit` on a copy of the batch's frame."""
        frame = task.to_pandas().copy(deep=False)
        for column, empty in ((STEP, ""), (REASON, None), (SCORE, None)):
            if column not in frame:
                frame[column] = pd.Series([empty] * len(frame), index=frame.index, dtype=object)
        self.edit(frame)
        return DocumentBatch(
            dataset_name=task.dataset_name,
            data=frame,
            _metadata=task._metadata,  # noqa: SLF001 - how Curator's own stages hand it on
            _stage_perf=task._stage_perf,  # noqa: SLF001
        )


class Rows:
    """The live rows of a frame, to be read, changed and given up one by one."""

    def __init__(self, frame: pd.DataFrame, step: str) -> None:
        self._frame = frame
        self._step = step
        self._marks: dict[str, list[Any]] = {
            column: frame[column].tolist() for column in (STEP, REASON, SCORE)
        }
        self.live = [place for place, mark in enumerate(self._marks[STEP]) if not mark]

    def column(self, name: str, default: Any = None) -> list[Any]:
        """Return all values of a column, to be changed; `default` in every row if it is new."""
        if name in self._frame:
            return list(self._frame[name].tolist())
        return [default] * len(self._frame)

    def give_up(self, place: int, reason: str, score: float | None = None) -> None:
        """Mark a row: this step gives it up."""
        self._marks[STEP][place] = self._step
        self._marks[REASON][place] = reason
        self._marks[SCORE][place] = score

    def store(self, **columns: list[Any]) -> None:
        """Write columns, and the marks, back to the frame."""
        for name, values in (*columns.items(), *self._marks.items()):
            self._frame[name] = pd.Series(values, index=self._frame.index, dtype=object)
