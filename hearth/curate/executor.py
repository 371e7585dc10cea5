"""Runs a Curator pipeline in this process."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence

from loguru import logger
from nemo_curator.backends.base import BaseExecutor, BaseStageAdapter, NodeInfo, WorkerMetadata
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.tasks import EmptyTask, Task

from hearth.errors import HearthError

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
        """Run the pipeline on tasks as they come; yield what its last stage returned of each.

        What stages have set up goes with the last task: a process beside holds as much as this one.
        """
        self._set_up(stages)

        def through(task: Task) -> list[Task]:
            return self._through(self._adapters, [task])

        # Not a loop: its variable would hold a task while the next one is read.
        yield from map(through, tasks)
        self.close()

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


def quiet() -> None:
    """Let Curator say only what matters."""
    logger.remove()
    logger.add(sys.stderr, level="WARNING")
