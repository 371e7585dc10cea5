"""Bring the item scores of two models together, item by item."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from hearth.errors import DataError
from hearth.evaluate.scores import check
from hearth.suite.manifest import SuiteManifest, TaskInfo, TaskKind


@dataclass(frozen=True)
class Pairs:
    """One task's items under two models, in the same order; shapes (items,)."""

    candidate: NDArray[np.float64]  # bits, negated, or right answers: more is better
    reference: NDArray[np.float64]
    weight: NDArray[np.float64]  # bytes, or ones
    groups: NDArray[Any]


def checked(scores: pa.Table, name: str, suite: SuiteManifest) -> pa.Table:
    """The scores, sorted by task and item, known to be of exactly this suite.

    Args:
        scores: an evaluation's `items.parquet`.
        name: what to call the model in an error.
        suite: the suite.

    Raises:
        DataError: the scores are damaged, or of another suite.
    """
    check(scores, name)
    counted = scores.group_by("task").aggregate([([], "count_all")])
    got = dict(zip(counted["task"].to_pylist(), counted["count_all"].to_pylist(), strict=True))
    wanted = {task.task: task.items for task in suite.tasks}
    if got != wanted:
        message = (
            f"{name}: has scores of {_listed(got)}; suite {suite.name} version {suite.version} has "
            f"{_listed(wanted)}: evaluate the model on this suite"
        )
        raise DataError(message)
    return scores.sort_by([("task", "ascending"), ("item", "ascending")])


def pair(candidate: pa.Table, reference: pa.Table, name: str, task: TaskInfo) -> Pairs:
    """Pair two models' scores on one task.

    Args:
        candidate: what `checked` returned.
        reference: the same of the other model.
        name: what to call the other model in an error.
        task: which task.

    Raises:
        DataError: the two were not asked the same items.
    """
    ours, theirs = _rows(candidate, task), _rows(reference, task)
    if not ours["item"].equals(theirs["item"]):
        differing = set(ours["item"].to_pylist()) ^ set(theirs["item"].to_pylist())
        message = (
            f"{task.task}: candidate and {name} were asked different items ({len(differing)} are "
            f"in one only, such as {min(differing)[:12]}): evaluate both on the same suite"
        )
        raise DataError(message)
    if not ours["bytes"].equals(theirs["bytes"]):
        message = (
            f"{task.task}: candidate and {name} count the items' bytes differently: "
            "evaluate both with the same version of Hearth"
        )
        raise DataError(message)
    return Pairs(
        candidate=gains(ours, task.kind),
        reference=gains(theirs, task.kind),
        weight=_weight(ours, task.kind),
        groups=_groups(ours),
    )


def pair_with_baseline(candidate: pa.Table, task: TaskInfo) -> Pairs:
    """Pair a model's scores on a bits-per-byte task with its n-gram baseline's.

    Raises:
        DataError: the evaluation has no baseline scores.
    """
    ours = _rows(candidate, task)
    if ours["baseline_loglikelihood"].null_count:
        missing = ours["baseline_loglikelihood"].null_count
        message = (
            f"{task.task}: {missing} items have no baseline score: "
            "evaluate the candidate with the corpus that it was trained on"
        )
        raise DataError(message)
    return Pairs(
        candidate=gains(ours, task.kind),
        reference=_numbers(ours, "baseline_loglikelihood") / math.log(2),
        weight=_weight(ours, task.kind),
        groups=_groups(ours),
    )


def value(gained: NDArray[np.float64], weight: NDArray[np.float64], kind: TaskKind) -> float:
    """A task's score in its own unit: bits per byte (lower is better), or accuracy."""
    ratio = math.fsum(gained) / math.fsum(weight)
    return -ratio if kind is TaskKind.BITS_PER_BYTE else ratio


def score(candidate: pa.Table, task: TaskInfo) -> float:
    """One model's score on a task, in the task's own unit."""
    ours = _rows(candidate, task)
    return value(gains(ours, task.kind), _weight(ours, task.kind), task.kind)


def gains(rows: pa.Table, kind: TaskKind) -> NDArray[np.float64]:
    """What each item adds to the numerator; more is better."""
    if kind is TaskKind.BITS_PER_BYTE:
        return _numbers(rows, "loglikelihood") / math.log(2)
    if rows["correct"].null_count:
        message = "a cloze item has no mark: evaluate the model again"
        raise DataError(message)
    return _numbers(rows, "correct")


def _rows(scores: pa.Table, task: TaskInfo) -> pa.Table:
    return scores.filter(pc.equal(scores["task"], task.task)).combine_chunks()


def _weight(rows: pa.Table, kind: TaskKind) -> NDArray[np.float64]:
    if kind is TaskKind.CLOZE:
        return np.ones(len(rows))
    return _numbers(rows, "bytes")


def _groups(rows: pa.Table) -> NDArray[Any]:
    return np.asarray(rows["group"].to_pylist())


def _numbers(rows: pa.Table, column: str) -> NDArray[np.float64]:
    return np.asarray(rows[column].to_numpy(zero_copy_only=False), dtype=np.float64)


def _listed(counts: dict[str, int]) -> str:
    return ", ".join(f"{task} {items}" for task, items in sorted(counts.items())) or "nothing"
