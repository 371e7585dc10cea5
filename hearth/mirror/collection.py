"""Collection records: by what right a source was collected, and what was checked before it was.

They are what a recipe says of its sources, and part of what a mirror is: the data card of every
corpus shows them. Nobody compares them with the documents that they name.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date
from enum import StrEnum
from typing import TYPE_CHECKING, Self

from pydantic import Field, model_validator

from hearth.errors import PolicyViolation
from hearth.model import FrozenModel

if TYPE_CHECKING:
    from hearth.mirror.spec import MirrorSource
    from hearth.policy import Policy

_EXAMPLE = (
    "collection: {basis: open-licence, authorised_by: …, reference: …, contact: …, "
    "collected_from: 2026-01-31}"
)


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


def check_collections(sources: Sequence[MirrorSource], policy: Policy) -> None:
    """Refuse sources that a profile's policy does not let in.

    Raises:
        PolicyViolation: a source has no record or check that is required, or its check found too
            much illegal content; names them all, and what to add.
    """
    problems = list(_problems(sources, policy))
    if problems:
        raise PolicyViolation("; ".join(problems))


def _problems(sources: Sequence[MirrorSource], policy: Policy) -> Iterable[str]:
    bare = [source.id for source in sources if source.collection is None]
    if policy.require_collection and bare:
        yield (
            f"source {', '.join(bare)}: has no collection record, and policy.require_collection "
            f"asks for one: add to the source in the recipe {_EXAMPLE}"
        )
    records = {source.id: source.collection for source in sources}
    checks = {name: record.check if record else None for name, record in records.items()}
    unchecked = [name for name, check in checks.items() if check is None]
    if policy.require_source_check and unchecked:
        yield (
            f"source {', '.join(unchecked)}: was not checked before collection, and "
            "policy.require_source_check asks for that: look at a random sample of it and add to "
            "its collection record check: {day: 2026-01-31, by: …, sampled: …, illegal: …}"
        )
    for name, check in checks.items():
        if check is not None and check.share > policy.max_illegal_share:
            yield (
                f"source {name}: the check of {check.day} found illegal content in {check.illegal} "
                f"of {check.sampled} items ({check.share:.1%}), policy.max_illegal_share is "
                f"{policy.max_illegal_share:.1%}: leave the source out"
            )
