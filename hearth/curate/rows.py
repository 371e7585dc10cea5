"""One document on its way through curation, once it is read."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from hearth.curate.contamination import Met
from hearth.curate.ledger import Action, Decision
from hearth.curate.plan import Candidate, Split


@dataclass(slots=True)
class Row:
    """A document. Its text is redacted; of the text as it was, only keyed hashes are left."""

    doc_key: str
    source: str
    work: str
    parallel: str | None
    language: str
    licence: str
    text: str
    characters: int
    """Of the normalised text, before redaction."""
    entered: int
    """Characters as read."""
    changed: bool
    """Whether normalisation changed anything."""
    content_id: str | None
    shingles: bytes | None
    signature: bytes | None
    paragraphs: bytes | None
    """The keyed hashes of its paragraphs, one after the other: `hearth.curate.paragraphs`."""
    passages: bytes | None
    passage_shingles: bytes | None
    passage_signatures: bytes | None
    """Of paragraphs long enough to be near copies: numbers and shingles (int64), signatures."""
    spans: tuple[tuple[str, int, int], ...]
    step: str
    """The step that gave it up; empty while it is in."""
    reason: str | None
    score: float | None
    group: str = ""
    split: Split = Split.TRAIN
    fold: int = -1
    perplexity: float | None = None
    tokens: int = 0
    words: int = 0
    """Of languages that are written with spaces between them."""
    keywords: tuple[tuple[str, int, int, str], ...] = ()
    """What it holds of keywords: category, places, different entries, action."""
    structure: str = ""
    jurisdiction: str | None = None
    topics: tuple[str, ...] = ()
    languages: tuple[tuple[str, int], ...] = ()
    """Characters by language, paragraph by paragraph, of a document that mixes scripts."""
    met: tuple[Met, ...] = ()
    """What it gives away of the suite."""
    date: str | None = None

    @classmethod
    def of(cls, record: Mapping[str, Any]) -> Self:
        """Build a row from a record that may hold more."""
        return cls(**{f.name: record[f.name] for f in fields(cls) if f.name in record})

    @property
    def candidate(self) -> Candidate:
        """What decisions need to know."""
        return Candidate(
            self.doc_key,
            self.content_id or "",
            self.source,
            self.work,
            self.parallel,
            self.language,
            self.characters,
            self.date,
        )

    def kept(self, entered: int, size: int, **more: Any) -> Decision:
        """Return the decision that it stays, edited if that is said."""
        more.setdefault("action", Action.KEPT)
        return Decision(self.doc_key, self.content_id, self.language, entered, size, **more)

    def dropped(self, entered: int, reason: str | None, **more: Any) -> Decision:
        """Return the decision that it goes."""
        return Decision(
            self.doc_key,
            self.content_id,
            self.language,
            entered,
            0,
            Action.DROPPED,
            reason or "unknown",
            **more,
        )


def live(rows: Iterable[Row]) -> list[Row]:
    """Return the rows that no step has given up."""
    return [row for row in rows if not row.step]
