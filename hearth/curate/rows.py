"""One document on its way through curation, once it is read: made when a pass comes to it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from hearth.curate.ledger import Action, Decision
from hearth.curate.plan import Split


@dataclass(slots=True)
class Row:
    """A document. Of the text as it was before redaction, only keyed hashes are left."""

    place: int
    """Its number in the order of keys."""
    number: int
    """Its number in the order of arrival: by it, shelves know its text and hashes."""
    doc_key: str
    source: str
    work: str
    parallel: str | None
    language: str
    licence: str
    date: str | None
    content_id: str | None
    entered: int
    """Characters as read."""
    characters: int
    """Of the normalised text, before redaction."""
    size: int
    """Characters of the redacted text."""
    changed: bool
    """Whether normalisation changed anything."""
    spans: tuple[tuple[str, int, int], ...]
    languages: tuple[tuple[str, int], ...]
    """Characters by language, paragraph by paragraph, of a document that mixes scripts."""
    step: str
    """The step that gave it up; empty while it is in."""
    reason: str | None
    score: float | None
    twin: bool = False
    """Whether its text is there in English and in Chinese."""
    group: str = ""
    split: Split = Split.TRAIN
    perplexity: float | None = None
    tokens: int = 0
    words: int = 0
    """Of languages that are written with spaces between them."""
    keywords: tuple[tuple[str, int, int, str], ...] = ()
    """What it holds of keywords: category, places, different entries, action."""
    structure: str = ""
    jurisdiction: str | None = None
    topics: tuple[str, ...] = ()

    def kept(self, entered: int, size: int, **more: Any) -> Decision:
        """Return the decision that it stays, edited if that is said."""
        more.setdefault("action", Action.KEPT)
        return self._decision(entered, size, **more)

    def dropped(self, entered: int, reason: str | None, **more: Any) -> Decision:
        """Return the decision that it goes."""
        return self._decision(entered, 0, action=Action.DROPPED, reason=reason or "unknown", **more)

    def _decision(self, entered: int, size: int, **more: Any) -> Decision:
        return Decision(
            self.doc_key,
            self.content_id,
            self.language,
            entered,
            size,
            source=self.source or "unknown",
            twin=self.twin,
            **more,
        )
