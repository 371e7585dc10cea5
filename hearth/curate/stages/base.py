"""What Hearth's Curator stages share: they look at the rows that are alive, one by one."""

from __future__ import annotations

from abc import abstractmethod
from typing import Any, ClassVar, Final, NamedTuple

from nemo_curator.stages.base import ProcessingStage
from nemo_curator.stages.resources import Resources
from nemo_curator.tasks import DocumentBatch

STEP: Final = "step"
REASON: Final = "reason"
SPANS: Final = "spans"


class Verdict(NamedTuple):
    """What a stage says of a row: new values of columns, and the reason if the row goes."""

    values: dict[str, Any]
    reason: str | None = None


class RowStage(ProcessingStage[DocumentBatch, DocumentBatch]):
    """A stage that judges each row by itself."""

    columns: ClassVar[tuple[str, ...]] = ()
    """The columns that it writes."""
    resources = Resources(cpus=0.25)

    @abstractmethod
    def judge(self, row: dict[str, Any]) -> Verdict:
        """Judge one row that is alive."""

    def inputs(self) -> tuple[list[str], list[str]]:
        """Every stage reads the text."""
        return ["data"], ["text"]

    def outputs(self) -> tuple[list[str], list[str]]:
        """Where the verdicts stand."""
        return ["data"], [STEP, REASON, *self.columns]

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """Judge the rows that are alive."""
        rows = task.to_pandas().to_dict("records")
        for row in rows:
            if row.setdefault(STEP, None) is not None:
                continue
            verdict = self.judge(row)
            row.update(verdict.values)
            if verdict.reason is not None:
                row[STEP], row[REASON] = self.name, verdict.reason
        return DocumentBatch(
            dataset_name=task.dataset_name,
            data=_frame(rows, (STEP, REASON, *self.columns)),
            _metadata=task._metadata,  # noqa: SLF001 - Curator's own convention for its stages
            _stage_perf=task._stage_perf,  # noqa: SLF001 - as above
        )


def _frame(rows: list[dict[str, Any]], columns: tuple[str, ...]) -> Any:
    import pandas as pd  # noqa: PLC0415 - slow, and Curator has it loaded by now

    names = list(dict.fromkeys([*(name for row in rows[:1] for name in row), *columns]))
    # Object columns: None stays None, and arrays stay arrays.
    data = {name: pd.Series([row.get(name) for row in rows], dtype=object) for name in names}
    return pd.DataFrame(data)
