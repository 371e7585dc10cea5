from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch.distributed.checkpoint import FileSystemReader, load
from torch.distributed.checkpoint.metadata import TensorStorageMetadata

from hearth.attempt import Attempt
from hearth.errors import EXIT_DATA, DataError
from hearth.train import corpus
from hearth.train.checkpoint import name_of
from hearth.train.spec import ModelSection, NumericsSection, OptimizerKind, OptimizerSection

if TYPE_CHECKING:
    from tests.stages.train.conftest import Program, Publish

Rows = Callable[[int, int, int], list[dict[str, str]]]


def refused(program: Program, tmp_path: Path, **changes: Any) -> str:
    """Run a training that must fail because of its data; return what it says."""
    return failed(program, program.claim(program.spec(**changes)), tmp_path)


def failed(program: Program, attempt: Attempt, tmp_path: Path) -> str:
    log = tmp_path / "log"
    assert program.start(attempt, log).wait(240) == EXIT_DATA, log.read_text()
    end = attempt.exit()
    assert end is not None
    assert end.error == "DataError"
    assert attempt.artifact.record() is None
    return end.message


def test_an_empty_corpus_is_an_error_of_the_data(publish: Publish, tmp_path: Path) -> None:
    message = refused(publish("empty", {"train": [], "validation": []}), tmp_path)
    assert "its train split is empty" in message


def test_less_text_than_one_sequence_is_an_error_of_the_data(
    publish: Publish, rows: Rows, tmp_path: Path
) -> None:
    program = publish("short", {"train": rows(1, 1, 0), "validation": rows(1, 60, 1)})
    assert "one sequence takes 33" in refused(program, tmp_path)


def test_nothing_to_validate_on_is_an_error_of_the_data(
    publish: Publish, rows: Rows, tmp_path: Path
) -> None:
    program = publish("blind", {"train": rows(4, 60, 0), "validation": []})
    assert "raise curate.split.validation" in refused(program, tmp_path)


def test_a_loss_that_is_no_number_stops_the_run_and_leaves_the_last_good_checkpoint(
    program: Program, tmp_path: Path
) -> None:
    # A weight decay of ten times a rate of one turns every matrix into -9 times itself.
    spec = program.spec(
        optimizer=OptimizerSection(kind=OptimizerKind.ADAMW, learning_rate=1, weight_decay=10),
        model=ModelSection(hidden=32, intermediate=64, heads=2, key_value_heads=1),
        numerics=NumericsSection(global_batch=8, world_size=1, micro_batch=8),
    )
    attempt = program.claim(spec, checkpoint_steps=1)
    message = failed(program, attempt, tmp_path)
    assert "training diverged" in message
    told = re.search(r"loss: is nan, with a gradient of norm nan, at step (\d+): ", message)
    assert told is not None
    last = int(told[1]) - 1
    assert re.search(rf"heckpoints?\b.*\b{last}\b", message), message
    kept = (info.path.split("/")[1] for info in attempt.folder.list("checkpoints"))
    assert max(kept) == name_of(last)
    weights = tmp_path / "weights"
    for info in attempt.folder.list(f"checkpoints/{name_of(last)}"):
        attempt.folder.download(info.path, weights / Path(info.path).name)
    held = stored(weights)
    assert held
    assert all(tensor.isfinite().all() for tensor in held.values())


def stored(checkpoint: Path) -> dict[str, torch.Tensor]:
    """Every tensor of a checkpoint, without a process group."""
    reader = FileSystemReader(checkpoint)
    state = {
        name: torch.empty(entry.size, dtype=entry.properties.dtype)
        for name, entry in reader.read_metadata().state_dict_metadata.items()
        if isinstance(entry, TensorStorageMetadata)
    }
    load(state, storage_reader=reader, no_dist=True)
    return state


@pytest.mark.parametrize("content", [b"", b"PAR1 but no more"])
def test_a_shard_that_is_no_parquet_is_named(tmp_path: Path, content: bytes) -> None:
    shard = tmp_path / "split=train" / "00007.parquet"
    shard.parent.mkdir()
    shard.write_bytes(content)
    with pytest.raises(DataError, match=r"00007\.parquet: is not a shard of a corpus"):
        corpus.shares(tmp_path)
