"""Presets of review: how many documents a regulator wants looked at, and what must come of it.

Every number is in a file of `presets/`, with its source beside it, and says whether it was read in
the text it is ascribed to. Nothing here is legal advice.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, Self

from pydantic import Field

from hearth.artifact import ArtifactRecord
from hearth.curate.keywords.lists import has_version, read_list
from hearth.curate.keywords.risks import Scheme, risks
from hearth.errors import DataError
from hearth.model import FrozenModel
from hearth.profile import path_of
from hearth.review.reviews import Acceptance, Method
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


class Keywords(FrozenModel):
    """How many entries the lists have that a corpus was held against, or a list on its own."""

    entries: int = Field(ge=0, description="Different ones.")
    categories: dict[str, int] | None = Field(
        default=None, description="Category → its different entries; None: the list has none."
    )

    @classmethod
    def of(cls, record: ArtifactRecord) -> Self | None:
        """Return what a corpus says; None if it was held against no list."""
        said: Any = record.metrics.get("keywords")
        if not isinstance(said, dict) or not said.get("entries"):
            return None
        found = said["categories"]
        return cls.model_validate(
            {
                "entries": said["entries"],
                "categories": {name: one["entries"] for name, one in found.items()},
            }
        )

    @classmethod
    def read(cls, path: Path) -> Self:
        """Count the entries of a file: a list as recipes name them, or one entry a line.

        Raises:
            DataError: it cannot be read.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            message = f"{path}: {error.strerror}"
            raise DataError(message) from error
        if has_version(data):
            entries = read_list(path.name, data).entries
            return cls(
                entries=len({entry for some in entries.values() for entry in some}),
                categories={name: len(some) for name, some in entries.items()},
            )
        try:
            lines = map(str.strip, data.decode("utf-8-sig").split("\n"))
        except UnicodeDecodeError as error:
            message = f"{path}: is not UTF-8 ({error})"
            raise DataError(message) from error
        return cls(entries=len({line for line in lines if line and not line.startswith("#")}))


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
    return (
        _looked(people, Method.HUMAN, people.items, population, human),
        _accepted(people, Method.HUMAN, people.acceptance, human),
        _looked(programs, Method.MACHINE, least, population, machine),
        _accepted(programs, Method.MACHINE, programs.acceptance, machine),
        *_sources(preset, human, machine),
        *_keywords(preset, keywords),
    )


def _keywords(preset: Preset, found: Keywords | None) -> Iterator[Finding]:
    """Hold lists against the least entries in all, and for each risk of a section."""
    rule = preset.keywords
    yield _finding(
        rule,
        "keyword list",
        f"≥ {rule.entries} entries",
        "no list was given" if found is None else f"{found.entries} entries",
        None if found is None else found.entries >= rule.entries,
    )
    for section, least in rule.risks.items():
        mine = [name for name in preset.categories.known if name.startswith(f"{section}.")]
        said, met = "no list by category was given", None
        if found is not None and found.categories is not None:
            counts = {name: found.categories.get(name, 0) for name in mine}
            short = [f"{name} has {n}" for name, n in counts.items() if n < least]
            said = f"{len(mine) - len(short)} of {len(mine)} risks"
            said += f": {', '.join(short)}" if short else ""
            met = not short
        yield _finding(
            rule, f"keyword list: {section}", f"≥ {least} entries for each risk", said, met
        )


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
