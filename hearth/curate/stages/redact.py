"""Personal information and secrets: found, recorded, and treated as a policy says."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from hearth.curate.ledger import Step
from hearth.curate.pii.detectors import Detector
from hearth.curate.pii.policy import Treatment
from hearth.curate.pii.section import PiiSection
from hearth.curate.stages.marking import MarkingStage, Rows


@dataclass
class RedactPii(MarkingStage):
    """Write the treated text beside the text, and where what was found.

    The text itself stays, so that a later stage can hash it; drop the column before writing. In a
    pipeline of your own, in place, with secrets dropping the document and a mail address becoming
    the same pseudonym wherever it stands:

        from hearth.curate.pii.kinds import DataClass, PiiAction, PiiKind
        from hearth.curate.pii.section import PiiRule, PiiSection

        section = PiiSection(
            rules=(
                PiiRule(classes=(DataClass.SECRET,), action=PiiAction.DROP),
                PiiRule(kinds=(PiiKind.EMAIL,), action=PiiAction.PSEUDONYMISE),
            )
        )
        pipeline.add_stage(RedactPii(section=section, key=key, output="text"))
        pipeline.add_stage(Filter(filter_fn=lambda step: not step, filter_field="step"))

    No matched text is logged or recorded: spans are places.

    Attributes:
        section: What is looked for, and what is done with it.
        key: Of the pseudonyms, at least 16 bytes; only where the section has some.
        detectors: Further ones beside Hearth's: see `hearth.curate.pii.detectors.Detector`.
        text: The column that is read.
        output: The column of the treated text; the same name treats in place.
        spans: The column of (kind, start, end), in characters of `text`: what was found and not
            kept.
        source: The column of the document's source; read only where rules ask for it.
    """

    section: PiiSection = field(default_factory=PiiSection)
    key: bytes = field(default=b"", repr=False)
    detectors: tuple[Detector, ...] = ()
    text: str = "text"
    output: str = "redacted"
    spans: str = "spans"
    source: str = "source"
    name: str = "redact_pii"

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        return ["data"], [self.text, *([self.source] if self._asks_for_source else [])]

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that are written."""
        return ["data"], [self.output, self.spans]

    def edit(self, frame: pd.DataFrame) -> None:
        """Treat every live row."""
        # Made here and not in `setup`: it costs nothing, and a stage with a `setup` is an actor.
        treat = Treatment(self.section, self.key, self.detectors)
        rows = Rows(frame, Step.PII)
        texts = rows.column(self.text)
        sources = rows.column(self.source, "") if self._asks_for_source else [""] * len(texts)
        redacted = rows.column(self.output, "")
        spans = rows.column(self.spans, ())
        for place in rows.live:
            treated = treat(texts[place], sources[place])
            redacted[place] = treated.text
            spans[place] = tuple((s.kind.value, s.start, s.end) for s in treated.spans)
            if treated.dropped:
                rows.give_up(place, f"holds {treated.dropped}")
        rows.store(**{self.output: redacted, self.spans: spans})

    @property
    def _asks_for_source(self) -> bool:
        return any(rule.sources or rule.jurisdictions for rule in self.section.rules)
