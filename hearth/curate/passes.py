"""A pass over shards: a Curator pipeline runs over the batches of each, and what it made is sealed.

A shard is sealed as soon as its last batch has returned. Batches are read as the executor asks for
them, so that what is held is those on their way and one shard's results.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Generic, Protocol, TypeVar

import pyarrow as pa
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.tasks import DocumentBatch, Task

from hearth.curate.banding import Each
from hearth.curate.shards import Shards

BATCH: Final = 256
"""Documents in a batch: what progress is counted in, and what Ray hands out."""
SHARD_ROWS: Final = 4_096
"""Documents in a shard, at most: what a killed run loses."""

T = TypeVar("T")


class Executor(Protocol):
    """What runs the stages of a pipeline."""

    def stream(self, stages: list[ProcessingStage], tasks: Iterable[Task]) -> Iterator[list[Task]]:
        """Take tasks as they are needed; return what the last stage returned of each, in order."""


@dataclass
class _Begun(Generic[T]):
    """A shard that was begun.

    Attributes:
        name: Its pass and number.
        unit: What it is made from.
        path: Its file, if an earlier attempt finished it.
        batches: How many it has; None until the last one is handed out.
    """

    name: str
    unit: T
    path: Path | None
    batches: int | None = None


class Pass:
    """Runs passes on an executor; shards that are finished already are not run again."""

    def __init__(self, executor: Executor, shards: Shards, rows: int = SHARD_ROWS) -> None:
        """Run on `executor`, and keep in `shards` what is made, of so many documents each."""
        self._executor = executor
        self.shards = shards
        self.rows = rows

    @property
    def each(self) -> Each | None:
        """Return what calls functions on the executor's cluster; None if it has none."""
        return getattr(self._executor, "each", None)

    def __call__(
        self,
        name: str,
        stages: list[ProcessingStage],
        units: Iterable[T],
        read: Callable[[T], Iterable[DocumentBatch]],
        table: Callable[[T, Iterable[DocumentBatch]], pa.Table],
    ) -> Iterator[Path]:
        """Run a pass.

        Args:
            name: Its name.
            stages: Of its pipeline.
            units: What its shards are made from, in order.
            read: Makes the batches of a unit.
            table: Makes a shard of a unit and what the pipeline returned, batches in order.

        Yields:
            The file of each shard, in order.
        """
        pipeline = Pipeline(name=name, stages=stages)
        pipeline.build()
        begun: deque[_Begun[T]] = deque()
        results: list[DocumentBatch] = []
        returned = 0

        def finished() -> Iterator[Path]:
            nonlocal returned
            while begun and (begun[0].path or begun[0].batches == returned):
                first = begun.popleft()
                if first.path is None:
                    first.path = self.shards.put(first.name, table(first.unit, tuple(results)))
                    results.clear()
                    returned = 0
                yield first.path

        tasks = self._tasks(name, units, read, begun)
        for found in self._executor.stream(pipeline.stages, tasks):
            yield from finished()  # those before it that were taken over, or had no batch
            results += found
            returned += 1
            yield from finished()
        yield from finished()
        self.shards.report(name)

    def _tasks(
        self,
        name: str,
        units: Iterable[T],
        read: Callable[[T], Iterable[DocumentBatch]],
        begun: deque[_Begun[T]],
    ) -> Iterator[DocumentBatch]:
        """Yield the batches of all shards that no earlier attempt finished."""
        for number, unit in enumerate(units):
            shard = f"{name}/{number:06d}"
            begun.append(_Begun(shard, unit, self.shards.get(shard)))
            if begun[-1].path is None:
                yield from _counted(read(unit), begun[-1])


def _counted(batches: Iterable[DocumentBatch], shard: _Begun[T]) -> Iterator[DocumentBatch]:
    """Yield batches; when the last one is handed out, the shard knows how many it has."""
    coming = iter(batches)
    following = next(coming, None)
    count = 0
    while following is not None:
        batch, following = following, next(coming, None)
        count += 1
        if following is None:
            shard.batches = count
        yield batch
    shard.batches = count


def rows_of(batches: Sequence[DocumentBatch]) -> Iterator[dict[str, object]]:
    """Yield the rows of batches."""
    for task in batches:
        yield from task.to_pandas().to_dict("records")
