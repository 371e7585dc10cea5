"""Tags by rules: what a document is, about what, and from where."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from nemo_curator.backends.base import WorkerMetadata

from hearth.curate.keywords.matcher import Matcher
from hearth.curate.ledger import Step
from hearth.curate.stages.marking import MarkingStage, Rows
from hearth.curate.tags.decide import jurisdiction, topics
from hearth.curate.tags.section import TagSection
from hearth.curate.tags.structure import structure

CODE = "code"


@dataclass
class TagText(MarkingStage):
    """Write structure, jurisdiction and topics of each live row. No row is given up.

    In a pipeline of your own, with topics of your own:

        from hearth.curate.tags.section import TagSection

        section = TagSection(topics={"water": ("水库", "reservoir"), "forest": ("林业",)})
        pipeline.add_stage(TagText(section=section))
        pipeline.add_stage(Filter(filter_fn=lambda found: "water" in found, filter_field="topics"))

    Attributes:
        section: The rules.
        code: Sources, by the column `source` if there is one, whose texts are code.
        declared: Source → its jurisdiction, where a text names none.
        text: The column that is read.
        source: The column of the document's source.
    """

    section: TagSection = field(default_factory=TagSection)
    code: Collection[str] = ()
    declared: dict[str, str] = field(default_factory=dict)
    text: str = "text"
    source: str = "source"
    name: str = "tag_text"

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        return ["data"], [self.text]

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that are written."""
        return ["data"], ["structure", "jurisdiction", "topics"]

    def ray_stage_spec(self) -> dict[str, Any]:
        """Ask for a worker that keeps its automata."""
        return {"is_actor_stage": True}

    def setup(self, _worker: WorkerMetadata | None = None) -> None:
        """Build the automata."""
        self._topics = Matcher(self.section.topics, spaced=False)
        self._places = Matcher(self.section.jurisdictions, spaced=False)

    def edit(self, frame: pd.DataFrame) -> None:
        """Tag every live row."""
        rows = Rows(frame, Step.CLASSIFY)
        texts, sources = rows.column(self.text), rows.column(self.source)
        columns = {name: rows.column(name) for name in self.outputs()[1]}
        for place in rows.live:
            text, source = texts[place], sources[place]
            is_code = source in self.code
            columns["structure"][place] = CODE if is_code else structure(text, self.section)
            columns["topics"][place] = topics(self._topics(text), self.section)
            columns["jurisdiction"][place] = jurisdiction(
                self._places(text), self.declared.get(source)
            )
        rows.store(**columns)
