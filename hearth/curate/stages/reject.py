"""Rows that no later stage should meet."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass, field
from functools import cache
from pathlib import PurePath
from typing import Final

import pandas as pd
import pyarrow as pa
from nemo_curator.tasks import DocumentBatch

from hearth.curate.ledger import Step
from hearth.curate.spec import ReadSection
from hearth.curate.stages.marking import MarkingStage, Rows

_MARKS: Final = 256
"""Combining marks in a row: UAX 15 knows no text with over 30. Unicode's forms sort such a run in a
time that grows with its square, and nothing can interrupt that: a million of them take a quarter of
an hour."""
_LAST_MARK: Final = 0x20000


@cache
def _marks() -> re.Pattern[str]:
    marks = "".join(chr(c) for c in range(_LAST_MARK) if unicodedata.combining(chr(c)))
    return re.compile(f"[{re.escape(marks)}]{{{_MARKS}}}")


@dataclass
class RejectUnreadable(MarkingStage):
    """Reject rows without key or text, with invalid UTF-8, NUL bytes, or text out of bounds.

    Out of bounds are also more combining marks in a row than can be normalised in time.

    Attributes:
        section: The bounds.
        text: The column of the text; a rejected row's is empty afterwards.
        key: The column of the key; a row without one is named after its file and its
            number there, which counts from the batch's `first_row`, if that is said.
        required: Other columns that must hold something.
    """

    section: ReadSection = field(default_factory=ReadSection)
    text: str = "text"
    key: str = "doc_key"
    required: tuple[str, ...] = ()
    name: str = "reject_unreadable"

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        return ["data"], [self.text, self.key, *self.required]

    def process(self, task: DocumentBatch) -> DocumentBatch:
        """Name rows without a key after their file, then mark."""
        known = task._metadata or {}  # noqa: SLF001
        files, self._first = known.get("source_files", []), known.get("first_row", 0)
        self._file = PurePath(files[0]).name if files else task.dataset_name
        return super().process(task)

    def edit(self, frame: pd.DataFrame) -> None:
        """Decode every string, and mark the rows that cannot be read."""
        rows = Rows(frame, Step.READ)
        texts, bad_text = _decoded(frame[self.text])
        keys, bad_key = _decoded(frame[self.key])
        columns, bad_columns = {}, []
        for name in frame.columns.difference([self.text, self.key, "step", "reason", "score"]):
            columns[name], bad = _decoded(frame[name])
            bad_columns.append(bad)
        for place in rows.live:
            reason = None
            if not keys[place]:
                reason, keys[place] = "no key", f"{self._file}#{self._first + place}"
            elif bad_key[place] or bad_text[place] or any(bad[place] for bad in bad_columns):
                reason = "invalid UTF-8"
            elif any(not columns[name][place] for name in self.required):
                reason = "incomplete"
            else:
                reason = self._unreadable(texts[place])
            if reason:
                rows.give_up(place, reason)
                texts[place] = ""
        rows.store(**{self.text: texts, self.key: keys, **columns})

    def _unreadable(self, text: str | None) -> str | None:
        if text is None or not text.strip():
            return "empty"
        if "\0" in text:
            return "NUL"
        if len(text) > self.section.max_characters:
            return "too long"
        if len(text) > self.section.max_line_characters and any(
            len(line) > self.section.max_line_characters for line in text.split("\n")
        ):
            return "endless line"
        if len(text) >= _MARKS and not text.isascii() and _marks().search(text):
            return "endless run of marks"
        return None


def _decoded(column: pd.Series) -> tuple[list[str | None], list[bool]]:
    """Return a column's strings, and which of them are not UTF-8: Arrow does not check."""
    chunks = pa.chunked_array(pa.array(column, from_pandas=True))
    values: list[str | None] = []
    invalid = []
    for value in chunks.cast(pa.binary()).to_pylist():
        try:
            values.append(None if value is None else value.decode())
            invalid.append(False)
        except UnicodeDecodeError:
            values.append(value.decode(errors="replace"))
            invalid.append(True)
    return values, invalid
