"""The form in which keywords and texts are compared."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

# As `hearth.curate.normalise` has them, joiners and variation selectors too: nobody sees them.
_UNSEEN: Final = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b-\u200f\u202a-\u202e\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\uffff"
    "\U000e0000-\U000e0fff]"
)
_BLANKS: Final = re.compile(r"\s+")
_HAN: Final = "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003fffd"
_BETWEEN: Final = re.compile(rf"(?<=[{_HAN}])[ *·•|_~^=+]{{1,8}}(?=[{_HAN}])")
FIRST_CJK: Final = "\u2e80"
"""From here on scripts are written without spaces between words."""


def fold(text: str, *, spaced: bool = False) -> str:
    """Return a text without case, width, invisible characters and runs of white space.

    Args:
        text: Any text.
        spaced: Whether spaces and ornaments between Han characters go, too.
    """
    if not text.isascii():
        text = unicodedata.normalize("NFKC", _UNSEEN.sub("", text))
    text = _BLANKS.sub(" ", text.casefold()).strip()
    return _BETWEEN.sub("", text) if spaced and not text.isascii() else text


def in_word(character: str) -> bool:
    """Say whether a character belongs to a word of a script that has spaces between words."""
    return character < FIRST_CJK and character.isalnum()
