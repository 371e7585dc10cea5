"""The form of a text that finders see: as long as the text, so that offsets stay."""

from __future__ import annotations

import re
from typing import Final

from hearth.curate.pii.kinds import PiiKind

MASK: Final = "\ufffc"
"""Stands where something was found already. It belongs to no pattern's characters."""

_DASHES: Final = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212\ufe63"
_SPACES: Final = "\xa0\u2000-\u200a\u202f\u205f\u3000"
# Full-width ASCII; spaces and dashes of all kinds; the dots of Chinese names and number plates.
_FORMS: Final = (
    {code: code - 0xFEE0 for code in range(0xFF01, 0xFF5F)}
    | dict.fromkeys(map(ord, _DASHES), ord("-"))
    | dict.fromkeys((0xA0, *range(0x2000, 0x200B), 0x202F, 0x205F, 0x3000), 0x20)
    | dict.fromkeys(map(ord, "•‧∙・"), ord("·"))
)
_FOLDABLE: Final = re.compile(f"[\uff01-\uff5e{_DASHES}{_SPACES}•‧∙・]")
_PLACEHOLDER: Final = re.compile(
    rf"<(?:{'|'.join(kind.name for kind in PiiKind)})(?::[0-9a-f]{{8,64}})?>"
)


def fold(text: str) -> str:
    """Return the text with full-width forms, dashes and spaces in ASCII, placeholders masked."""
    if not text.isascii() and _FOLDABLE.search(text):
        text = text.translate(_FORMS)
    if "<" in text:
        text = _PLACEHOLDER.sub(lambda match: MASK * len(match[0]), text)
    return text


def covered(view: str, spans: list[tuple[int, int]]) -> str:
    """Return the view with stretches masked; they are in order and do not overlap."""
    pieces: list[str] = []
    position = 0
    for start, end in spans:
        pieces += (view[position:start], MASK * (end - start))
        position = end
    return "".join((*pieces, view[position:]))
