"""Normalisation, as modifiers for Curator's `Modify`."""

from __future__ import annotations

import re
from collections.abc import Collection
from dataclasses import dataclass

import ftfy
import pandas as pd
from ftfy.badness import is_bad
from ftfy.chardata import CONTROL_CHARS
from nemo_curator.stages.text.modifiers import DocumentModifier
from nemo_curator.stages.text.modifiers.unicode import UnicodeReformatter

from hearth.curate import normalise
from hearth.curate.ledger import Step
from hearth.curate.spec import UnicodeForm
from hearth.curate.stages.marking import MarkingStage, Rows

# What ftfy takes for mojibake is told by two or three characters that follow one another, some of
# them not ASCII, none of them Chinese: of a run of these one is enough to see that, and of a run of
# ASCII its ends.
_CHINESE = re.compile("[\u3001-\u303e\u3400-\u9fff\uff01-\uff5e]+")
_PLAIN = re.compile("([\t\n -~]{4})[\t\n -~]+([\t\n -~]{4})")
_BROKEN = re.compile(
    "[\x1b\x80-\x9f\ud800-\udfff" + "".join(f"\\U{code:08x}" for code in CONTROL_CHARS) + "]"
    "|(?:^|\n)[ÃÂ] "
)


class RepairText(UnicodeReformatter):
    """Curator's ftfy modifier, except that text which it cannot change is not tried.

    Only what is broken is repaired: quotes, ligatures and widths stay as the author wrote them,
    and character references (`&amp;`) stay too, since manuals are about them.
    """

    def __init__(self) -> None:
        super().__init__(
            unescape_html=False,
            fix_latin_ligatures=False,
            fix_character_width=False,
            uncurl_quotes=False,
            fix_line_breaks=False,
            normalization=None,
            explain=False,
        )
        self._name = "repair_text"

    def modify_document(self, text: str) -> str:
        """Repair mojibake and terminal escapes."""
        if text.isascii() and "\x1b" not in text:
            return text
        if len(text) < self.config.max_decode_length:
            short = _PLAIN.sub(r"\1\2", _CHINESE.sub("中", text))
            if not _BROKEN.search(short) and not is_bad(short):
                return text
        return str(ftfy.fix_text(text, config=self.config))


class CleanText(DocumentModifier):
    """Unicode form, white space, invisible characters: `hearth.curate.normalise.clean`.

    Given the column `source` beside that of the text, it spares the sources that are code.
    """

    def __init__(
        self,
        form: UnicodeForm = UnicodeForm.NFC,
        *,
        narrow: bool = False,
        code: Collection[str] = (),
    ) -> None:
        super().__init__()
        self._form = form
        self._narrow = narrow
        self._code = frozenset(code)
        self._name = "clean_text"

    def modify_document(self, clean: str, source: str | None = None) -> str:
        """Return the text, clean. Curator calls it by the names of the columns."""
        return normalise.clean(clean, self._form, narrow=self._narrow, code=source in self._code)


@dataclass
class TakeChange(MarkingStage):
    """Put the modified text in the original's place; give up what has nothing left.

    Attributes:
        before: The column of the original.
        after: The column of the modified text: it is gone afterwards.
        changed: The column that says whether they differ.
        entered: The column of the original's length.
    """

    before: str = "text"
    after: str = "clean"
    changed: str = "changed"
    entered: str = "entered"
    name: str = "take_change"

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        return ["data"], [self.before, self.after]

    def outputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that are written."""
        return ["data"], [self.before, self.changed, self.entered]

    def edit(self, frame: pd.DataFrame) -> None:
        """Compare every live row."""
        rows = Rows(frame, Step.NORMALISE)
        before, after = rows.column(self.before), rows.column(self.after)
        for place in rows.live:
            if not after[place].strip():
                rows.give_up(place, "nothing left")
        rows.store(
            **{
                self.before: after,
                self.changed: [one != other for one, other in zip(before, after, strict=True)],
                self.entered: [len(text) for text in before],
            }
        )
        frame.drop(columns=self.after, inplace=True)  # noqa: PD002 - the frame is this stage's own
