"""A policy of Airflow's: what uses GPUs waits for a slot of the pool `gpu`.

Airflow reads it from its `config` folder. The pool comes first (`airflow pools import pools.json`):
a task whose pool is not there is never started.
"""

from __future__ import annotations

from typing import Any

POOL = "gpu"
WITH_GPUS = frozenset({"train", "evaluate"})


def task_policy(task: Any) -> None:
    """Put a task that uses GPUs into the pool."""
    if task.owner == "hearth" and task.task_id.rpartition(".")[2] in WITH_GPUS:
        task.pool = POOL
