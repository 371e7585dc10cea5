"""What is written beside a document: its keywords' counts, its tags."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from nemo_curator.stages.base import ProcessingStage

from hearth.curate.keywords.lists import Entries
from hearth.curate.keywords.section import KeywordAction
from hearth.curate.ledger import Action, Ledger, Step
from hearth.curate.rows import Row
from hearth.curate.spec import CurateSpec, Domain
from hearth.curate.stages.keywords import MatchKeywords
from hearth.curate.stages.tags import TagText


def labelling(spec: CurateSpec, entries: Entries) -> list[ProcessingStage]:
    """Return the stages that do it; without lists no keyword is looked for."""
    code = [source for source, domain in spec.domains.items() if domain is Domain.CODE]
    tags = TagText(section=spec.tags, code=code, declared=dict(spec.pii.jurisdictions))
    if not entries:
        return [tags]
    return [MatchKeywords(entries=entries, section=spec.keywords), tags]


def label(row: Row, record: Mapping[str, Any]) -> None:
    """Take over what the stages found in a row that passed the rules of quality."""
    row.keywords = tuple(
        (one["category"], one["hits"], one["distinct"], one["action"]) for one in record["keywords"]
    )
    row.structure, row.jurisdiction = record["structure"] or "", record["jurisdiction"]
    row.topics = tuple(record["topics"])


def enter_keywords(row: Row, record: Mapping[str, Any], ledger: Ledger) -> None:
    """Enter what keywords decided about a labelled row."""
    size, reason, score = record["size"], record["reason"], record["score"]
    if row.step:
        ledger.add(Step.KEYWORDS, row.dropped(size, reason, score=score))
        return
    flagged = any(action == KeywordAction.FLAG for *_, action in row.keywords)
    # A category and a count: what matched is nowhere.
    said = ", ".join(f"{category} ×{hits}" for category, hits, *_ in row.keywords)
    decision = row.kept(
        size,
        size,
        action=Action.FLAGGED if flagged else Action.KEPT,
        reason=said or None,
        score=float(sum(hits for _, hits, *_ in row.keywords)) if said else None,
    )
    ledger.add(Step.KEYWORDS, decision)


def enter_tags(row: Row, ledger: Ledger) -> None:
    """Enter the tags of a row that stays; nothing becomes of it."""
    tags = (row.structure, row.jurisdiction, *row.topics)
    said = ", ".join(tag for tag in tags if tag)
    ledger.add(Step.CLASSIFY, row.kept(row.size, row.size, reason=said))
