"""A training that diverges in the real loop: what is kept of it, and what it says."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

from hearth.errors import DataError
from hearth.train import checkpoint, events, state
from hearth.train.plan import DIVERGENCE_STEPS
from hearth.train.run import Workspace
from hearth.train.spec import NumericsSection, OptimizerKind, OptimizerSection, ScheduleSection
from tests.stages.train.desk import IDENTITY, alone, lay_out
from tests.stages.train.test_modes import ONE, points_in, spec


def diverged(
    root: Path, warmup: int, weight_decay: float, margin: float
) -> tuple[Workspace, int, str]:
    """Let the rate rise until training falls apart; return at which step, and what is said."""
    wanted = spec(
        steps=120,
        validations=1,
        schedule=ScheduleSection(warmup_steps=warmup),
        optimizer=OptimizerSection(
            kind=OptimizerKind.ADAMW, learning_rate=1, weight_decay=weight_decay
        ),
        numerics=NumericsSection(**{**ONE, "micro_batch": 8}),
    )
    operation = {"checkpoint_steps": 2, "interval_steps": 2, "divergence": margin}
    workspace, request = lay_out(root, wanted, **operation)
    with (
        pytest.MonkeyPatch.context() as patch,
        pytest.raises(DataError, match="training diverged") as refused,
    ):
        alone(patch, workspace, request)
    said = str(refused.value)
    (step,) = re.findall(r"at step (\d+): training diverged", said)
    return workspace, int(step), said


def test_a_loss_that_rises_leaves_a_checkpoint_from_before_it_rose(tmp_path: Path) -> None:
    workspace, step, said = diverged(tmp_path / "run", 60, 0, margin=0.5)
    assert step > 2 * DIVERGENCE_STEPS, "else it would never have pruned one from before"
    kept = checkpoint.sealed_steps(workspace.checkpoints)
    good = max(one for one in kept if one <= step - DIVERGENCE_STEPS)
    assert f"Last good checkpoint: step {good}; among the losses that say so: step" in said
    assert len([one for one in kept if one > good]) in {2, 3}, "the newest are there too"
    folder = workspace.checkpoints / checkpoint.name_of(good)
    assert checkpoint.verify(folder, IDENTITY).step == good
    losses = state.load_history(folder).losses
    assert len(losses) == good
    # Its curves lie there, and those of the bad steps in the workspace, which the program uploads.
    events.copy(folder, tmp_path / "events")
    before, whole = points_in(tmp_path / "events"), points_in(workspace.events)
    assert max(before["loss/train"]) == good
    assert max(whole["loss/train"]) > step - 3
    assert whole["loss/train"][good] == before["loss/train"][good]


def test_a_loss_that_is_no_number_leaves_the_checkpoints_before_it(tmp_path: Path) -> None:
    workspace, step, said = diverged(tmp_path / "run", 30, 10, margin=100)
    assert "loss: is nan" in said
    newest, *_ = checkpoint.sealed_steps(workspace.checkpoints)
    assert newest in {step - 1, step - 2}
    assert said.endswith(f"Last good checkpoint: step {newest}")
    folder = workspace.checkpoints / checkpoint.name_of(newest)
    assert checkpoint.verify(folder, IDENTITY).step == newest
    assert all(map(math.isfinite, state.load_history(folder).losses))
