"""Read what a suite asks, and check that a model can be asked: before anything heavy is loaded."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import pyarrow.parquet as pq
from pydantic import BaseModel, ConfigDict, ValidationError

from hearth.errors import DataError

BITS_PER_BYTE: Final = "bits_per_byte"
_MODEL_FILES: Final = ("config.json", "model.safetensors", "tokenizer.json")


class TaskView(BaseModel):
    """What evaluation needs to know of a task."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    task: str
    kind: str
    language: str
    items: int
    baselines: dict[str, float] | None


class SuiteView(BaseModel):
    """What evaluation needs to know of a suite: its own reading of `suite.json`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    name: str
    version: int
    max_length: int
    dtype: str
    tasks: tuple[TaskView, ...]
    dev: tuple[TaskView, ...] = ()


def read_suite(folder: Path) -> tuple[SuiteView, list[dict[str, Any]]]:
    """The suite in `folder` and the rows of its `items.parquet`, those of its dev part left out.

    Raises:
        DataError: it is damaged, or an item comes twice.
    """
    try:
        suite = SuiteView.model_validate_json((folder / "suite.json").read_bytes())
    except (OSError, ValidationError) as error:
        message = f"suite.json: is not a suite ({error}): rebuild the suite under a new version"
        raise DataError(message) from error
    others = {task.task for task in suite.dev}
    listed = pq.read_table(folder / "items.parquet").to_pylist()
    items = [row for row in listed if row["task"] not in others]
    where = f"suite {suite.name} version {suite.version}"
    counted = Counter((row["task"], row["item"]) for row in items)
    for (task, item), times in counted.items():
        if times > 1:
            message = (
                f"{where}: item {item[:12]} of {task} comes {times} times: items must be unique; "
                "rebuild the suite under a new version"
            )
            raise DataError(message)
    found = Counter(row["task"] for row in items)
    wanted = {task.task: task.items for task in suite.tasks}
    if found != wanted:
        message = (
            f"{where}: suite.json counts items {wanted}, items.parquet has {dict(found)}: "
            "rebuild the suite under a new version"
        )
        raise DataError(message)
    return suite, items


def check_model(folder: Path, suite: SuiteView) -> None:
    """Check that the model is whole and that its window holds the suite's.

    Raises:
        DataError: a file is missing, or the window is too short.
    """
    for name in _MODEL_FILES:
        # A large model comes in several files with an index.
        index = folder / f"{name}.index.json"
        if not (folder / name).is_file() and not index.is_file():
            message = f"model: has no {name}: it cannot be evaluated; train it again"
            raise DataError(message)
    try:
        config = json.loads((folder / "config.json").read_bytes())
        window = int(config.get("max_position_embeddings", suite.max_length))
    except (ValueError, AttributeError, TypeError) as error:
        message = f"model: config.json is not a model's configuration ({error}): train it again"
        raise DataError(message) from error
    if window < suite.max_length:
        message = (
            f"model: max_position_embeddings = {window}: below the {suite.max_length} tokens that "
            f"suite {suite.name} pins: train with a longer window, or shorten suite.max_length"
        )
        raise DataError(message)


def join(
    suite: SuiteView,
    items: Sequence[dict[str, Any]],
    scored: dict[str, list[dict[str, Any]]],
    baseline: dict[tuple[str, str], float],
) -> list[dict[str, Any]]:
    """Rows of the evaluation's `items.parquet`.

    Args:
        suite: the suite.
        items: rows of the suite's `items.parquet`.
        scored: task → what lm-eval said of each item.
        baseline: (task, item) → log-likelihood under the n-gram model, for bits per byte.

    Raises:
        DataError: lm-eval was not asked exactly the suite's items.
    """
    about = {(row["task"], row["item"]): row for row in items}
    said = [(task, row) for task, rows in scored.items() for row in rows]
    keys = Counter((task, row["item"]) for task, row in said)
    if set(keys) != set(about) or len(said) != len(about):
        wrong = sorted(set(keys) ^ set(about)) or sorted(key for key, n in keys.items() if n > 1)
        message = (
            f"suite {suite.name} version {suite.version}: its data and its items.parquet disagree "
            f"on {len(wrong)} items, such as {wrong[0][1][:12]} of {wrong[0][0]}: "
            "rebuild the suite under a new version"
        )
        raise DataError(message)
    kinds = {task.task: task.kind for task in suite.tasks}
    return [
        {
            "task": task,
            "item": row["item"],
            "group": about[task, row["item"]]["group"],
            "language": about[task, row["item"]]["language"],
            "kind": kinds[task],
            "loglikelihood": row["loglikelihood"],
            "bytes": row["bytes"],
            "correct": row["correct"],
            "baseline_loglikelihood": baseline.get((task, row["item"])),
        }
        for task, row in said
    ]
