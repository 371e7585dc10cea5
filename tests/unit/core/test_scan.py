"""Looking things up in Parquet files of the store."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.artifact import Output
from hearth.errors import DataError, NotFoundError
from hearth.scan import part, scan
from hearth.storage import Store

ROWS = 20_000


@pytest.fixture
def output(store: Store, tmp_path: Path) -> Output:
    """A file of 20,000 rows, sorted by key, most of it text."""
    random = np.random.default_rng(1)
    local = tmp_path / "part.parquet"
    keys = [f"s:{number:06}" for number in range(ROWS)]
    texts = [random.bytes(100).hex() for _ in range(ROWS)]
    pq.write_table(pa.table({"key": keys, "text": texts}), local, row_group_size=1_000)
    info = store.upload(local, "attempts/1/corpus/split=train/part.parquet")
    return Output(path=info.path, bytes=info.bytes, sha256=info.sha256, rows=ROWS)


@pytest.fixture
def fetched(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The sizes of the ranges that were fetched."""
    sizes: list[int] = []
    whole = Store.range

    def count(self: Store, path: str, start: int, length: int) -> bytes:
        sizes.append(length)
        return whole(self, path, start, length)

    monkeypatch.setattr(Store, "range", count)
    return sizes


def test_one_row_is_found_without_fetching_the_file(
    store: Store, output: Output, fetched: list[int]
) -> None:
    rows = list(scan(store, [output], ("key", "text"), where="key", among={"s:012345"}))
    assert [row["key"] for row in rows] == ["s:012345"]
    assert sum(fetched) < output.bytes / 5


def test_columns_that_are_not_asked_for_are_not_fetched(
    store: Store, output: Output, fetched: list[int]
) -> None:
    assert sum(1 for _ in scan(store, [output], ("key",))) == ROWS
    assert sum(fetched) < output.bytes / 5


def test_folders_are_columns_and_what_is_not_there_is_none(store: Store, output: Output) -> None:
    columns = ("key", "split", "nonesuch")
    rows = list(scan(store, [output], columns, where="key", among={"s:000001"}))
    assert rows == [{"key": "s:000001", "split": "train", "nonesuch": None}]
    assert part(output, "split") == "train"
    assert part(output, "step") is None


@pytest.mark.parametrize(
    ("where", "among"), [("key", set()), ("key", {"s:9"}), ("nonesuch", {"x"})]
)
def test_what_nothing_matches_is_empty(
    store: Store, output: Output, where: str, among: set[str]
) -> None:
    assert list(scan(store, [output], ("key",), where=where, among=among)) == []


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"path": "attempts/1/gone"}, NotFoundError, "is not in the store"),
        ({"bytes": 1}, DataError, "its record says 1"),
    ],
)
def test_a_file_that_is_not_what_its_record_says_is_an_error(
    store: Store, output: Output, changes: dict[str, Any], error: type[Exception], words: str
) -> None:
    with pytest.raises(error, match=words):
        list(scan(store, [output.model_copy(update=changes)], ("key",)))


def test_what_is_not_parquet_is_an_error_that_names_it(store: Store, tmp_path: Path) -> None:
    store.put("attempts/1/x.parquet", b"not Parquet at all")
    output = Output(path="attempts/1/x.parquet", bytes=18, sha256="0" * 64)
    with pytest.raises(DataError, match=r"x\.parquet: cannot be read as Parquet"):
        list(scan(store, [output], ("key",)))
