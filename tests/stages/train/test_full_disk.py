from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hearth.attempt import Outcome
from hearth.errors import EXIT_TRANSIENT
from hearth.model import Stage

if TYPE_CHECKING:
    from tests.stages.train.conftest import Program


@pytest.mark.parametrize("kib", [32, 500], ids=["corpus", "checkpoint"])
def test_a_full_disk_is_named_and_may_be_tried_again(
    program: Program, on_small_disk: Callable[..., tuple[int, str]], small_disk: Path, kib: int
) -> None:
    attempt = program.claim(program.spec(seed=kib, steps=8))
    code, said = on_small_disk(Stage.TRAIN, attempt.job_uri, program.storage, kib)
    end = attempt.exit()
    assert code == EXIT_TRANSIENT, said
    assert (end.outcome, end.code) == (Outcome.FAILED, EXIT_TRANSIENT)
    assert str(small_disk) in end.message
    assert "no space left on the device" in end.message
    assert attempt.artifact.record() is None
