"""Sees failures that a task's callback misses: those that a person or the scheduler declares.

Airflow calls listeners in the worker, in the scheduler and in the API server. In the worker the
callback has told already.
"""

from __future__ import annotations

import logging
import threading
from typing import Any

from airflow.listeners import hookimpl

from hearth.build import Run
from operators.notify import Failure, tell

log = logging.getLogger(__name__)


def is_build(dag_id: str) -> bool:
    """Whether a DAG builds models."""
    return dag_id == "build_llm" or dag_id.startswith("weekly_")


@hookimpl
def on_task_instance_failed(previous_state: Any, task_instance: Any, error: Any) -> None:
    """Tell of a failure outside of a worker.

    Args:
        previous_state: None if a person set the state.
        task_instance: the worker's own kind, or a row of the database.
        error: what Airflow says about it.
    """
    state = str(getattr(task_instance.state, "value", task_instance.state))
    in_worker = hasattr(task_instance, "bundle_instance")
    if in_worker or state != "failed" or not is_build(task_instance.dag_id):
        return
    # Read here: the row belongs to a session that the thread must not touch.
    conf = getattr(task_instance.dag_run, "conf", None) or {}
    failure = Failure(
        run=Run(dag_id=task_instance.dag_id, run_id=task_instance.run_id),
        task=task_instance.task_id,
        try_number=task_instance.try_number,
        error=str(error or "Airflow gives no reason"),
        code=None,
        log_url=str(task_instance.log_url),
        by="a person" if previous_state is None else None,
    )
    # Nobody who presses a button should wait for a mail server.
    threading.Thread(target=_tell, args=(failure, conf.get("profile")), daemon=True).start()


def _tell(failure: Failure, profile: str | None) -> None:
    try:
        tell(failure, profile)
    except Exception:
        log.exception("the failure of %s could not be told", failure.task)
