"""Keywords of block lists and categories: found, counted, and acted on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from nemo_curator.backends.base import WorkerMetadata

from hearth.curate.keywords.matcher import Matcher
from hearth.curate.keywords.section import KeywordAction, KeywordSection, hardest
from hearth.curate.ledger import Step
from hearth.curate.stages.marking import MarkingStage, Rows


@dataclass
class MatchKeywords(MarkingStage):
    """Count what each live row holds of each category, and do what the rules say.

    In a pipeline of your own, giving up documents with three different entries of one category:

        from hearth.curate.keywords.section import KeywordAction, KeywordRule, KeywordSection

        rule = KeywordRule(categories=("gambling",), action=KeywordAction.DROP, distinct=3)
        pipeline.add_stage(
            MatchKeywords(entries={"gambling": words}, section=KeywordSection(rules=(rule,)))
        )
        pipeline.add_stage(Filter(filter_fn=lambda step: not step, filter_field="step"))

    A row that goes has the category as its reason, and its hits as the score. No entry and no
    matched text is logged or recorded.

    Attributes:
        entries: Category → its entries.
        section: What is done with documents that hold some.
        text: The column that is read.
        output: The column of (category, hits, distinct entries, action), one a category.
    """

    entries: Mapping[str, Sequence[str]] = field(default_factory=dict, repr=False)
    section: KeywordSection = field(default_factory=KeywordSection)
    text: str = "text"
    output: str = "keywords"
    name: str = "match_keywords"

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        return ["data"], [self.text]

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that are written."""
        return ["data"], [self.output]

    def ray_stage_spec(self) -> dict[str, Any]:
        """Ask for a worker that keeps its automaton."""
        return {"is_actor_stage": True}

    def setup(self, _worker: WorkerMetadata | None = None) -> None:
        """Build the automaton."""
        self._match = Matcher(self.entries, spaced=self.section.spaced)

    def edit(self, frame: pd.DataFrame) -> None:
        """Match every live row."""
        rows = Rows(frame, Step.KEYWORDS)
        texts, found = rows.column(self.text), rows.column(self.output, ())
        for place in rows.live:
            hits = self._match(texts[place])
            actions = [self.section.action(one) for one in hits]
            found[place] = tuple(
                (one.category, one.hits, one.distinct, action.value)
                for one, action in zip(hits, actions, strict=True)
            )
            if hardest(actions) is KeywordAction.DROP:
                worst = hits[actions.index(KeywordAction.DROP)]
                rows.give_up(place, worst.category, float(worst.hits))
        rows.store(**{self.output: found})
