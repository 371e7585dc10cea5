"""Collection records: by what right a source was collected, and what was checked before it was.

They are what a recipe says of its sources, and part of what a mirror is: the data card of every
corpus shows them. Nobody compares them with the documents that they name.
"""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from typing import Self

from pydantic import Field, model_validator

from hearth.model import FrozenModel


class Basis(StrEnum):
    """By what right."""

    OPEN_LICENCE = "open-licence"
    """Its licence lets anybody."""
    OFFICIAL = "official"
    """Laws, decisions and other official documents that no copyright covers."""
    CONTRACT = "contract"
    OWN_WORK = "own-work"
    PUBLIC_WEB = "public-web"
    """Crawled from pages that anybody can read; `terms` says under which conditions."""
    USER_CONTENT = "user-content"
    """What users wrote or did; `consent` says how they agreed."""


class SourceCheck(FrozenModel):
    """A sampled check of a source before it was collected, and its outcome."""

    day: date = Field(description="When.")
    by: str = Field(min_length=1, description="Who looked: a person, or a program and its version.")
    sampled: int = Field(ge=1, description="Items that were looked at, taken at random.")
    illegal: int = Field(ge=0, description="How many of them held illegal content.")
    report: str | None = Field(default=None, description="The document that says so.")

    @model_validator(mode="after")
    def _not_more_than_all(self) -> Self:
        if self.illegal > self.sampled:
            message = f"check: illegal = {self.illegal} is more than sampled = {self.sampled}"
            raise ValueError(message)
        return self

    @property
    def share(self) -> float:
        """The share of the sample with illegal content."""
        return self.illegal / self.sampled


class Collection(FrozenModel):
    """The record of a source's collection."""

    basis: Basis
    authorised_by: str = Field(
        min_length=1, description="Who authorised it: the licensor, the partner, the office."
    )
    reference: str = Field(
        min_length=1,
        description="The document that proves it: a licence text, a contract's number, an address.",
    )
    contact: str | None = Field(default=None, description="Whom to ask about the source.")
    collected_from: date | None = Field(
        default=None, description="When collection began; none: when the mirror first fetched it."
    )
    collected_until: date | None = Field(
        default=None, description="When it ended; none: it goes on."
    )
    terms: str | None = Field(
        default=None,
        description="public-web: what robots.txt and the site's terms said, and when.",
    )
    consent: str | None = Field(
        default=None, description="user-content: how the users agreed, and to what."
    )
    check: SourceCheck | None = Field(default=None, description="The check before collection.")

    @model_validator(mode="after")
    def _says_what_its_basis_needs(self) -> Self:
        if self.basis is Basis.PUBLIC_WEB and not self.terms:
            message = "terms: basis public-web needs what robots.txt and the site's terms say"
            raise ValueError(message)
        if self.basis is Basis.USER_CONTENT and not self.consent:
            message = "consent: basis user-content needs how the users agreed, and to what"
            raise ValueError(message)
        since, until = self.collected_from, self.collected_until
        if since and until and until < since:
            message = f"collected_until: {until} lies before collected_from, {since}"
            raise ValueError(message)
        return self
