"""What a recipe says about personal information: what is looked for, and what becomes of it."""

from __future__ import annotations

from typing import Final, Self

from pydantic import Field, model_validator

from hearth.curate.pii.kinds import DataClass, PiiAction, PiiKind
from hearth.model import FrozenModel

PII_KEY: Final = "pii_key"
"""The secret under which personal information becomes pseudonyms: asked for only where some does.

Apart from the content key, so that destroying it makes the pseudonyms anonymous for good.
"""


class PiiRule(FrozenModel):
    """What is done with some of what was found; an empty selector selects everything."""

    kinds: tuple[PiiKind, ...] = Field((), description="Of these kinds.")
    classes: tuple[DataClass, ...] = Field((), description="Or of these classes of data.")
    sources: tuple[str, ...] = Field((), description="In documents from these sources.")
    jurisdictions: tuple[str, ...] = Field(
        (), description="And from sources of these jurisdictions, as `jurisdictions` names them."
    )
    action: PiiAction = Field(description="What is done with it.")

    @model_validator(mode="after")
    def _selects(self) -> Self:
        if not (self.kinds or self.classes or self.sources or self.jurisdictions):
            message = f"selects everything: set `action: {self.action}` of `pii` instead"
            raise ValueError(message)
        return self


class PiiSection(FrozenModel):
    """Which personal information and secrets are looked for, and what is done with them."""

    kinds: tuple[PiiKind, ...] = Field(tuple(PiiKind), description="What is looked for.")
    action: PiiAction = Field(
        PiiAction.REDACT,
        description="What is done where no rule says otherwise. `redact` leaves a typed "
        "placeholder such as <EMAIL>; `pseudonymise` <EMAIL:8c3b…>, the same for the same value "
        "and still personal information, under the profile's secret `pii_key`; `mask` the shape; "
        "`drop` gives the document up; `keep` leaves it.",
    )
    rules: tuple[PiiRule, ...] = Field(
        (), max_length=100, description="The first rule that selects what was found decides."
    )
    jurisdictions: dict[str, str] = Field(
        {}, max_length=10_000, description="Source → its jurisdiction, such as CN or EU."
    )

    @model_validator(mode="after")
    def _known(self) -> Self:
        named = {name for rule in self.rules for name in rule.jurisdictions}
        if unknown := sorted(named - set(self.jurisdictions.values())):
            message = f"rules: no source has the jurisdiction {', '.join(unknown)}"
            raise ValueError(message)
        return self

    @property
    def pseudonymises(self) -> bool:
        """Whether a key is needed."""
        actions = {self.action, *(rule.action for rule in self.rules)}
        return PiiAction.PSEUDONYMISE in actions

    def decide(self, kind: PiiKind, source: str = "") -> PiiAction:
        """Return what is done with a kind in a document from `source`."""
        place = self.jurisdictions.get(source)
        for rule in self.rules:
            if (
                (not rule.kinds and not rule.classes)
                or kind in rule.kinds
                or kind.data_class in rule.classes
            ) and (
                (not rule.sources or source in rule.sources)
                and (not rule.jurisdictions or place in rule.jurisdictions)
            ):
                return rule.action
        return self.action
