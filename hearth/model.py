"""The base of every pydantic model in Hearth, and the names of the stages."""

from __future__ import annotations

from enum import StrEnum
from typing import Final, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from hearth.errors import DataError


class FrozenModel(BaseModel):
    """A value: it cannot be changed, and unknown keys are errors."""

    # Built when it is first used: no process uses all models that it imports.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


Value = TypeVar("Value", bound=FrozenModel)


def parse(model: type[Value], raw: bytes, where: str, what: str, advice: str = "") -> Value:
    """Return the value that JSON stands for.

    Args:
        model: what it must be.
        raw: the JSON.
        where: its place, for the error.
        what: what it should be, in words: "a build record".
        advice: what to do if it is not.

    Raises:
        DataError: it is damaged, or something else.
    """
    try:
        return model.model_validate_json(raw)
    except ValidationError as error:
        message = f"{where}: is not {what}: {error}{advice and f': {advice}'}"
        raise DataError(message) from error


CURATOR: Final = "curator"
MODEL: Final = "model"


class Stage(StrEnum):
    """What makes an artifact. The order is the order of a build."""

    MIRROR = "mirror"
    SUITE = "suite"
    CURATE = "curate"
    TRAIN = "train"
    EVALUATE = "evaluate"

    @property
    def environment(self) -> str:
        """What its program runs in: an image, or the environment that stands for it."""
        return CURATOR if self in {Stage.MIRROR, Stage.CURATE} else MODEL


class StageSpec(FrozenModel):
    """Everything that can change a stage's result, and nothing else: it is fingerprinted."""

    generation: str | None = Field(
        default=None,
        description="A token that makes an otherwise equal spec new: 'rebuild from this stage'.",
    )
