"""The base of every pydantic model in Hearth, and the names of the stages."""

from __future__ import annotations

from enum import StrEnum

from pydantic import BaseModel, ConfigDict, Field


class FrozenModel(BaseModel):
    """A value: it cannot be changed, and unknown keys are errors."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class Stage(StrEnum):
    """What makes an artifact. The order is the order of a build."""

    MIRROR = "mirror"
    SUITE = "suite"
    CURATE = "curate"
    TRAIN = "train"
    EVALUATE = "evaluate"


class StageSpec(FrozenModel):
    """Everything that can change a stage's result, and nothing else: it is fingerprinted."""

    generation: str | None = Field(
        default=None,
        description="A token that makes an otherwise equal spec new: 'rebuild from this stage'.",
    )
