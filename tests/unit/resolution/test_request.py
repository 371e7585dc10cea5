"""The laws of what a trigger may say."""

from __future__ import annotations

from typing import Any

import pytest

from hearth.errors import PolicyViolation, SpecError
from hearth.model import Stage
from hearth.resolution import Request
from hearth.secretlike import looks_like_a_secret

FORM = {"recipe": "demo", "profile": "local"}


def test_a_flat_form_becomes_a_request() -> None:
    request = Request.of({**FORM, "train_steps": 7, "rebuild_from": "train", "train_seed": None})
    assert request.overrides.train_steps == 7
    assert request.overrides.train_seed is None
    assert request.rebuild_from is Stage.TRAIN


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"trian_steps": 7}, "trian_steps"),
        ({"train_steps": -1}, "train_steps"),
        ({"train_steps": "many"}, "train_steps"),
        ({"rebuild_from": "rollout"}, "rebuild_from"),
        ({"overrides": 1, "command": "rm"}, "command"),
    ],
)
def test_unknown_keys_and_values_out_of_bounds_are_refused_by_name(change: Any, named: Any) -> None:
    with pytest.raises(SpecError, match=named) as caught:
        Request.of({**FORM, **change})
    assert "what can be set is" in str(caught.value)


SECRETS = [
    "AKIA" + "A1B2C3D4E5F6G7H8",
    "-----BEGIN RSA PRIVATE KEY-----",
    "ghp_" + "a" * 36,
    "hf_" + "b" * 34,
    "password = hunter2",
    "https://user:pass@example.org/x",
    "eyJhbGciOiJIUzI1NiJ9.e30.x",
    "A9" * 20,
]


@pytest.mark.parametrize("secret", SECRETS)
def test_a_secret_is_refused_and_not_repeated(secret: Any) -> None:
    with pytest.raises(PolicyViolation, match="note") as caught:
        Request.of({**FORM, "note": {"deep": [secret]}})
    assert secret not in str(caught.value)


@pytest.mark.parametrize(
    "value", ["demo", "weekly retraining", "s3://bucket/prefix/artifacts", 7, None, True, "长" * 80]
)
def test_ordinary_values_are_no_secrets(value: Any) -> None:
    assert not looks_like_a_secret(value)
