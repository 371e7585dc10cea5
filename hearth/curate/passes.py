"""A pass over shards: one run of a Curator pipeline each, and what it made is sealed."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Final, TypeVar

import pyarrow as pa
from nemo_curator.backends.base import BaseExecutor
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.tasks import DocumentBatch

from hearth.curate.banding import Each
from hearth.curate.shards import Shards

BATCH: Final = 256
"""Documents in a batch: what progress is counted in, and what Ray hands out."""
SHARD_ROWS: Final = 4_096
"""Documents in a shard, at most: what a killed run loses; a job's settings may say otherwise."""

T = TypeVar("T")


class Pass:
    """Runs passes on an executor; shards that are finished already are not run again."""

    def __init__(self, executor: BaseExecutor, shards: Shards, rows: int = SHARD_ROWS) -> None:
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
        numbered = enumerate(units)
        while group := list(islice(numbered, getattr(self._executor, "together", 1))):
            found = {number: self.shards.get(f"{name}/{number:06d}") for number, _ in group}
            missing = [(number, unit) for number, unit in group if found[number] is None]
            tasks = [
                _marked(task, number, place)
                for number, unit in missing
                for place, task in enumerate(read(unit))
            ]
            results: dict[int, list[DocumentBatch]] = {number: [] for number, _ in missing}
            for task in pipeline.run(self._executor, initial_tasks=tasks) or [] if tasks else ():
                results[_mark(task)[0]].append(task)
            del tasks
            for number, unit in missing:
                mine = sorted(results.pop(number), key=_mark)
                found[number] = self.shards.put(f"{name}/{number:06d}", table(unit, mine))
            for number, _ in group:
                path = found[number]
                if path is not None:
                    yield path
        self.shards.report(name)


def _marked(task: DocumentBatch, number: int, place: int) -> DocumentBatch:
    known = task._metadata  # noqa: SLF001 - as Curator's own stages hand it on
    return replace(task, _metadata={**known, "shard": number, "batch": place})


def _mark(task: DocumentBatch) -> tuple[int, int]:
    known = task._metadata  # noqa: SLF001 - as above
    return known["shard"], known["batch"]


def rows_of(batches: Sequence[DocumentBatch]) -> Iterator[dict[str, object]]:
    """Yield the rows of batches."""
    for task in batches:
        yield from task.to_pandas().to_dict("records")
