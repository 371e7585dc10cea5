from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.errors import DataError
from hearth.evaluate.baseline import baseline_scores, training_texts
from hearth.evaluate.ngram import CharacterNgram
from hearth.evaluate.plan import SuiteView, TaskView


def shard(path: Path, texts: dict[str, str]) -> Path:
    pq.write_table(pa.table({"doc_key": list(texts), "text": list(texts.values())}), path)
    return path


def test_how_documents_are_sharded_changes_nothing(tmp_path: Path) -> None:
    texts = {f"s:{index}": f"text {index}" for index in range(20)}
    whole = [shard(tmp_path / "all.parquet", texts)]
    halves = [
        shard(tmp_path / "b.parquet", dict(list(texts.items())[12:])),
        shard(tmp_path / "a.parquet", dict(list(texts.items())[:12])),
    ]
    for most in (50, 10**6):
        assert training_texts(whole, most) == training_texts(halves, most)


def test_of_a_large_split_a_part_is_read(tmp_path: Path) -> None:
    path = shard(tmp_path / "all.parquet", {f"s:{index}": "x" * 100 for index in range(50)})
    assert len(training_texts([path], 1000)) == 10
    assert len(training_texts([path], 10)) == 1


def test_a_split_without_text_is_refused(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="has no text"):
        training_texts([shard(tmp_path / "none.parquet", {"s:1": ""})], 1000)


def test_a_shard_that_is_not_parquet_is_refused_by_name(tmp_path: Path) -> None:
    (tmp_path / "part-0.parquet").write_bytes(b"\x00" * 64)
    with pytest.raises(DataError, match=r"part-0\.parquet: is not a shard"):
        training_texts([tmp_path / "part-0.parquet"], 1000)


def test_only_bits_per_byte_items_are_scored() -> None:
    tasks = tuple(
        TaskView(task=f"{kind}_en", kind=kind, language="en", items=1, baselines=None)
        for kind in ("bits_per_byte", "cloze")
    )
    suite = SuiteView(name="s", version=1, max_length=64, dtype="float32", tasks=tasks)
    items = [
        {"task": "bits_per_byte_en", "item": "a", "text": "lamp"},
        {"task": "cloze_en", "item": "b", "text": "lamp"},
    ]
    scores = baseline_scores(["the lamp"], 2, suite, items)
    expected = CharacterNgram.train(["the lamp"], 2).log_likelihoods(["lamp"])[0]
    assert scores == {("bits_per_byte_en", "a"): pytest.approx(expected)}
