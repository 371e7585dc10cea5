"""Personal information and secrets: found, recorded, redacted."""

from __future__ import annotations

from dataclasses import dataclass, field

import pandas as pd

from hearth.curate.ledger import Step
from hearth.curate.pii.redact import detect, redact
from hearth.curate.spec import PiiSection
from hearth.curate.stages.marking import MarkingStage, Rows


@dataclass
class RedactPii(MarkingStage):
    """Write the redacted text beside the text, and where what was found.

    The text itself stays, so that a later stage can hash it; drop the column before writing.

    Attributes:
        section: What is looked for.
        text: The column that is read.
        output: The column of the redacted text; the same name redacts in place.
        spans: The column of (kind, start, end), in characters of `text`.
    """

    section: PiiSection = field(default_factory=PiiSection)
    text: str = "text"
    output: str = "redacted"
    spans: str = "spans"
    name: str = "redact_pii"

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        return ["data"], [self.text]

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that are written."""
        return ["data"], [self.output, self.spans]

    def edit(self, frame: pd.DataFrame) -> None:
        """Redact every live row."""
        rows = Rows(frame, Step.PII)
        texts = rows.column(self.text)
        redacted = rows.column(self.output, "")
        spans = rows.column(self.spans, ())
        for place in rows.live:
            found = detect(texts[place], self.section.kinds)
            redacted[place] = redact(texts[place], found)
            spans[place] = tuple((span.kind.value, span.start, span.end) for span in found)
        rows.store(**{self.output: redacted, self.spans: spans})
