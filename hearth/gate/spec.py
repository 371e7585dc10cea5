"""What a candidate must not lose, and must reach."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from hearth.model import FrozenModel
from hearth.suite.manifest import TaskKind

Margin = Annotated[float, Field(gt=0, le=10, allow_inf_nan=False)]


class Margins(FrozenModel):
    """How much worse a candidate may be, in each kind's own unit."""

    bits_per_byte: Margin = Field(default=0.05, description="In bits per byte.")
    cloze: Margin = Field(default=0.08, description="In accuracy: 0.08 is eight points.")

    def of(self, kind: TaskKind) -> float:
        """The margin of one kind of task."""
        return self.bits_per_byte if kind is TaskKind.BITS_PER_BYTE else self.cloze


class Floors(FrozenModel):
    """What every candidate must reach, whatever serves now."""

    bits_per_byte: Annotated[float | None, Field(gt=0, allow_inf_nan=False)] = Field(
        default=None, description="At most so many bits per byte, on each such task."
    )
    cloze: Annotated[float | None, Field(ge=0, le=1)] = Field(
        default=None, description="At least this accuracy, on each such task."
    )

    def of(self, kind: TaskKind) -> float | None:
        """The floor of one kind of task."""
        return self.bits_per_byte if kind is TaskKind.BITS_PER_BYTE else self.cloze


class GateSection(FrozenModel):
    """`gate:` in a recipe. Changing it runs no stage again."""

    margins: Margins = Field(default=Margins(), description="Against the version that serves now.")
    anchor_margins: Margins = Field(
        default=Margins(bits_per_byte=0.1, cloze=0.12),
        description="Against the endpoint's pinned anchor version: all losses since then together.",
    )
    floors: Floors = Field(default=Floors(), description="What every candidate must reach.")
    exposed: Annotated[float | None, Field(ge=0, le=1)] = Field(
        default=0.01,
        description="Share of a task's items that the corpus may still give away, as its report "
        "counts them (`curate.decontaminate.exposed_share`). Null: not limited.",
    )
    confidence: Annotated[float, Field(ge=0.8, lt=1)] = Field(
        default=0.95, description="Of each one-sided interval."
    )
    resamples: Annotated[int, Field(ge=500, le=200_000)] = Field(
        default=10_000, description="How often groups of items are drawn again."
    )
    least_groups: Annotated[int, Field(ge=2, le=10_000)] = Field(
        default=10,
        description="With fewer groups of items than this, intervals mean nothing and the answer "
        "is inconclusive.",
    )
    seed: int = Field(default=0, description="Of the drawing.")
