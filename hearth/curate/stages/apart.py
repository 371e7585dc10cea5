"""Stages in a process beside: what blows one up is given up by name, and the rest goes on."""

from __future__ import annotations

import logging
import mmap
from dataclasses import dataclass, field, replace
from typing import Any, Final, Self

import pandas as pd
from nemo_curator.backends.base import NodeInfo, WorkerMetadata
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.stages.resources import Resources
from nemo_curator.tasks import DocumentBatch

from hearth.curate.cell import BrokenError, Cell, KilledError, PoisonError
from hearth.curate.spec import ReadSection
from hearth.curate.stages.marking import REASON, SCORE, STEP

log = logging.getLogger(__name__)

POISON: Final = "poison"
"""How the reason of what was given up begins."""


@dataclass
class Apart(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Runs stages one after the other in a process that may die of a document.

    Where a batch takes too long or ends the process, its documents are run one by one. One that
    does so alone loses its text, is marked as given up, and goes through the stages like any other
    that an earlier stage gave up. A kill from outside gives nothing up: a document whose process is
    killed when it is alone fails the run, which may be tried again. Of good documents nothing
    changes, for no stage of Hearth's looks from one document at another. In a pipeline of your own:

        pipeline.add_stage(Apart(stages=[RedactPii(section=section)], seconds=60, step="pii"))

    Attributes:
        stages: From one batch to one batch of the same rows.
        seconds: Of processor time that a batch may take, and then a document alone.
        step: What gives the document up, in the column `step`.
        text: The column of the text.
    """

    stages: list[ProcessingStage] = field(default_factory=list)
    seconds: int = 120
    step: str = POISON
    text: str = "text"
    name: str = "apart"
    resources: Resources = field(default_factory=lambda: Resources(cpus=1.0))

    @classmethod
    def of(cls, section: ReadSection, step: str, *stages: ProcessingStage) -> Self:
        """Run stages within a recipe's limit."""
        return cls(stages=list(stages), seconds=section.document_seconds, step=step)

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        first: tuple[list[str], list[str]] = self.stages[0].inputs()
        return first

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that the last stage writes."""
        last: tuple[list[str], list[str]] = self.stages[-1].outputs()
        return last

    def ray_stage_spec(self) -> dict[str, Any]:
        """Ask for a worker that keeps what stages set up."""
        return {"is_actor_stage": True}

    def setup_on_node(
        self, node: NodeInfo | None = None, worker: WorkerMetadata | None = None
    ) -> None:
        """Set the stages up on this node."""
        for stage in self.stages:
            stage.setup_on_node(node, worker)

    def setup(self, worker: WorkerMetadata | None = None) -> None:
        """Set the stages up, here: the process beside has them from its start."""
        for stage in self.stages:
            stage.setup(worker)
        self._at = mmap.mmap(-1, mmap.PAGESIZE)
        self._cell = Cell(self._through, self.seconds)

    def teardown(self) -> None:
        """End the process, and let go of what stages have set up."""
        self._cell.close()
        del self._cell  # which holds this stage, and with it what its stages hold
        for stage in self.stages:
            stage.teardown()

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """Run a batch.

        Raises:
            BrokenError: A stage has a defect.
            KilledError: The process was killed with one document in it.
        """
        try:
            return self._ask(task)
        except (PoisonError, KilledError) as error:
            log.warning("%s: %s: its documents are run one by one", task.dataset_name, error)
        frame = task.to_pandas()
        known = task._metadata or {}  # noqa: SLF001 - as Curator's own stages hand it on
        done = []
        for place in range(len(frame)):
            row = frame.iloc[[place]].reset_index(drop=True)
            first = {"first_row": known["first_row"] + place} if "first_row" in known else {}
            one = replace(task, data=row, _metadata={**known, **first})
            try:
                result = self._ask(one)
            except PoisonError as error:
                result = self._ask(replace(one, data=self._given_up(row, f"{POISON}: {error}")))
            except KilledError as error:
                message = (
                    f"document {_key(row)}: {error}, though it was alone there: try again; if it "
                    "stays so, give the job more memory, or leave the document out at its source"
                )
                raise KilledError(message) from None
            done.append(result.to_pandas())
        return replace(task, data=pd.concat(done, ignore_index=True))

    def _ask(self, task: DocumentBatch) -> DocumentBatch:
        try:
            answer: DocumentBatch = self._cell.ask(task)
        except (BrokenError, KilledError, PoisonError) as error:
            message = f"{error} in {self.stages[self._at[0]].name}"
            raise type(error)(message) from None
        return answer

    def _through(self, task: DocumentBatch) -> DocumentBatch:
        for number, stage in enumerate(self.stages):
            self._at[0] = number
            (task,) = stage.process_batch([task])
        return task

    def _given_up(self, row: pd.DataFrame, reason: str) -> pd.DataFrame:
        log.warning("document %s: %s", _key(row), reason)
        row = row.copy()
        row[self.text] = ""
        for column, value in ((STEP, self.step), (REASON, reason), (SCORE, None)):
            row[column] = pd.Series([value], dtype=object)
        return row


def _key(row: pd.DataFrame) -> str:
    return next((str(row[name][0]) for name in ("doc_key", "place") if name in row), "?")
