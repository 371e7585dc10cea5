"""What a candidate must not lose, and must reach."""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

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


class Looked(FrozenModel):
    """How much of a corpus must have been looked at, and how much of that accepted."""

    share: Annotated[float, Field(gt=0, le=1)] = Field(
        description="Least share of accepted documents among those of the sample. The point "
        "estimate decides; its 95 % interval is shown."
    )
    sample: Annotated[int | None, Field(ge=1)] = Field(
        default=None, description="Documents of the sample, at least; of a smaller corpus, all."
    )
    part: Annotated[float | None, Field(gt=0, le=1)] = Field(
        default=None, description="The sample, at least, as a share of the corpus's documents."
    )

    @model_validator(mode="after")
    def _how_many(self) -> Self:
        if self.sample is None and self.part is None:
            message = "neither sample nor part is given: say how many documents are looked at"
            raise ValueError(message)
        return self


class IllegalSection(FrozenModel):
    """How much illegal content a source may have, as reviewers of a sample found it."""

    share: Annotated[float, Field(ge=0, le=1)] = Field(
        description="Of the documents of the source in the sample that counts, at most."
    )
    categories: tuple[str, ...] = Field(
        default=(),
        description="Why a document was rejected: those that are illegal content, or what their "
        "names begin with, up to a dot.",
    )

    def is_illegal(self, category: str) -> bool:
        """Say whether a rejection for this reason counts as illegal content."""
        return any(category == one or category.startswith(f"{one}.") for one in self.categories)


class ListsSection(FrozenModel):
    """How long the lists of keywords must be that the corpus was held against."""

    entries: Annotated[int, Field(ge=1)] = Field(description="Different ones, at least.")
    risks: dict[str, int] = Field(
        default={}, description="Category → its entries, at least: `A.1.a: 200`."
    )


class AcceptanceSection(FrozenModel):
    """What reviewers of the candidate's own corpus must say: see `hearth review`."""

    preset: str | None = Field(
        default=None,
        description="A file of `presets/`, such as cn-filing: its figures hold for whom nothing is "
        "said here.",
    )
    human: Looked | None = Field(default=None, description="What people must say.")
    machine: Looked | None = Field(default=None, description="What programs must say.")
    illegal: IllegalSection | None = Field(
        default=None,
        description="Of a source with more illegal content the model does not serve. It is asked "
        "of the same samples as the rest.",
    )
    keywords: ListsSection | None = Field(
        default=None, description="What is asked of the lists of `curate.keywords.lists`."
    )

    @model_validator(mode="after")
    def _somebody(self) -> Self:
        if not (self.preset or self.human or self.machine):
            message = "asks nobody: give human, machine or a preset, or leave it out"
            raise ValueError(message)
        return self


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
    acceptance: AcceptanceSection | None = Field(
        default=None,
        description="What reviewers of the corpus must say. Until they have, the answer is "
        "inconclusive. Null: nobody is asked.",
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
