"""Curator pipelines on Ray, one session for a whole run.

Curator's own executor starts Ray and its workers anew for each run of a pipeline, which takes half
a minute. Here the cluster is joined or started once, and workers keep what stages have set up for
as long as the same ones come. What goes wrong with the cluster is worth another try.
"""

from __future__ import annotations

import socket
import uuid
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import ray
from nemo_curator.backends.base import BaseExecutor
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.tasks import EmptyTask, Task
from ray.exceptions import RayError, RayTaskError

from hearth.curate.executor import InProcessExecutor, Progress, quiet
from hearth.errors import TransientError
from hearth.raycluster import RAY_HERE

_NOT_STARTED: Final = "node timed out during startup"
_PATIENCE: Final = 30.0
"""Seconds in which the head of a named cluster must take a connection."""
_RETRIES: Final = 5
"""Times that a task is done again whose worker died: what kills them all is no accident."""
_AHEAD: Final = 3
"""Tasks for each processor that are under way, so that none waits for this process, which holds no
more of them."""


class RayExecutor(BaseExecutor):
    """Runs pipelines on a cluster that is there, or on one that it starts.

    Each task goes through all stages in one worker, so that only the ends of a pipeline are carried
    to and fro. A task whose worker died is done again, on another node if need be.
    """

    def __init__(self, progress: Progress | None = None, cluster: str = RAY_HERE) -> None:
        """Run on the cluster of this address; tell `progress` of what has left the last stage."""
        super().__init__()
        self._progress = progress
        self._cluster = cluster
        self._stages: list[ProcessingStage] = []
        self._name, self._reference = "", None
        self._started = False

    def execute(
        self, stages: list[ProcessingStage], initial_tasks: list[Task] | None = None
    ) -> list[Task]:
        """Run the pipeline; return what its last stage returned.

        Raises:
            TransientError: The cluster did not start, or a part of it that is needed died.
        """
        found = self.stream(stages, initial_tasks or [EmptyTask()])
        return [task for tasks in found for task in tasks]

    def stream(self, stages: list[ProcessingStage], tasks: Iterable[Task]) -> Iterator[list[Task]]:
        """Run the pipeline on tasks; yield what its last stage returned of each, in order.

        They are taken as they are needed, some for each processor at a time.

        Raises:
            TransientError: As for `execute`.
        """
        with _explained():
            self._start()
            if list(map(id, stages)) != list(map(id, self._stages)):
                # They are held, so that no other stage is ever taken for one of these.
                self._stages = list(stages)
                self._name, self._reference = uuid.uuid4().hex, ray.put(self._stages)
        chain = (self._name, [self._reference])
        for found in self.each(curate_batch, ((chain, task) for task in tasks)):
            if self._progress:
                self._progress(stages[-1].name, sum(task.num_items for task in found))
            yield found

    def each(
        self, function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]
    ) -> Iterator[Any]:
        """Call a function on the cluster, some calls at a time; yield what each returned, in order.

        Args:
            function: One that workers can import.
            arguments: Of each call; taken as they are needed.

        Raises:
            TransientError: As for `execute`. What the function raises is raised as it is.
        """
        with _explained():
            call = ray.remote(max_retries=_RETRIES)(function).remote
            ahead = _AHEAD * self.processors
            waiting: deque[Any] = deque()
        for given in arguments:
            with _explained():
                waiting.append(call(*given))
                found = [ray.get(waiting.popleft())] if len(waiting) >= ahead else []
            yield from found
        while waiting:
            with _explained():
                found = [ray.get(waiting.popleft())]
            yield from found

    @property
    def processors(self) -> int:
        """Return how many the cluster has."""
        with _explained():
            self._start()
            return max(1, int(ray.cluster_resources().get("CPU", 1)))

    def close(self) -> None:
        """Leave the cluster; end it, if it was started here."""
        self._stages, self._name, self._reference = [], "", None
        if self._started:
            ray.shutdown()
        self._started = False

    def _start(self) -> None:
        if not ray.is_initialized():
            # A session of Curator's own may have ended ours, and what was put with it.
            self._stages = []
            # An address is always given: without one, Ray joins whatever cluster it finds here.
            if self._cluster == RAY_HERE:
                ray.init(address=RAY_HERE, include_dashboard=False)
            else:
                self._join()
            self._started = True

    def _join(self) -> None:
        try:
            # Ray itself waits minutes for a head that is not there.
            host, _, port = self._cluster.rpartition(":")
            socket.create_connection((host.strip("[]"), int(port)), _PATIENCE).close()
            ray.init(address=self._cluster)
        except (RayError, OSError, RuntimeError) as error:
            why = str(error.__cause__ or error).strip().splitlines()[-1]
            message = (
                f"Ray cluster {self._cluster}: cannot be joined ({why}): see that its head runs, "
                "that this machine is a node of it, and which token it asks for, and try again"
            )
            raise TransientError(message) from error


_chain: tuple[str, list[ProcessingStage], InProcessExecutor] | None = None
"""In a worker: the stages that it has set up."""


def curate_batch(chain: tuple[str, list[Any]], task: Task) -> list[Task]:
    """Take a task through all stages, in a worker.

    Args:
        chain: Names the stages, and says where they are.
        task: What goes in.
    """
    global _chain  # noqa: PLW0603 - a worker process has one
    name, (reference,) = chain
    if _chain is None or _chain[0] != name:
        if _chain is not None:
            _chain[2].close()
        quiet()
        _chain = (name, ray.get(reference), InProcessExecutor())
    return _chain[2].execute(_chain[1], [task])


@contextmanager
def _explained() -> Iterator[None]:
    """Raise a `TransientError` for what Ray is to blame for."""
    try:
        yield
    except RayTaskError:
        raise  # what a stage raised
    except (RayError, ConnectionError) as error:
        message = f"Ray: {type(error).__name__}: {error}: try again"
        raise TransientError(message) from error
    except Exception as error:
        if _NOT_STARTED in str(error):
            message = "Ray: its node did not start in time: try again, on an idler machine"
            raise TransientError(message) from error
        raise
