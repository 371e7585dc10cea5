"""How a model is scored. What is asked and in which window is the suite's business."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from hearth.model import FrozenModel, StageSpec

CONTRACT: Final = 1
"""Raised when the same model, suite and corpus would give other scores."""


class EvaluateSection(FrozenModel):
    """`evaluate:` in a recipe."""

    batch_size: Annotated[int, Field(ge=1, le=4096)] = Field(
        default=32, description="Sequences that are scored at once."
    )
    baseline_order: Annotated[int, Field(ge=1, le=6)] = Field(
        default=3,
        description="Length of the character n-grams of the baseline that a first release must "
        "beat: 1 is a unigram, which any trained model beats; 3 a trigram.",
    )
    baseline_characters: Annotated[int, Field(ge=1_000, le=200_000_000)] = Field(
        default=20_000_000,
        description="The baseline learns from at most so many characters of the train split.",
    )


class EvaluateSpec(StageSpec, EvaluateSection):
    """What scores depend on, besides model, suite and corpus: the recipe's section, whole."""
