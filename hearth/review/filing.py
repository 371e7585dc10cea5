"""Presets of review: how many documents a regulator wants looked at, and what must come of it.

Every number is in a file of `presets/`, with its source beside it, and says whether it was read in
the text it is ascribed to. Nothing here is legal advice.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from pydantic import Field

from hearth.curate.keywords.risks import Scheme, risks
from hearth.gate.decision import RuleCheck
from hearth.gate.spec import IllegalSection, ListsSection
from hearth.model import FrozenModel
from hearth.profile import path_of
from hearth.review.reviews import Acceptance, Method
from hearth.review.rules import Keywords, keyword_checks, source_checks
from hearth.review.sample import least_of
from hearth.settings import settings
from hearth.yamlfile import load_model

_FOLDER: Final = "presets"


class Cited(FrozenModel):
    """A number, or a list, with where it is from."""

    source: str = Field(min_length=1, description="The document and what it says.")
    confirmed: bool = Field(
        default=False, description="Whether it was read in that document's own text."
    )


class HumanRule(Cited):
    """What people look at."""

    items: int = Field(ge=1, description="The least documents, of all of a corpus.")
    acceptance: float = Field(gt=0, le=1, description="The least share that is acceptable.")


class MachineRule(Cited):
    """What programs look at."""

    share: float = Field(gt=0, le=1, description="The least share of a corpus's documents.")
    acceptance: float = Field(gt=0, le=1, description="The least share that is acceptable.")


class SourceRule(Cited):
    """When a source is refused."""

    illegal_share: float = Field(ge=0, le=1, description="Refused with more illegal content.")


class KeywordRule(Cited):
    """The list that machines look with."""

    entries: int = Field(ge=1, description="The least entries.")
    risks: dict[str, int] = Field(
        default={},
        description="Section of the categories → the least entries for each of its risks.",
    )


class Categories(Cited):
    """Why a document may be rejected."""

    scheme: Scheme | None = Field(default=None, description="A shipped scheme of risks.")
    names: dict[str, str] = Field(default={}, description="Further ones: id → what it is.")
    illegal: tuple[str, ...] = Field(
        default=(), description="Ids, or what ids begin with, that are illegal content."
    )

    @property
    def known(self) -> dict[str, str]:
        """Id → what it is, of all."""
        of_scheme = risks(self.scheme).risks if self.scheme else {}
        return {**{name: risk.zh for name, risk in of_scheme.items()}, **self.names}


class Preset(FrozenModel):
    """One regulator's practice."""

    name: str
    description: str
    human: HumanRule
    machine: MachineRule
    sources: SourceRule
    keywords: KeywordRule
    categories: Categories

    @property
    def illegal(self) -> IllegalSection:
        """What the gate asks of sources."""
        return IllegalSection(share=self.sources.illegal_share, categories=self.categories.illegal)

    @property
    def lists(self) -> ListsSection:
        """What the gate asks of lists of keywords."""
        risks = {
            name: least
            for section, least in self.keywords.risks.items()
            for name in self.categories.known
            if name.startswith(f"{section}.")
        }
        return ListsSection(entries=self.keywords.entries, risks=risks)


class Finding(FrozenModel):
    """How a corpus stands against one rule; `met` is None where nobody has looked."""

    rule: str
    wanted: str
    found: str
    met: bool | None
    confirmed: bool
    source: str


def load_preset(name: str) -> Preset:
    """Return the preset called `name`: one's own, beside the recipes, or the one that is shipped.

    Raises:
        SpecError: there is none, or it is wrong.
    """
    own, shipped = settings().config / _FOLDER, settings().dags.parent / _FOLDER
    folder = own if (own / f"{name}.yaml").is_file() else shipped
    return load_model(path_of(folder, name), Preset)


def check(
    preset: Preset,
    population: int,
    human: Acceptance | None,
    machine: Acceptance | None,
    keywords: Keywords | None,
) -> tuple[Finding, ...]:
    """Hold the reviews of a corpus against a preset. Point estimates decide.

    Args:
        preset: the rules.
        population: documents of the corpus.
        human: what people say.
        machine: what programs say.
        keywords: the lists that the programs used.
    """
    people, programs = preset.human, preset.machine
    least = least_of(population, programs.share)
    sources = [
        check for said in (human, machine) if said for check in source_checks(preset.illegal, said)
    ]
    return (
        _looked(people, Method.HUMAN, people.items, population, human),
        _accepted(people, Method.HUMAN, people.acceptance, human),
        _looked(programs, Method.MACHINE, least, population, machine),
        _accepted(programs, Method.MACHINE, programs.acceptance, machine),
        *_findings(preset.sources, sources),
        *_findings(preset.keywords, keyword_checks(preset.lists, keywords)),
    )


def _findings(rule: Cited, checks: Iterable[RuleCheck]) -> list[Finding]:
    return [_finding(rule, one.rule, one.wanted, one.found, one.met) for one in checks]


def _looked(
    rule: Cited, method: Method, least: int, population: int, said: Acceptance | None
) -> Finding:
    judged = said.total.judged if said else 0
    found = f"{judged} of {population} documents"
    if least > population:
        found += f": the corpus has no {least}, all of it is asked for"
    # As the gate has it: of a corpus with fewer documents, all of them.
    met = None if said is None else judged >= min(least, population)
    return _finding(rule, f"{method}: items", f"≥ {least}", found, met)


def _accepted(rule: Cited, method: Method, least: float, said: Acceptance | None) -> Finding:
    name, wanted = f"{method}: acceptable", f"≥ {least:.0%}"
    if said is None or said.total.share is None:
        return _finding(rule, name, wanted, "not reviewed", None)
    total, share = said.total, said.total.share
    found = f"{share:.2%} ({total.lower:.2%} to {total.upper:.2%})"
    if said.missing:
        found += f", {len(said.missing)} items not judged"
    return _finding(rule, name, wanted, found, share >= least)


def _finding(rule: Cited, name: str, wanted: str, found: str, met: bool | None) -> Finding:  # noqa: FBT001 - a verdict is a boolean
    return Finding(
        rule=name,
        wanted=wanted,
        found=found,
        met=met,
        confirmed=rule.confirmed,
        source=rule.source,
    )
