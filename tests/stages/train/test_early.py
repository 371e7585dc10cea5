"""The dev part in training: its scores, what they end, and which model is published."""

from __future__ import annotations

import re
import socket
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from hearth.resources import MetricsTarget
from hearth.train.asking import Asking, scores
from hearth.train.curves import Interval
from hearth.train.dev import DevPart
from hearth.train.gauges import GAUGES, INTERVAL
from hearth.train.launch import Ranks
from hearth.train.run import Report, Workspace
from hearth.train.sections import Parallelism
from hearth.train.spec import NumericsSection, OptimizerKind, OptimizerSection
from tests.stages.train.desk import alone, lay_out, place_of_one
from tests.stages.train.test_modes import ONE, spec

WILD = OptimizerSection(kind=OptimizerKind.ADAMW, learning_rate=0.3)
"""Learns in a step or two, then forgets."""


def weights(workspace: Workspace) -> dict[str, torch.Tensor]:
    return load_file(workspace.model / "model.safetensors")


def test_the_dev_part_tells_a_trained_model_from_an_untrained_one(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(60)
        target = MetricsTarget(host="127.0.0.1", port=listener.getsockname()[1])
        workspace, request = lay_out(tmp_path / "run", spec(steps=24), metrics=target)
        report = alone(monkeypatch, workspace, request)
        told: list[str] = []
        while not told or not told[-1].startswith("hearth.train.desk.step:24|g"):
            told.append(listener.recv(4096).decode())
    first, *_, last = report.history.validations
    assert first.dev is not None
    assert last.dev is not None
    assert last.dev.bits_per_byte["en"] < 0.9 * first.dev.bits_per_byte["en"]
    assert last.dev.accuracy["en"] == 1.0
    lines = "\n".join(told).splitlines()
    assert f"hearth.train.desk.dev.bits_per_byte.en:{last.dev.bits_per_byte['en']:.9g}|g" in lines
    names = {line.split(":")[0].removeprefix("hearth.train.desk.") for line in lines}
    # Without `operation.peak_teraflops` there is no mfu.
    assert {re.sub(r"\.(en|zh)$", ".<language>", name) for name in names} == {*GAUGES} - {"mfu"}
    each = {name for name, gauge in GAUGES.items() if gauge.when == INTERVAL}
    assert each == {"step", "steps", *Interval.model_fields}


def test_the_best_validated_model_is_published_and_outlives_a_restart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    short = spec(optimizer=WILD, validations=12, patience=3)
    workspace, request = lay_out(tmp_path / "run", short)
    report = alone(monkeypatch, workspace, request)
    judged = report.history.judged
    published = report.history.published(short.patience)
    assert published.step < len(report.history.losses) < 12, judged
    # Patience is no part of a step: a run of so many steps without it ends in the same weights.
    until = spec(optimizer=WILD, validations=12).model_copy(update={"steps": 12})
    other, asked = lay_out(tmp_path / "other", until, checkpoint_steps=1)
    monkeypatch.setattr(
        "hearth.train.watch.exhausted", lambda scores, *_: len(scores) > published.step
    )
    alone(monkeypatch, other, asked)
    monkeypatch.undo()
    best = weights(workspace)
    assert all(torch.equal(best[name], weight) for name, weight in weights(other).items())
    # All of it again, from the last checkpoint alone.
    workspace.report.unlink()
    (workspace.model / "model.safetensors").unlink()
    again = alone(monkeypatch, workspace, request)
    assert again.steps == 0
    assert again.history == report.history
    assert all(torch.equal(best[name], weight) for name, weight in weights(workspace).items())


@pytest.mark.parametrize("parallelism", list(Parallelism))
def test_ranks_end_together_with_the_scores_of_one(
    parallelism: Parallelism, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    numerics = NumericsSection(global_batch=8, world_size=2, micro_batch=2, parallelism=parallelism)
    wanted = spec(optimizer=WILD, validations=6, patience=2, numerics=numerics)
    workspace, request = lay_out(tmp_path / "two", wanted)
    report = Ranks(request, workspace).wait(lambda _: None)
    taken = len(report.history.losses)
    assert taken < 12, report.history.judged
    # The untrained model has the same weights on any number of ranks, so the same scores too.
    numerics_of_one = NumericsSection(**{**ONE, "micro_batch": numerics.micro_batch})
    one, alone_asked = lay_out(tmp_path / "one", spec(steps=5, numerics=numerics_of_one))
    single: Report = alone(monkeypatch, one, alone_asked)
    assert report.history.validations[0].dev == single.history.validations[0].dev
    assert (workspace.model / "model.safetensors").is_file()


def test_scores_are_of_all_rows_whatever_their_batches(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    workspace, _ = lay_out(tmp_path / "run", spec())
    part = DevPart.model_validate_json(workspace.dev.read_bytes())
    place_of_one(monkeypatch)
    torch.distributed.init_process_group("gloo")
    try:
        found = [
            Asking(part, tokens)(lambda batch: -(batch["targets"] > 0).sum(1).float())
            for tokens in (1, 64, 10_000)
        ]
    finally:
        torch.distributed.destroy_process_group()
    tokens = [
        -float(row.scored)
        for task in part.tasks
        for item in task.items
        for choice in item.choices
        for row in choice
    ]
    assert found == [scores(part, tokens)] * 3
