"""Where a Curator pipeline runs: in this process, or on Ray.

A Ray cluster takes some seconds to start on a small machine, and so does each of its workers; a
corpus of a few megabytes is done in less. Both executors give the same rows.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Final

from loguru import logger
from nemo_curator.backends.base import BaseExecutor, BaseStageAdapter, NodeInfo, WorkerMetadata
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.tasks import EmptyTask, Task

from hearth.curate.guard import on_ray
from hearth.errors import HearthError, SpecError
from hearth.resources import RAY_ADDRESS, RAY_HERE, RAY_PLACE

if TYPE_CHECKING:
    from hearth.curate.onray import RayExecutor

log = logging.getLogger(__name__)

RAY_ABOVE_BYTES: Final = 64 * 2**20
"""Input, as stored, from which a Ray cluster is started where none is named.

Ray was seen to be faster from a sixth of it on two processors: `benchmarks/README.md`.
"""


Progress = Callable[[str, int], None]
"""Called with the name of a stage and the number of documents it has just finished."""


class InProcessExecutor(BaseExecutor):
    """Runs stages one after the other in this process, a task at a time, depth first.

    So the memory is that of one task on its way, and what the last stage returned. Stages that come
    again keep what they have set up, until others come.
    """

    def __init__(self, progress: Progress | None = None) -> None:
        super().__init__()
        self._progress = progress
        self._adapters: list[BaseStageAdapter] = []

    def execute(
        self, stages: list[ProcessingStage], initial_tasks: list[Task] | None = None
    ) -> list[Task]:
        """Run the pipeline; return what its last stage returned."""
        self._set_up(stages)
        return self._through(self._adapters, initial_tasks or [EmptyTask()])

    def stream(self, stages: list[ProcessingStage], tasks: Iterable[Task]) -> Iterator[list[Task]]:
        """Run the pipeline on tasks as they come; return what its last stage returned of each."""
        self._set_up(stages)

        def through(task: Task) -> list[Task]:
            return self._through(self._adapters, [task])

        # Not a loop: its variable would hold a task while the next one is read.
        return map(through, tasks)

    def close(self) -> None:
        """Let go of what stages have set up."""
        while self._adapters:
            self._adapters.pop().teardown()

    def _set_up(self, stages: list[ProcessingStage]) -> None:
        if [id(adapter.stage) for adapter in self._adapters] != [id(stage) for stage in stages]:
            self.close()
            for stage in stages:
                adapter = BaseStageAdapter(stage)
                adapter.setup_on_node(NodeInfo(), WorkerMetadata())
                adapter.setup(WorkerMetadata())
                self._adapters.append(adapter)

    def _through(self, adapters: Sequence[BaseStageAdapter], tasks: list[Task]) -> list[Task]:
        if not adapters:
            return tasks
        first, rest = adapters[0], adapters[1:]
        size = max(1, first.stage.batch_size or 1)
        done: list[Task] = []
        for task in tasks:
            if not first.stage.validate_input(task):
                # Curator's own message would hold the task, and so the text.
                message = f"stage {first.stage.name}: lacks columns of {first.stage.inputs()}"
                raise HearthError(message)
        for start in range(0, len(tasks), size):
            results = first.process_batch(tasks[start : start + size])
            if self._progress:
                self._progress(first.stage.name, sum(task.num_items for task in results))
            done += self._through(rest, results)
        return done


def choose(
    input_bytes: int, cluster: str | None, progress: Progress
) -> InProcessExecutor | RayExecutor:
    """Return the executor for an input of this size, which is to be closed in the end.

    Args:
        input_bytes: What is to be read, as stored.
        cluster: The address of a Ray cluster, which is taken whatever the size.
        progress: Told what has been done.

    Raises:
        SpecError: The address is none.
    """
    quiet()
    if cluster and not re.fullmatch(RAY_PLACE, cluster):
        message = (
            f"{RAY_ADDRESS} = {cluster}: is not understood: name the cluster's head as host:port, "
            f"or {RAY_HERE!r} for a cluster that is started here"
        )
        raise SpecError(message)
    if cluster:
        log.info("on the Ray cluster that was named: %s", cluster)
    elif input_bytes < RAY_ABOVE_BYTES:
        return InProcessExecutor(progress)
    else:
        log.info("%d bytes of input, Ray from %d: on Ray", input_bytes, RAY_ABOVE_BYTES)
    on_ray()
    return ray_executor(progress, cluster or RAY_HERE)


def ray_executor(progress: Progress | None = None, cluster: str = RAY_HERE) -> RayExecutor:
    """Return the executor on a Ray cluster, which reports nothing to Ray's makers."""
    from ray._common.usage.usage_lib import (  # noqa: PLC0415 - no public way to switch it off
        set_usage_stats_enabled_via_env_var,
    )

    from hearth.curate.onray import RayExecutor  # noqa: PLC0415 - slow to import

    set_usage_stats_enabled_via_env_var(False)
    return RayExecutor(progress, cluster)


def quiet() -> None:
    """Let Curator say only what matters."""
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
