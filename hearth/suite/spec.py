"""What a suite is made of. It is frozen: name, version and spec identify it, no input does."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Literal, Self

from pydantic import Field, model_validator

from hearth.model import FrozenModel, StageSpec

CONTRACT: Final = 2
"""Raised when the same spec and documents would give another suite."""

NAME: Final = r"^[a-z0-9][a-z0-9_-]{0,62}$"


class Language(StrEnum):
    """A language that suites are built in."""

    ENGLISH = "en"
    CHINESE = "zh"


class Lengths(FrozenModel):
    """How long the pieces of one language's items are, in characters."""

    passage: Annotated[int, Field(ge=40, le=20_000)] = Field(
        description="A passage whose bits per byte are measured."
    )
    context: Annotated[int, Field(ge=16, le=10_000)] = Field(description="What a cloze item shows.")
    continuation: Annotated[int, Field(ge=8, le=2_000)] = Field(
        description="What a cloze item asks for, and the length of its distractors."
    )


class DevSection(FrozenModel):
    """The dev part: what training is asked while it goes on. The gate never sees it."""

    reserved: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="Works that its items are taken from, none of them the gate's. "
        "They never enter a corpus either."
    )
    items: Annotated[int, Field(ge=4, le=100_000)] = Field(
        default=48, description="Items in each of its tasks. All are asked at every validation."
    )


class SuiteSection(FrozenModel):
    """`suite:` in a recipe."""

    name: str = Field(pattern=NAME, description="The suite's name.")
    version: Annotated[int, Field(ge=1)] = Field(
        default=1,
        description="The suite is built once for each version; raise it to freeze a new one.",
    )
    reserved: Annotated[tuple[str, ...], Field(min_length=1)] = Field(
        description="Works that items are taken from. They never enter a corpus."
    )
    items: Annotated[int, Field(ge=8, le=100_000)] = Field(
        default=400, description="Items in each task."
    )
    choices: Annotated[int, Field(ge=2, le=10)] = Field(
        default=4, description="Answers that a cloze item offers, the right one among them."
    )
    lengths: dict[Language, Lengths] = Field(
        default={
            Language.ENGLISH: Lengths(passage=480, context=200, continuation=60),
            Language.CHINESE: Lengths(passage=160, context=70, continuation=20),
        },
        min_length=1,
        description="The languages of the suite, and the lengths of their items.",
    )
    max_length: Annotated[int, Field(ge=64, le=32_768)] = Field(
        default=256,
        description="The window, in tokens, that every model is scored with: "
        "scores under different windows cannot be compared.",
    )
    dtype: Literal["float32", "bfloat16", "float16"] = Field(
        default="float32", description="The precision that every model is scored in."
    )
    seed: int = Field(default=0, description="Which passages are taken, and the order of answers.")
    dev: DevSection | None = Field(
        default=None,
        description="Asked at the validations of training: for its curves and to end it early.",
    )

    @property
    def held_out(self) -> tuple[str, ...]:
        """The works that never enter a corpus."""
        return (*self.reserved, *(self.dev.reserved if self.dev else ()))

    @model_validator(mode="after")
    def _dev_is_of_other_works(self) -> Self:
        both = sorted(set(self.reserved) & set(self.dev.reserved if self.dev else ()))
        if both:
            message = (
                f"dev.reserved: {', '.join(both)} are the gate's: a model that was chosen by a "
                "work is not judged on it; name other works"
            )
            raise ValueError(message)
        return self


class SuiteSpec(StageSpec, SuiteSection):
    """What a suite is built from: the recipe's section, whole."""
