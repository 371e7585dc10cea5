from __future__ import annotations

import json
from collections.abc import Callable
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.artifact import Artifact, InputRef
from hearth.attempt import Exit
from hearth.errors import EXIT_DATA
from hearth.storage import Store

Inputs = Callable[[Path, Path, Path], dict[str, InputRef]]
Program = Callable[[dict[str, InputRef]], tuple[Artifact, Exit]]
Edited = Callable[[Path, str, bytes | None], Path]


def test_a_model_with_a_flipped_byte_is_refused_by_name_and_hash(
    model_folder: Path,
    suite_folder: Path,
    corpus_folder: Path,
    inputs: Inputs,
    program: Program,
    store: Store,
) -> None:
    given = inputs(model_folder, suite_folder, corpus_folder)
    path = store.relative(given["model"].uri) + "/attempts/1/model/model.safetensors"
    weights = bytearray(store.get(path))
    weights[-1] ^= 1
    store.put(path, bytes(weights))
    _, end = program(given)
    assert end.code == EXIT_DATA
    assert "model.safetensors: SHA-256 is" in end.message


@pytest.mark.parametrize("name", ["tokenizer.json", "config.json", "model.safetensors"])
def test_a_model_without_one_of_its_files_is_refused(
    model_folder: Path,
    suite_folder: Path,
    corpus_folder: Path,
    inputs: Inputs,
    program: Program,
    edited: Edited,
    name: str,
) -> None:
    broken = edited(model_folder, f"model/{name}", None)
    _, end = program(inputs(broken, suite_folder, corpus_folder))
    assert end.code == EXIT_DATA
    assert f"model: has no {name}" in end.message


def test_a_model_whose_window_is_shorter_than_the_suite_s_is_refused(
    model_folder: Path,
    suite_folder: Path,
    corpus_folder: Path,
    inputs: Inputs,
    program: Program,
    edited: Edited,
) -> None:
    config = json.loads((model_folder / "model" / "config.json").read_bytes())
    config["max_position_embeddings"] = 32
    broken = edited(model_folder, "model/config.json", json.dumps(config).encode())
    _, end = program(inputs(broken, suite_folder, corpus_folder))
    assert end.code == EXIT_DATA
    assert "max_position_embeddings = 32: below the 96 tokens" in end.message


def test_a_suite_with_an_item_that_comes_twice_is_refused(
    model_folder: Path,
    suite_folder: Path,
    corpus_folder: Path,
    inputs: Inputs,
    program: Program,
    edited: Edited,
) -> None:
    items = pq.read_table(suite_folder / "items.parquet")
    buffer = BytesIO()
    pq.write_table(pa.concat_tables([items, items.slice(0, 1)]), buffer)
    broken = edited(suite_folder, "items.parquet", buffer.getvalue())
    _, end = program(inputs(model_folder, broken, corpus_folder))
    assert end.code == EXIT_DATA
    assert "comes 2 times: items must be unique" in end.message


def test_a_suite_whose_counts_disagree_is_refused(
    model_folder: Path,
    suite_folder: Path,
    corpus_folder: Path,
    inputs: Inputs,
    program: Program,
    edited: Edited,
) -> None:
    items = pq.read_table(suite_folder / "items.parquet")
    buffer = BytesIO()
    pq.write_table(items.slice(1), buffer)
    broken = edited(suite_folder, "items.parquet", buffer.getvalue())
    _, end = program(inputs(model_folder, broken, corpus_folder))
    assert end.code == EXIT_DATA
    assert "suite.json counts items" in end.message


def test_a_corpus_without_text_is_refused(
    model_folder: Path,
    suite_folder: Path,
    corpus_folder: Path,
    inputs: Inputs,
    program: Program,
    edited: Edited,
) -> None:
    buffer = BytesIO()
    pq.write_table(pa.table({"doc_key": ["a"], "text": [""]}), buffer)
    empty = edited(corpus_folder, "corpus/split=train/part-0.parquet", buffer.getvalue())
    _, end = program(inputs(model_folder, suite_folder, empty))
    assert end.code == EXIT_DATA
    assert "the train split has no text" in end.message


def test_weights_that_do_not_fit_the_configuration_are_refused_in_one_line(
    model_folder: Path,
    suite_folder: Path,
    corpus_folder: Path,
    inputs: Inputs,
    program: Program,
    edited: Edited,
) -> None:
    config = json.loads((model_folder / "model" / "config.json").read_bytes())
    config["hidden_size"] = 64
    broken = edited(model_folder, "model/config.json", json.dumps(config).encode())
    artifact, end = program(inputs(broken, suite_folder, corpus_folder))
    assert end.code == EXIT_DATA
    assert "transformers cannot load it" in end.message
    assert artifact.record() is None
