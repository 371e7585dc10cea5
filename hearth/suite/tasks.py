"""Write a suite as lm-eval reads it, and as curation and the gate do."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import yaml

from hearth.suite.manifest import SuiteManifest, TaskKind
from hearth.suite.plan import Task

SCHEMA = pa.schema(
    [
        pa.field(name, pa.string(), nullable=False)
        for name in ("task", "item", "group", "language", "text")
    ]
)
"""Columns of `items.parquet`."""


def write(folder: Path, manifest: SuiteManifest, tasks: Sequence[Task]) -> None:
    """Write `suite.json`, `tasks/*.yaml`, `data/*.jsonl` and `items.parquet` below `folder`."""
    for name in ("tasks", "data"):
        (folder / name).mkdir(parents=True)
    (folder / "suite.json").write_text(manifest.model_dump_json(indent=1) + "\n", encoding="utf-8")
    rows = []
    for task in tasks:
        name = task.info.task
        lines = [json.dumps(item.row(), ensure_ascii=False) + "\n" for item in task.items]
        (folder / "data" / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
        config = yaml.safe_dump(lm_eval_config(task, manifest.version), sort_keys=False)
        (folder / "tasks" / f"{name}.yaml").write_text(config, encoding="utf-8")
        rows += [
            {
                "task": name,
                "item": item.key,
                "group": item.group,
                "language": item.language.value,
                "text": item.text,
            }
            for item in task.items
        ]
    pq.write_table(pa.Table.from_pylist(rows, schema=SCHEMA), folder / "items.parquet")


def lm_eval_config(task: Task, version: int) -> dict[str, Any]:
    """The task's configuration for lm-eval; its data file is named from the suite's folder."""
    config: dict[str, Any] = {
        "task": task.info.task,
        "dataset_path": "json",
        "dataset_kwargs": {"data_files": {"test": f"data/{task.info.task}.jsonl"}},
        "test_split": "test",
    }
    if task.info.kind is TaskKind.BITS_PER_BYTE:
        config |= {
            "output_type": "loglikelihood_rolling",
            "doc_to_text": "",
            "doc_to_target": "text",
            "metric_list": [
                {
                    "metric": "bits_per_byte",
                    "aggregation": "bits_per_byte",
                    "higher_is_better": False,
                }
            ],
        }
    else:
        config |= {
            "output_type": "multiple_choice",
            "doc_to_text": "context",
            "doc_to_target": "answer",
            "doc_to_choice": "choices",
            # A continuation brings its own leading blank.
            "target_delimiter": "",
            "metric_list": [{"metric": "acc", "aggregation": "mean", "higher_is_better": True}],
        }
    return {**config, "metadata": {"version": version}}
