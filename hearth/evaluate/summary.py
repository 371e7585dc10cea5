"""Sum item scores up: one value and interval per task."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hearth.evaluate.plan import BITS_PER_BYTE, SuiteView, TaskView
from hearth.evaluate.resample import interval, ratio_of_sums
from hearth.model import FrozenModel

CONFIDENCE = 0.95
RESAMPLES = 2_000


class TaskSummary(FrozenModel):
    """How a model does on one task."""

    task: str
    kind: str
    language: str
    items: int
    groups: int
    value: float
    low: float
    high: float
    better: str
    baselines: dict[str, float]


class Summary(FrozenModel):
    """How a model does on a suite: `summary.json`.

    `low` and `high` are one-sided 95 % bounds each; groups of items were resampled.
    """

    suite: str
    version: int
    max_length: int
    dtype: str
    confidence: float
    tasks: tuple[TaskSummary, ...]

    def metrics(self) -> dict[str, Any]:
        """The numbers that go into the artifact's record."""
        found: dict[str, Any] = {}
        for task in self.tasks:
            found[task.task] = round(task.value, 6)
            if "ngram" in task.baselines:
                found[f"{task.task}_ngram"] = round(task.baselines["ngram"], 6)
        return found


def summarise(suite: SuiteView, scores: pa.Table) -> Summary:
    """Sum up the item scores of all tasks."""
    return Summary(
        suite=suite.name,
        version=suite.version,
        max_length=suite.max_length,
        dtype=suite.dtype,
        confidence=CONFIDENCE,
        tasks=tuple(_task(task, scores) for task in suite.tasks),
    )


def _task(task: TaskView, scores: pa.Table) -> TaskSummary:
    rows = scores.filter(pc.equal(scores["task"], task.task))
    groups = np.asarray(rows["group"].to_pylist())
    measured = task.kind == BITS_PER_BYTE
    if measured:
        gained = _numbers(rows, "loglikelihood") / -math.log(2)
        weight = _numbers(rows, "bytes")
        ngram = _numbers(rows, "baseline_loglikelihood") / -math.log(2)
        baselines = {"ngram": math.fsum(ngram) / math.fsum(weight)}
    else:
        gained = _numbers(rows, "correct")
        weight = np.ones(len(rows))
        baselines = dict(task.baselines or {})
    drawn = ratio_of_sums(gained, weight, groups, resamples=RESAMPLES, seed=0)
    low, high = interval(drawn, CONFIDENCE)
    return TaskSummary(
        task=task.task,
        kind=task.kind,
        language=task.language,
        items=len(rows),
        groups=len(set(groups.tolist())),
        value=math.fsum(gained) / math.fsum(weight),
        low=low,
        high=high,
        better="lower" if measured else "higher",
        baselines=baselines,
    )


def _numbers(rows: pa.Table, column: str) -> NDArray[np.float64]:
    return np.asarray(rows[column].to_numpy(zero_copy_only=False), dtype=np.float64)
