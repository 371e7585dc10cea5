"""What a recipe may say about its rollout."""

from __future__ import annotations

from typing import Any

import pytest
from pydantic import ValidationError

from hearth.rollout.spec import RolloutSection


@pytest.mark.parametrize(
    ("section", "rule"),
    [
        ({"steps": [10, 50]}, "must rise"),
        ({"steps": [50, 10, 100]}, "must rise"),
        ({"steps": [0, 100]}, "must rise"),
        ({"steps": []}, "at least 1 item"),
        ({"prompts": ["a", "a", "b", "c"]}, "must differ"),
        ({"prompts": ["a"]}, "at least 4 items"),
        ({"min_requests": 0}, "greater than or equal to 1"),
        ({"limits": {"error_rate": -0.1}}, "greater than or equal to 0"),
        ({"speed": "fast"}, "Extra inputs"),
    ],
)
def test_a_section_that_makes_no_sense_is_refused(section: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        RolloutSection.model_validate(section)


def test_the_defaults_ask_in_both_languages() -> None:
    prompts = RolloutSection().prompts
    assert any(prompt.isascii() for prompt in prompts)
    assert any(not prompt.isascii() for prompt in prompts)
