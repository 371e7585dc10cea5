"""Cleaning of text, character by character; what ftfy repairs comes before it."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

from hearth.curate.spec import UnicodeForm

# C0 and C1 controls except tab and newline; soft hyphen; zero-width and direction marks; the byte
# order mark; interlinear and tag characters; noncharacters. English and Chinese need none of them.
_INVISIBLE: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x84\x86-\x9f\xad\u061c\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u206f\ufe00-\ufe0f\ufeff\ufff9-\ufffc\ufffe\uffff\ud800-\udfff\U000e0000-\U000e01ef]"
)
_NEWLINES: Final = re.compile("\r\n?|\x85|\u2028|\u2029")
_SPACES: Final = re.compile("[\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_BLANK_LINES: Final = re.compile(r"\n{3,}")


def clean(text: str, form: UnicodeForm = UnicodeForm.NFC) -> str:
    """Normalise a text; doing it twice changes nothing more.

    Line breaks become newlines, other white space spaces (tabs stay), invisible characters go,
    lines end without white space, and at most one line in a row is empty. Indentation stays: it
    means something in code and in manual pages.

    Args:
        text: Any text.
        form: The Unicode form to end in.
    """
    text = _NEWLINES.sub("\n", text)
    text = _INVISIBLE.sub("", text)
    text = unicodedata.normalize(form.value, text)
    text = _SPACES.sub(" ", text)
    # Not a pattern: one for white space before a line's end is quadratic in a long run of it.
    text = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")
