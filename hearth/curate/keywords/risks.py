"""Schemes of keyword categories that are shipped: names and figures, never an entry."""

from __future__ import annotations

from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import Self

from pydantic import Field, model_validator

from hearth.model import FrozenModel
from hearth.yamlfile import load_model


class Scheme(StrEnum):
    """A scheme, by the name of its file beside this module."""

    GBT_45654_2025 = "gbt-45654-2025"


class Section(FrozenModel):
    """A part of the annex."""

    zh: str
    en: str


class Risk(FrozenModel):
    """A category."""

    section: str = Field(description="Where in the annex it stands.")
    zh: str = Field(min_length=1, description="Its name in Chinese.")
    en: str = Field(min_length=1, description="Its name in English: a translation of our own.")


class Risks(FrozenModel):
    """The categories of a scheme."""

    name: Scheme
    title: str
    source: str = Field(min_length=1, description="The document and what it says.")
    confirmed: bool = Field(
        default=False, description="Whether the names were read in that document's own text."
    )
    sections: dict[str, Section] = Field(min_length=1)
    risks: dict[str, Risk] = Field(min_length=1, description="Id → the risk.")

    @model_validator(mode="after")
    def _sections_known(self) -> Self:
        odd = sorted(
            name
            for name, risk in self.risks.items()
            if risk.section not in self.sections or not name.startswith(f"{risk.section}.")
        )
        if odd:
            message = f"risks of no section, or of another than their id says: {', '.join(odd)}"
            raise ValueError(message)
        return self


@cache
def risks(scheme: Scheme) -> Risks:
    """Return the categories of a scheme."""
    return load_model(Path(__file__).with_name(f"{scheme}.yaml"), Risks)
