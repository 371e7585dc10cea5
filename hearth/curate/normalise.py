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


_FENCES: Final = ("```", "~~~")
_WIDE: Final = {
    code: code - 0xFEE0
    for code in (*range(0xFF10, 0xFF1A), *range(0xFF21, 0xFF3B), *range(0xFF41, 0xFF5B))
}
_ANY_WIDE: Final = re.compile("[\uff10-\uff19\uff21-\uff3a\uff41-\uff5a]")
"""Full-width digits and letters; punctuation is not among them: in Chinese it is the normal one."""


def clean(
    text: str, form: UnicodeForm = UnicodeForm.NFC, *, narrow: bool = False, code: bool = False
) -> str:
    """Normalise a text; doing it twice changes nothing more.

    Line breaks become newlines, other white space spaces (tabs stay), invisible characters go,
    lines end without white space, and at most one line in a row is empty. Indentation stays: it
    means something in code and in manual pages.

    Args:
        text: Any text.
        form: The Unicode form to end in; code, the text's blocks between fences too, ends in NFC,
            since compatibility forms change what it means.
        narrow: Whether full-width digits and letters become ASCII; in code they stay.
        code: Whether all of the text is code.
    """
    text = _NEWLINES.sub("\n", text)
    text = _INVISIBLE.sub("", text)
    parts = [(text, code)] if code or not any(f in text for f in _FENCES) else _blocks(text)
    text = "\n".join(_formed(part, form, plain=plain, narrow=narrow) for part, plain in parts)
    text = _SPACES.sub(" ", text)
    # Not a pattern: one for white space before a line's end is quadratic in a long run of it.
    text = "\n".join(line.rstrip(" \t") for line in text.split("\n"))
    return _BLANK_LINES.sub("\n\n", text).strip("\n")


def _formed(text: str, form: UnicodeForm, *, plain: bool, narrow: bool) -> str:
    if plain or form is UnicodeForm.NFC:
        text = unicodedata.normalize("NFC", text)
    else:
        text = unicodedata.normalize("NFKC", text)
    # Looking is many times faster than translating, and most text has none.
    return text.translate(_WIDE) if narrow and not plain and _ANY_WIDE.search(text) else text


def _blocks(text: str) -> list[tuple[str, bool]]:
    """Split a text by lines into prose and blocks between fences: (block, is code)."""
    blocks: list[tuple[list[str], bool]] = [([], False)]
    fence = ""
    for line in text.split("\n"):
        if fence:
            blocks[-1][0].append(line)
            if line.startswith(fence) and not line.strip(fence[0] + " \t"):
                fence = ""
                blocks.append(([], False))
        else:
            fence = next((mark for mark in _FENCES if line.startswith(mark)), "")
            if fence:
                blocks.append(([], True))
            blocks[-1][0].append(line)
    return [("\n".join(lines), code) for lines, code in blocks if lines]
