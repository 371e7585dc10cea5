from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hearth.artifact import fingerprint
from hearth.model import Stage
from hearth.train.spec import CONTRACT, TrainSection, TrainSpec


def identity(**changes: Any) -> str:
    spec = TrainSpec.of(TrainSection.model_validate({"steps": 100, **changes}))
    return fingerprint(Stage.TRAIN, CONTRACT, spec.model_dump(mode="json"), {})


def test_how_it_is_run_does_not_affect_identity() -> None:
    assert identity(operation={"checkpoint_steps": 7, "keep_checkpoints": 5}) == identity()


@pytest.mark.parametrize(
    "change",
    [
        {"steps": 101},
        {"seed": 1},
        {"numerics": {"global_batch": 32}},
        {"numerics": {"micro_batch": 4}},
        {"numerics": {"precision": "bf16"}},
        {"numerics": {"threads": 2}},
        {"model": {"architecture": "llama"}},
        {"optimizer": {"kind": "adamw"}},
    ],
)
def test_whatever_can_change_a_bit_affects_identity(change: dict[str, Any]) -> None:
    assert identity(**change) != identity()


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"steps": 0}, "greater than or equal to 1"),
        ({"steps": 50}, "warmup_steps: 50 must be less than steps, 50"),
        ({"model": {"heads": 5}}, "heads: 5 must divide hidden, 192"),
        ({"model": {"heads": 64, "key_value_heads": 64}}, "into even widths"),
        ({"model": {"key_value_heads": 2}}, "key_value_heads: 2 must divide heads, 3"),
        ({"numerics": {"global_batch": 12}}, "must be a multiple of world_size × micro_batch"),
        ({"tokenizer": {"vocabulary": 256}}, "greater than or equal to 257"),
        ({"operation": {"keep_checkpoints": 1}}, "greater than or equal to 2"),
        ({"optimizer": {"learning_rate": -1}}, "greater than 0"),
        ({"model": {"architecture": "gpt2"}}, "'qwen2' or 'llama'"),
        ({"learning_rate": 1e-3}, "Extra inputs are not permitted"),
    ],
)
def test_a_wrong_section_says_which_rule_it_breaks(change: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ValidationError, match=complaint):
        TrainSection.model_validate({"steps": 100, **change})
