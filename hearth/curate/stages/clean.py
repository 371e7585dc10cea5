"""Normalisation, as modifiers for Curator's `Modify`."""

from __future__ import annotations

import ftfy
from nemo_curator.stages.text.modifiers import DocumentModifier
from nemo_curator.stages.text.modifiers.unicode import UnicodeReformatter

from hearth.curate.normalise import clean
from hearth.curate.spec import UnicodeForm


class RepairText(UnicodeReformatter):
    """Curator's ftfy modifier, except that plain ASCII, which it cannot change, is not tried.

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
        return ftfy.fix_text(text, config=self.config)


class CleanText(DocumentModifier):
    """Unicode form, white space, invisible characters: `hearth.curate.normalise.clean`."""

    def __init__(self, form: UnicodeForm = UnicodeForm.NFC) -> None:
        super().__init__()
        self._form = form
        self._name = "clean_text"

    def modify_document(self, text: str) -> str:
        """Return the text, clean."""
        return clean(text, self._form)
