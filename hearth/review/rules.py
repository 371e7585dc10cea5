"""Rules on what reviewers found by source, and on lists of keywords. Pure but for `Keywords.read`.

The gate holds a corpus against them, and `hearth review --preset` shows them.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Self

from pydantic import Field

from hearth.artifact import ArtifactRecord
from hearth.curate.keywords.lists import has_version, read_list
from hearth.errors import DataError
from hearth.gate.decision import RuleCheck
from hearth.gate.spec import IllegalSection, ListsSection
from hearth.model import FrozenModel
from hearth.review.reviews import Acceptance

_NAMED = 5


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


def source_checks(rule: IllegalSection, said: Acceptance) -> Iterator[RuleCheck]:
    """Hold what a sample says of each source against the most illegal content that it may have.

    The point estimate decides; while documents of a source are not judged, only where they cannot
    change the answer.
    """
    for source, share in said.sources.items():
        reasons = said.rejected.get(source, {}).items()
        illegal = sum(count for name, count in reasons if rule.is_illegal(name))
        part = illegal / share.judged if share.judged else 0.0
        waiting = sum(key.partition(":")[0] == source for key in said.missing)
        met: bool | None = part <= rule.share
        if illegal / max(1, share.judged + waiting) > rule.share:
            met = False
        elif waiting and not met:
            met = None
        found = f"{part:.2%} ({illegal} of {share.judged})"
        yield RuleCheck(
            rule=f"{said.method}: source {source}",
            wanted=f"≤ {rule.share:.0%} illegal",
            found=found,
            met=met,
            reason=f"acceptance: source {source}: {found} of sample {said.sample} is illegal "
            f"content, at most {rule.share:.0%} may be: leave the source out of the recipe, or "
            "clean it, and build again",
        )


def keyword_checks(rule: ListsSection, found: Keywords | None) -> Iterator[RuleCheck]:
    """Hold lists against the least entries in all, and for each risk of a section."""
    advice = "extend the lists of the recipe's curate.keywords.lists, and build again"
    absent = (
        "acceptance: the corpus was held against no list of keywords {0}: name lists in the "
        "recipe's curate.keywords.lists and build again, or approve if it was held against others"
    )
    said = "no list was given" if found is None else f"{found.entries} entries"
    yield RuleCheck(
        rule="keyword list",
        wanted=f"≥ {rule.entries} entries",
        found=said,
        met=None if found is None else found.entries >= rule.entries,
        reason=absent.format(f"(≥ {rule.entries} entries)")
        if found is None
        else f"acceptance: the lists of keywords have {said}, {rule.entries} are asked for: "
        f"{advice}",
    )
    sections: dict[str, dict[str, int]] = {}
    for name, least in rule.risks.items():
        sections.setdefault(name.rpartition(".")[0], {})[name] = least
    for section, risks in sections.items():
        wanted = f"≥ {min(risks.values())} entries for each risk"
        if found is None or found.categories is None:
            said, met = "no list by category was given", None
            reason = absent.format(f"of {section} ({wanted})")
        else:
            counts = {name: found.categories.get(name, 0) for name in risks}
            short = [f"{name} has {n}" for name, n in counts.items() if n < risks[name]]
            said = f"{len(risks) - len(short)} of {len(risks)} risks"
            said += f": {', '.join(short)}" if short else ""
            met = not short
            more = f" and {len(short) - _NAMED} more" if len(short) > _NAMED else ""
            reason = (
                f"acceptance: keywords of {section}: {wanted} are asked for; "
                f"{', '.join(short[:_NAMED])}{more}: {advice}"
            )
        yield RuleCheck(
            rule=f"keyword list: {section}", wanted=wanted, found=said, met=met, reason=reason
        )
