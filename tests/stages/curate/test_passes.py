"""Laws of passes over shards: one at a time, some rows of it at a time."""

from __future__ import annotations

import gc
import weakref
from collections import deque
from collections.abc import Iterable, Iterator
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.tasks import DocumentBatch, Task

from hearth.curate.executor import InProcessExecutor
from hearth.curate.passes import Pass
from hearth.curate.prepare import Extent, extents, read
from hearth.curate.shards import Shards
from hearth.curate.stages.clean import TakeChange
from hearth.documents import write_documents
from hearth.storage import Store
from hearth.storagesettings import StorageSettings
from tests.stages.curate.conftest import document, table_of


def test_a_shard_is_read_when_the_one_before_is_finished_and_forgotten(tmp_path: Path) -> None:
    alive: weakref.WeakSet[DocumentBatch] = weakref.WeakSet()
    log: list[str] = []

    class Counted(DocumentBatch):
        __hash__ = object.__hash__

    def batches(unit: int) -> Iterator[DocumentBatch]:
        gc.collect()
        assert not alive, "what was read before is forgotten"
        log.append(f"read {unit}")
        for _ in range(3):
            text = [f"text {unit}"]
            data = pd.DataFrame({"text": text, "clean": text})
            batch = Counted(dataset_name="x", data=data)
            alive.add(batch)
            yield batch

    def table(unit: int, results: Iterable[DocumentBatch]) -> pa.Table:
        return pa.table({"text": [task.to_pandas()["text"][0] for task in results]})

    run = Pass(InProcessExecutor(), Shards(tmp_path))
    for path in run("made", [TakeChange()], range(4), batches, table):
        log.append(f"made {int(path.stem)}")
        assert pq.read_table(path).num_rows == 3
    assert log == [f"{what} {unit}" for unit in range(4) for what in ("read", "made")]


class Ahead:
    """Takes some tasks before it returns what the first one became, as a cluster does."""

    most = 4

    def __init__(self) -> None:
        self._one = InProcessExecutor()

    def stream(self, stages: list[ProcessingStage], tasks: Iterable[Task]) -> Iterator[list[Task]]:
        waiting: deque[Task] = deque()
        for task in tasks:
            waiting.append(task)
            if len(waiting) == self.most:
                yield from self._one.stream(stages, [waiting.popleft()])
        yield from self._one.stream(stages, waiting)


def test_a_shard_is_sealed_when_its_last_batch_returns_however_many_are_under_way(
    tmp_path: Path,
) -> None:
    sizes = [2, 0, 3, 1, 0, 0, 5, 1, 1, 0]
    drawn, made = 0, list[int]()

    def batches(unit: int) -> Iterator[DocumentBatch]:
        nonlocal drawn
        for number in range(sizes[unit]):
            drawn += 1
            text = [f"{unit} {number}"]
            yield DocumentBatch(dataset_name="x", data=pd.DataFrame({"text": text, "clean": text}))

    def table(unit: int, results: Iterable[DocumentBatch]) -> pa.Table:
        made.append(unit)
        # One batch is read before it is known which is a shard's last.
        assert drawn <= sum(sizes[: unit + 1]) + Ahead.most
        return pa.table({"text": pa.array([t.to_pandas()["text"][0] for t in results], "string")})

    def run(store: Store, *earlier: Store) -> list[list[str]]:
        nonlocal drawn
        drawn = 0
        shards = Shards(tmp_path / store.uri[-1], "the run", store, earlier)
        paths = Pass(Ahead(), shards)("made", [TakeChange()], range(len(sizes)), batches, table)
        return [pq.read_table(path)["text"].to_pylist() for path in paths]

    whole = [[f"{unit} {number}" for number in range(size)] for unit, size in enumerate(sizes)]
    one, two = (Store.open(StorageSettings(uri=f"file://{tmp_path}/{n}")) for n in (1, 2))
    assert run(one) == whole
    assert made == list(range(len(sizes)))
    for gone in (1, 3, 6, 9):
        one.delete(f"shards/made/{gone:06d}.json")
    made.clear()
    assert run(two, one) == whole
    assert made == [1, 3, 6, 9]


@pytest.mark.parametrize("groups", [(1_000,), (10, 10, 500, 1, 479), (100,) * 10])
@pytest.mark.parametrize("rows", [1, 64, 100, 4_096])
def test_extents_hold_every_row_once_in_order(
    tmp_path: Path, groups: tuple[int, ...], rows: int
) -> None:
    path = tmp_path / "a.parquet"
    whole = table_of([{"doc_key": f"a:{number}"} for number in range(1_000)])
    with pq.ParquetWriter(path, whole.schema) as file:
        start = 0
        for size in groups:
            file.write_table(whole.slice(start, size), row_group_size=size)
            start += size
    found: list[Extent] = list(extents([path, path], rows))
    assert all(extent.rows <= rows for extent in found)
    assert [extent.number for extent in found] == [
        sum(extent.rows for extent in found[:place]) for place in range(len(found))
    ]
    chosen = found if rows > 1 else found[:40]
    keys = [key for one in chosen for batch in read(one) for key in batch.to_pandas()["doc_key"]]
    assert keys == [f"a:{n % 1_000}" for n in range(2_000)][: len(keys)]
    assert len(keys) == sum(extent.rows for extent in chosen)


def test_long_documents_are_read_a_few_at_a_time(tmp_path: Path) -> None:
    path = tmp_path / "long.parquet"
    write_documents(path, (document(f"a:{n}", f"{n} " * 200_000) for n in range(120)))
    shards = [list(read(extent)) for extent in extents([path])]
    assert sum(len(batch.data) for shard in shards for batch in shard) == 120
    sizes = [[batch.data["text"].str.len().sum() for batch in shard] for shard in shards]
    assert all(size <= 8 << 20 for shard in sizes for size in shard)
    assert all(sum(shard) <= 40 << 20 for shard in sizes)
