"""Where a Curator pipeline runs: in this process for small inputs, on Ray for large ones.

Starting Ray costs more than curating some ten thousand documents; both give the same rows.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

from nemo_curator.backends.base import BaseExecutor, BaseStageAdapter, NodeInfo, WorkerMetadata
from nemo_curator.tasks import EmptyTask

if TYPE_CHECKING:
    from nemo_curator.stages.base import ProcessingStage
    from nemo_curator.tasks import Task

RAY_FROM_BYTES: Final = 1 << 30
"""From so many bytes of compressed Parquet on, a Ray cluster is worth its start."""


class InProcessExecutor(BaseExecutor):
    """Runs the stages one after the other, batch by batch, in this process."""

    def execute(
        self, stages: list[ProcessingStage[Any, Any]], initial_tasks: list[Task[Any]] | None = None
    ) -> list[Task[Any]]:
        """Run a pipeline; return what its last stage gave."""
        adapters = [BaseStageAdapter(stage) for stage in stages]
        for adapter in adapters:
            adapter.setup_on_node(NodeInfo(), WorkerMetadata())
            adapter.setup(WorkerMetadata())
        tasks = initial_tasks or [EmptyTask() if isinstance(EmptyTask, type) else EmptyTask]
        done: list[Task[Any]] = []
        for task in tasks:
            done += _through(adapters, [task])
        for adapter in adapters:
            adapter.teardown()
        return done


def _through(adapters: list[BaseStageAdapter], tasks: list[Task[Any]]) -> list[Task[Any]]:
    """Take tasks through the stages depth first: one batch's rows are in memory twice at most."""
    if not adapters or not tasks:
        return tasks
    first, *rest = adapters
    size = max(1, first.stage.batch_size or 1)
    done: list[Task[Any]] = []
    for start in range(0, len(tasks), size):
        for task in first.process_batch(tasks[start : start + size]):
            done += _through(rest, [task])
    return done


def executor_for(input_bytes: int) -> BaseExecutor:
    """Return what suits an input of this size."""
    if input_bytes < RAY_FROM_BYTES:
        return InProcessExecutor()
    from nemo_curator.backends.ray_data import RayDataExecutor  # noqa: PLC0415 - starts slowly

    return RayDataExecutor()
