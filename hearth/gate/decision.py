"""What the gate says, with every number that it rests on."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from hearth.model import FrozenModel
from hearth.suite.manifest import TaskKind


class Answer(StrEnum):
    """Of one comparison, and of the whole. Only pass goes on by itself."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    INCONCLUSIVE = "inconclusive"


class Reference(StrEnum):
    """What a candidate is compared with."""

    SERVING = "serving"
    ANCHOR = "anchor"
    BASELINE = "baseline"


class Comparison(FrozenModel):
    """The candidate against one reference on one task.

    `candidate` and `reference` are in the task's own unit. Differences are oriented so that higher
    is better: candidate minus reference for accuracy, reference minus candidate for bits per byte.
    """

    task: str
    kind: TaskKind
    against: Reference
    items: int
    groups: int
    candidate: float
    reference: float
    difference: float
    lower: float = Field(description="The one-sided lower bound of the difference.")
    upper: float = Field(description="The one-sided upper bound of the difference.")
    margin: float
    p_worse: float = Field(
        description="Share of resampled differences that are not worse than minus the margin: "
        "small means that the candidate is worse."
    )
    verdict: Answer
    reason: str
    items_needed: int | None = Field(
        default=None, description="Items that would decide, if the difference is what it seems."
    )


class FloorCheck(FrozenModel):
    """The candidate against a floor of the recipe; a point estimate, compared as it is."""

    task: str
    kind: TaskKind
    candidate: float
    floor: float
    met: bool


class ExposureCheck(FrozenModel):
    """How many of a task's items the corpus gives away, against the recipe's limit."""

    task: str
    exposed: float | None = Field(
        description="Share of the task's items; null: the corpus was not searched for this task."
    )
    limit: float
    met: bool


class AcceptanceCheck(FrozenModel):
    """What reviewers said of the candidate's corpus, against what the recipe asks."""

    method: str = Field(description="Who looked: people, or programs.")
    corpus: str = Field(description="The corpus's fingerprint: no other's reviews count.")
    sample: str | None = Field(default=None, description="The sample whose verdicts count.")
    wanted: int = Field(description="Documents that must be looked at.")
    population: int = Field(description="Documents of the corpus.")
    judged: int = 0
    accepted: int = 0
    share: float | None = None
    lower: float | None = Field(default=None, description="Of the 95 % interval (Wilson).")
    upper: float | None = None
    limit: float
    reviewers: tuple[str, ...] = ()
    recorded: datetime | None = Field(default=None, description="When the last verdicts came.")
    samples: int = Field(default=0, description="Samples of this corpus that were reviewed so.")
    met: bool | None = Field(description="Null: not enough has been looked at.")
    reason: str = Field(description="What it is, and where something is to be done, what.")


class RuleCheck(FrozenModel):
    """How the candidate's corpus stands against a rule on its sources, or on its keywords."""

    rule: str
    wanted: str
    found: str
    met: bool | None = Field(description="Null: nobody has looked, or not at enough.")
    reason: str = Field(description="What it is where it is not met, and what to do.")


class GateDecision(FrozenModel):
    """May the candidate serve?"""

    answer: Answer
    reasons: tuple[str, ...]
    comparisons: tuple[Comparison, ...]
    floors: tuple[FloorCheck, ...]
    exposures: tuple[ExposureCheck, ...] = ()
    acceptances: tuple[AcceptanceCheck, ...] = ()
    rules: tuple[RuleCheck, ...] = ()
    confidence: float
    items_needed: int | None = Field(
        default=None, description="Of an inconclusive answer: items per task that would decide it."
    )
