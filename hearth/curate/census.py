"""What sorts of characters a text has: each that differs is looked at once, ever."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_KNOWN: Final = 100_000


@dataclass(frozen=True, slots=True)
class Census:
    """Counts of characters."""

    characters: Counter[str] = field(default_factory=Counter)
    letters: int = 0
    """Letters and digits of any script."""
    han: int = 0
    marks: int = 0
    """Punctuation and symbols; the low line is one."""
    symbols: int = 0
    """By Unicode's classes S."""
    spaces: int = 0
    unassigned: int = 0


@lru_cache(maxsize=1)
def census(text: str) -> Census:
    """Count the characters of a text; one filter asks after the other."""
    characters = Counter(text)
    letters = han = marks = symbols = spaces = unassigned = 0
    for character, count in characters.items():
        letter, is_han, space, category = _sort(character)
        if is_han:
            han += count
        if letter:
            letters += count
        elif space:
            spaces += count
        else:
            marks += count
        if category == "Cn":
            unassigned += count
        elif category[0] == "S":
            symbols += count
    return Census(characters, letters, han, marks, symbols, spaces, unassigned)


@lru_cache(maxsize=_KNOWN)
def _sort(character: str) -> tuple[bool, bool, bool, str]:
    """Return whether a character is a letter or digit, Han, white space; and its category."""
    return (
        character.isalnum(),
        HAN.match(character) is not None,
        character.isspace(),
        unicodedata.category(character),
    )
