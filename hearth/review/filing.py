"""Presets of review: how many documents a regulator wants looked at, and what must come of it.

Every number is in a file of `presets/`, with its source beside it, and says whether it was read in
the text it is ascribed to. Nothing here is legal advice.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import Field

from hearth.errors import DataError
from hearth.model import FrozenModel
from hearth.profile import path_of, settings
from hearth.review.reviews import Acceptance, Method
from hearth.review.sample import least_of
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


class Categories(Cited):
    """Why a document may be rejected."""

    names: dict[str, str] = Field(min_length=1, description="Id → what it is.")
    illegal: tuple[str, ...] = Field(
        default=(), description="Ids, or what ids begin with, that are illegal content."
    )

    def is_illegal(self, category: str) -> bool:
        """Say whether a rejection for this reason counts as illegal content."""
        return any(category == one or category.startswith(f"{one}.") for one in self.illegal)


class Preset(FrozenModel):
    """One regulator's practice."""

    name: str
    description: str
    human: HumanRule
    machine: MachineRule
    sources: SourceRule
    keywords: KeywordRule
    categories: Categories


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


def count_entries(path: Path) -> int:
    """Return how many different entries a list has: one a line, `#` begins a comment.

    Raises:
        DataError: it cannot be read.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").split("\n")
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise DataError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: is not UTF-8 ({error})"
        raise DataError(message) from error
    return len({line.strip() for line in lines if line.strip() and not line.startswith("#")})


def check(
    preset: Preset,
    population: int,
    human: Acceptance | None,
    machine: Acceptance | None,
    keywords: int | None,
) -> tuple[Finding, ...]:
    """Hold the reviews of a corpus against a preset. Point estimates decide.

    Args:
        preset: the rules.
        population: documents of the corpus.
        human: what people say.
        machine: what programs say.
        keywords: entries of the list that the programs used.
    """
    people, programs = preset.human, preset.machine
    least = least_of(population, programs.share)
    return (
        _looked(people, Method.HUMAN, people.items, population, human),
        _accepted(people, Method.HUMAN, people.acceptance, human),
        _looked(programs, Method.MACHINE, least, population, machine),
        _accepted(programs, Method.MACHINE, programs.acceptance, machine),
        *_sources(preset, human, machine),
        _finding(
            preset.keywords,
            "keyword list",
            f"≥ {preset.keywords.entries} entries",
            "no list was given" if keywords is None else f"{keywords} entries",
            None if keywords is None else keywords >= preset.keywords.entries,
        ),
    )


def _looked(
    rule: Cited, method: Method, least: int, population: int, said: Acceptance | None
) -> Finding:
    judged = said.total.judged if said else 0
    found = f"{judged} of {population} documents"
    if least > population:
        found += f": the corpus has no {least}"
    met = None if said is None else judged >= least
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


def _sources(preset: Preset, *said: Acceptance | None) -> list[Finding]:
    rule = preset.sources
    findings = []
    for one in filter(None, said):
        for source, share in one.sources.items():
            reasons = one.rejected.get(source, {}).items()
            illegal = sum(count for name, count in reasons if preset.categories.is_illegal(name))
            part = illegal / share.judged
            findings.append(
                _finding(
                    rule,
                    f"{one.method}: source {source}",
                    f"≤ {rule.illegal_share:.0%} illegal",
                    f"{part:.2%} ({illegal} of {share.judged})",
                    part <= rule.illegal_share,
                )
            )
    return findings


def _finding(rule: Cited, name: str, wanted: str, found: str, met: bool | None) -> Finding:  # noqa: FBT001 - a verdict is a boolean
    return Finding(
        rule=name,
        wanted=wanted,
        found=found,
        met=met,
        confirmed=rule.confirmed,
        source=rule.source,
    )
