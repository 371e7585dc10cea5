"""Judge what is left: text of the suite inside it, and its quality."""

from __future__ import annotations

from typing import Any

from nemo_curator.stages.text.filters.doc_filter import DocumentFilter

from hearth.curate.contamination import SuiteIndex, SuiteItem, cut
from hearth.curate.spec import DecontaminateSection
from hearth.curate.stages.base import RowStage, Verdict


class Decontaminate(RowStage):
    """Cut lines that hold text of the suite; give up documents that hold much of it."""

    name = "decontaminate"
    columns = ("cut", "matched")

    def __init__(self, items: list[SuiteItem], section: DecontaminateSection) -> None:
        self._section = section
        self._index = SuiteIndex(items, section)

    def judge(self, row: dict[str, Any]) -> Verdict:
        """Look for the suite in one text."""
        matches = self._index.matches(row["text"])
        if not matches:
            return Verdict({"cut": None, "matched": None})
        result = cut(row["text"], matches, self._section)
        tasks = sorted({self._index.items[match.item].task for match in matches})
        if result.text is None:
            return Verdict({"cut": result.spans, "matched": tasks}, "holds text of the suite")
        return Verdict({"text": result.text, "cut": result.spans, "matched": tasks})


class ReasonedFilter(RowStage):
    """Curator's `DocumentFilter`s, with the reason that its `ScoreFilter` does not record.

    Each language has filters of its own: Chinese is never judged by its white space.
    """

    name = "quality"

    def __init__(self, filters: dict[str, list[DocumentFilter]]) -> None:
        """Take the filters of each language; the first that refuses a document names the reason."""
        self._filters = filters

    def judge(self, row: dict[str, Any]) -> Verdict:
        """Ask the filters of the row's language, in order."""
        for filter_ in self._filters[row["language"]]:
            score = filter_.score_document(row["text"])
            if not filter_.keep_document(score):
                shown = f"{score:.3g}" if isinstance(score, int | float) else str(score)
                return Verdict({}, f"{filter_.name} = {shown}")
        return Verdict({})
