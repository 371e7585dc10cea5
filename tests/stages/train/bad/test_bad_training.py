from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import torch
from torch.distributed.checkpoint import FileSystemReader, load
from torch.distributed.checkpoint.metadata import TensorStorageMetadata

from hearth.errors import EXIT_DATA, DataError
from hearth.train import corpus
from hearth.train.checkpoint import name_of
from hearth.train.spec import (
    NumericsSection,
    OptimizerKind,
    OptimizerSection,
    ScheduleSection,
)

if TYPE_CHECKING:
    from hearth.attempt import Attempt
    from tests.stages.train.conftest import Program, Publish

Rows = Callable[[int, int, int], list[dict[str, str]]]


def refused(program: Program, tmp_path: Path, **changes: Any) -> str:
    """Run a training that must fail because of its data; return what it says."""
    return said_of(program, program.claim(program.spec(**changes)), tmp_path)


def said_of(program: Program, attempt: Attempt, tmp_path: Path) -> str:
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


def test_a_loss_that_is_no_number_stops_the_run_says_why_and_leaves_what_was_good(
    program: Program, tmp_path: Path
) -> None:
    # A weight decay of ten times a rate that rises to one turns every matrix into -9 times itself.
    spec = program.spec(
        optimizer=OptimizerSection(kind=OptimizerKind.ADAMW, learning_rate=1, weight_decay=10),
        schedule=ScheduleSection(warmup_steps=30),
        numerics=NumericsSection(global_batch=8, world_size=1, micro_batch=8),
    )
    attempt = program.claim(spec, divergence=100, interval_steps=2)
    message = said_of(program, attempt, tmp_path)
    found = re.search(
        r"loss: is nan, with a gradient of norm nan, at step (\d+): training diverged.*"
        r"Last good checkpoint: step (\d+)$",
        message,
    )
    assert found, message
    step, newest = map(int, found.groups())
    assert step - 4 <= newest < step
    # In the store, not only on a disk that is gone with the job.
    left = {info.path for info in attempt.folder.list("checkpoints")}
    assert f"checkpoints/{name_of(newest)}/manifest.json" in left
    weights = tmp_path / "weights"
    for info in attempt.folder.list(f"checkpoints/{name_of(newest)}"):
        attempt.folder.download(info.path, weights / Path(info.path).name)
    held = stored(weights)
    assert held
    assert all(tensor.isfinite().all() for tensor in held.values())
    (curves,) = attempt.folder.list("tensorboard")
    assert curves.size > 1000


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
