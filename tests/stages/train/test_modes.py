from __future__ import annotations

import shutil
import signal
import struct
from pathlib import Path
from typing import Any

import psutil
import pytest
import torch
from peft import PeftModel
from tensorboardX.proto.event_pb2 import Event
from transformers import AutoModelForCausalLM

from hearth.errors import HearthError, TransientError
from hearth.train import parallel, state
from hearth.train.batches import Batches, batch_of
from hearth.train.data import mark
from hearth.train.launch import Ranks
from hearth.train.network import network
from hearth.train.operation import TrainOperation
from hearth.train.run import Pace, Report, Request, Workspace
from hearth.train.sections import BaseSection, LoraSection, Mode, Parallelism
from hearth.train.spec import (
    ModelSection,
    NumericsSection,
    OptimizerKind,
    OptimizerSection,
    Precision,
    TokenizerSection,
    TrainSpec,
)
from tests.stages.train.conftest import model_spec
from tests.stages.train.desk import alone, lay_out, place_of_one

ONE = {"world_size": 1, "global_batch": 8, "micro_batch": 4}
GENTLE = OptimizerSection(kind=OptimizerKind.ADAMW, learning_rate=1e-3)


def spec(**changes: Any) -> TrainSpec:
    return model_spec(**{"steps": 12, "numerics": NumericsSection(**ONE), **changes})


def onto(**changes: Any) -> TrainSpec:
    """Return the spec of a training that starts from what another made."""
    brought = {"model": ModelSection(), "tokenizer": TokenizerSection()}
    base = BaseSection(source="mine")
    return spec(mode=Mode.CONTINUE, base=base, optimizer=GENTLE, **brought, **changes)


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> tuple[Workspace, Report]:
    """Return a run from first weights on one rank."""
    workspace, request = lay_out(tmp_path_factory.mktemp("desk") / "run", spec())
    with pytest.MonkeyPatch.context() as patch:
        return workspace, alone(patch, workspace, request)


def resting_on(root: Path, base: Workspace, **changes: Any) -> tuple[Workspace, Request]:
    workspace, request = lay_out(root, onto(**changes))
    shutil.copytree(base.model, workspace.base)
    return workspace, request


def test_a_documents_logits_do_not_depend_on_its_neighbours(tmp_path: Path) -> None:
    workspace, request = lay_out(tmp_path / "run", spec())
    model = network(request, workspace).eval()
    one, other, mine = ([n, *range(n, n + 8)] for n in (20, 40, 60))

    def logits(neighbour: list[int]) -> torch.Tensor:
        ids = [*neighbour, *mine, 0]
        row = mark(ids, [True] * len(ids))
        row["marks"][len(neighbour)] |= 1
        batch = batch_of(row[None])
        with torch.no_grad():
            given = {"input_ids": batch["input_ids"], "position_ids": batch["position_ids"]}
            found: torch.Tensor = model(**given, use_cache=False).logits
        return found[0, len(neighbour) :]

    assert torch.equal(logits(one), logits(other))
    first = mark([*mine, 0], [True] * 10)
    alone_ids = batch_of(first[None])["input_ids"]
    with torch.no_grad():
        apart = model(input_ids=alone_ids, use_cache=False).logits[0]
    torch.testing.assert_close(logits(one), apart, rtol=1e-4, atol=1e-5)


def test_a_groups_share_of_the_steps_is_its_weight(tmp_path: Path) -> None:
    workspace, request = lay_out(tmp_path / "run", spec(), {"en": 0.7, "replay": 0.3})
    streams = [workspace.tokens(n) for n in range(2)]
    one = Batches(request, streams, 0, 1)
    two = [Batches(request, streams, rank, 2) for rank in range(2)]
    for step in (0, 7):
        whole = torch.cat([batch["input_ids"] for batch in one.of_step(step)[0]])
        parts = [batch["input_ids"] for rank in two for batch in rank.of_step(step)[0]]
        assert torch.equal(whole, torch.cat(parts)), "whatever the number of ranks"


def test_activations_computed_again_give_the_same_bits(
    scratch: tuple[Workspace, Report], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    workspace, request = lay_out(tmp_path / "run", spec(), activation_checkpointing=True)
    report = alone(monkeypatch, workspace, request)
    assert report.history == scratch[1].history


def test_bf16_learns_about_as_well(
    scratch: tuple[Workspace, Report], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    low = NumericsSection(**ONE, precision=Precision.BF16)
    workspace, request = lay_out(tmp_path / "run", spec(numerics=low))
    losses = alone(monkeypatch, workspace, request).history.losses
    assert losses != scratch[1].history.losses
    assert losses == pytest.approx(scratch[1].history.losses, abs=0.05)


def points_in(folder: Path) -> dict[str, dict[int, float]]:
    """The points of TensorBoard's files in a folder: curve → step → value."""
    raw = b"".join(path.read_bytes() for path in sorted(folder.iterdir()))
    points: dict[str, dict[int, float]] = {}
    while raw:  # length, its checksum, the event, its checksum
        (length,) = struct.unpack("<Q", raw[:8])
        event = Event.FromString(raw[12 : 12 + length])
        for value in event.summary.value:
            curve = points.setdefault(value.tag, {})
            assert event.step not in curve, f"{value.tag} was drawn twice at step {event.step}"
            curve[event.step] = value.simple_value
        raw = raw[16 + length :]
    return points


def test_the_curves_are_events_that_tensorboard_reads(scratch: tuple[Workspace, Report]) -> None:
    workspace, report = scratch
    points = points_in(workspace.events)
    losses, norms = report.history.losses, report.history.gradient_norms
    assert points["loss/train"] == pytest.approx({10: losses[9], 12: losses[11]})
    assert points["gradient_norm"] == pytest.approx({10: norms[9], 12: norms[11]})
    assert {"tokens_per_second", "memory_bytes", "learning_rate", "bits_per_byte/en"} <= set(points)
    assert "mfu" not in points, "nobody said what the device can do"


def test_curves_and_times_outlive_a_restart(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    often = spec(validations=6)
    workspace, request = lay_out(tmp_path / "run", often, interval_steps=2, keep_checkpoints=3)
    whole = alone(monkeypatch, workspace, request)
    drawn = points_in(workspace.events)
    shutil.rmtree(workspace.checkpoints / "step-000012")
    shutil.rmtree(workspace.events)  # a restart may begin with nothing but a checkpoint
    again = alone(monkeypatch, workspace, request)
    assert again.resumed_from == 8
    redrawn = points_in(workspace.events)
    assert {name: list(curve) for name, curve in redrawn.items()} == {
        name: list(curve) for name, curve in drawn.items()
    }
    assert list(redrawn["loss/train"]) == [2, 4, 6, 8, 10, 12]
    assert redrawn["loss/train"] == drawn["loss/train"]
    # Each stretch by its own time: those before the restart keep theirs.
    first, second = whole.times.validations, again.times.validations
    assert list(first) == list(second) == [0, 2, 4, 6, 8, 10, 12]
    assert all(first[step] == second[step] for step in (0, 2, 4, 6, 8))
    assert first[10] != second[10]
    seconds = [again.times.between(step, step + 2) for step in range(0, 12, 2)]
    assert all(taken is not None and taken > 0 for taken in seconds)


def test_the_share_of_a_devices_peak_is_told_where_the_peak_is(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    workspace, request = lay_out(tmp_path / "run", spec(), peak_teraflops=0.5)
    report = alone(monkeypatch, workspace, request)
    assert report.utilisation is not None
    assert report.tokens_per_second is not None
    flops = 6 * report.parameters * report.tokens_per_second
    assert report.utilisation == pytest.approx(flops / 0.5e12)
    assert points_in(workspace.events)["mfu"][12] > 0
    pace = Pace.model_validate_json(workspace.pace.read_bytes())
    assert pace.metrics["mfu"] == pytest.approx(report.utilisation)
    assert pace.metrics["gradient_norm"] == report.history.gradient_norms[-1]
    assert pace.metrics["memory_bytes"] > 1e8
    assert all(word in str(pace) for word in ("loss", "gradient norm", "tokens/s", "MiB", "MFU"))


def test_training_in_another_mode_than_asked_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    workspace, whole = lay_out(tmp_path / "run", spec())
    sharded = whole.model_copy(
        update={"spec": spec(numerics=NumericsSection(**ONE, parallelism=Parallelism.FSDP))}
    )
    more = whole.model_copy(update={"operation": TrainOperation(ranks=2)})
    place_of_one(monkeypatch)
    device = parallel.join(1)
    try:
        for given, asked, said in (
            (whole, sharded, "fsdp was asked for, and the model is a DistributedDataParallel"),
            (sharded, whole, "ddp was asked for, and the model is a FSDP"),
            (whole, more, "there are 1, 2 were asked for"),
        ):
            model = parallel.share(network(given, workspace), given, device)
            parallel.check(model, given)
            with pytest.raises(HearthError, match=said):
                parallel.check(model, asked)
        # What Accelerate would do: a plain model, and no word of it.
        for asked in (whole, sharded):
            with pytest.raises(HearthError, match="was asked for, and the model is a"):
                parallel.check(network(asked, workspace), asked)
    finally:
        torch.distributed.destroy_process_group()


def test_continued_pretraining_starts_where_the_base_ended(
    scratch: tuple[Workspace, Report], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    workspace, request = resting_on(tmp_path / "run", scratch[0])
    report = alone(monkeypatch, workspace, request)
    was, now = scratch[1].history.validations[-1], report.history.validations
    assert now[0].bits_per_byte == pytest.approx(was.bits_per_byte)
    assert now[-1].loss < now[0].loss
    assert report.parameters == scratch[1].parameters


def test_training_that_gains_nothing_ends_early_and_stays_ended(
    scratch: tuple[Workspace, Report], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    still = OptimizerSection(kind=OptimizerKind.ADAMW, learning_rate=1e-12)
    wanted = spec(optimizer=still, validations=6, patience=2, steps=12)
    workspace, request = lay_out(tmp_path / "run", wanted)
    report = alone(monkeypatch, workspace, request)
    assert len(report.history.losses) < 12
    assert not report.stopped
    workspace.report.unlink()
    again = alone(monkeypatch, workspace, request)
    assert again.history == report.history
    assert again.steps == 0


def test_adapters_move_alone_and_are_merged(
    scratch: tuple[Workspace, Report], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    workspace, request = resting_on(tmp_path / "run", scratch[0], lora=LoraSection(rank=4))
    report = alone(monkeypatch, workspace, request)
    assert report.history.validations[-1].loss < report.history.validations[0].loss
    merged = AutoModelForCausalLM.from_pretrained(workspace.model)
    base = AutoModelForCausalLM.from_pretrained(workspace.base)
    assert torch.equal(merged.get_input_embeddings().weight, base.get_input_embeddings().weight)
    assert {path.suffix for path in workspace.adapter.iterdir()} == {".json", ".safetensors"}
    assert str(tmp_path) not in (workspace.adapter / "adapter_config.json").read_text()
    ids = torch.arange(1, 25)[None]
    with torch.no_grad():
        before = base(ids).logits
        apart = PeftModel.from_pretrained(base, workspace.adapter)(ids).logits
        torch.testing.assert_close(merged(ids).logits, apart, rtol=1e-4, atol=1e-4)
    assert not torch.allclose(before, apart, atol=1e-3)
    held = sum(path.stat().st_size for path in workspace.checkpoints.glob("step-000012/*.distcp"))
    assert held < 12 * report.parameters, "what does not move is in no checkpoint"


def test_shards_learn_as_whole_models_do_and_are_dealt_anew(
    scratch: tuple[Workspace, Report],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
    tmp_path: Path,
) -> None:
    two = NumericsSection(**{**ONE, "world_size": 2}, parallelism=Parallelism.FSDP)
    workspace, request = lay_out(tmp_path / "run", spec(numerics=two), keep_checkpoints=3)
    report = Ranks(request, workspace).wait(lambda _: None)
    assert report.parameters == scratch[1].parameters
    assert report.history.losses == pytest.approx(scratch[1].history.losses, abs=2e-3)
    sharded = AutoModelForCausalLM.from_pretrained(workspace.model).state_dict()

    shutil.rmtree(workspace.checkpoints / "step-000012")
    fewer = request.model_copy(
        update={"operation": request.operation.model_copy(update={"ranks": 1})}
    )
    again = alone(monkeypatch, workspace, fewer)
    assert again.resumed_from == 8
    assert "checkpoint of 2 ranks is dealt to 1: bits may differ" in caplog.text
    assert again.history.losses[:8] == report.history.losses[:8]
    assert again.history.losses == pytest.approx(report.history.losses, abs=2e-3)
    for name, weight in AutoModelForCausalLM.from_pretrained(workspace.model).state_dict().items():
        torch.testing.assert_close(weight, sharded[name], rtol=1e-2, atol=1e-3)


def test_a_checkpoint_that_cannot_be_written_says_why(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    place_of_one(monkeypatch)
    torch.distributed.init_process_group("gloo")
    try:
        model = torch.nn.Linear(2, 2)
        optimizer = torch.optim.AdamW(model.parameters())
        (tmp_path / "__0_0.distcp").mkdir()
        group = torch.distributed.new_group(backend="gloo")
        writing = state.save(tmp_path, model, optimizer, group)
        with pytest.raises(IsADirectoryError):
            state.wait(writing)
    finally:
        torch.distributed.destroy_process_group()


def is_rank(line: list[str]) -> bool:
    """Whether a process is a rank, and not torchrun or what another test left."""
    return "hearth.train.worker" in line and "torch.distributed.run" not in line


def test_a_rank_that_hangs_is_ended(tmp_path: Path) -> None:
    long = spec(steps=100_000, numerics=NumericsSection(**{**ONE, "world_size": 2}))
    workspace, request = lay_out(tmp_path / "run", long, hang_seconds=2, checkpoint_steps=20)
    ranks = Ranks(request, workspace)
    stopped: list[psutil.Process] = []

    def stop_one(pace: Pace | None) -> None:
        if pace is not None and pace.step > 20 and not stopped:
            children = psutil.Process().children(recursive=True)
            lines = {child: child.cmdline() for child in children}
            stopped.append(next(c for c, line in lines.items() if is_rank(line)))
            stopped[0].send_signal(signal.SIGSTOP)

    with pytest.raises(TransientError, match=r"no step for \d+ s after step \d+ .*a rank hangs"):
        ranks.wait(stop_one)
    assert not stopped[0].is_running() or stopped[0].status() == psutil.STATUS_ZOMBIE
