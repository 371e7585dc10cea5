"""Paragraphs that stand elsewhere too: found by keyed hashes, cut from the redacted text.

A paragraph is what stands between empty lines. Its hash is made of the text before redaction, and
pairs with the redacted paragraph of the same number.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from typing import Final, NamedTuple

from hearth.curate.hashing import Hashes, letters, words
from hearth.curate.near import Shingler
from hearth.curate.sections import ParagraphSection
from hearth.curate.spec import Language

DIGEST: Final = 16
"""Bytes of a paragraph's keyed hash."""
HELD_OUT: Final = "held out"
EXACT: Final = "exact copy"
NEAR: Final = "near copy"
_HAN: Final = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_HAN_SHARE: Final = 0.3
"""Of letters and digits, from which a paragraph is Chinese: as in `LanguageSection`."""
_BLOCK: Final = re.compile(r"[^\n]+(?:\n[^\n]+)*")


class Hashed(NamedTuple):
    """What is known of a document's paragraphs without their text."""

    digests: bytes
    """`DIGEST` bytes each."""
    passages: list[tuple[int, Hashes]]
    """Number and shingles of those that are long enough to be near copies."""


def spans(text: str) -> list[tuple[int, int]]:
    """Return where the paragraphs of a text are."""
    return [match.span() for match in _BLOCK.finditer(text)]


def script(text: str) -> Language:
    """Return how a paragraph is written: a Chinese manual has English ones."""
    if text.isascii():
        return Language.EN
    han = len(_HAN.findall(text))
    return Language.ZH if han and han >= _HAN_SHARE * len(letters(text)[0]) else Language.EN


def measure(text: str, language: Language) -> int:
    """Return the length of a paragraph: letters and digits of Chinese, words of anything else."""
    return len(letters(text)[0]) if language is Language.ZH else len(words(text))


def least(section: ParagraphSection, language: Language) -> int | None:
    """Return the length from which a repeated paragraph is cut."""
    return section.characters if language is Language.ZH else section.words


def hashed(
    text: str,
    redacted: str,
    section: ParagraphSection,
    secret: bytes,
    shingler: Shingler,
) -> Hashed:
    """Hash the paragraphs of a text.

    Args:
        text: The normalised text.
        redacted: The same, redacted. Where a redaction joined paragraphs, so that they no longer
            pair, the redacted ones are hashed instead.
        section: What is long enough.
        secret: The key of the hashes, of 64 bytes at most.
        shingler: Has a key of its own.
    """
    parts = [text[start:end] for start, end in spans(text)]
    if redacted is not text:
        others = spans(redacted)
        if len(others) != len(parts):
            parts = [redacted[start:end] for start, end in others]
    digests = bytearray()
    passages = []
    shortest = min((b for b in (section.words, section.characters) if b is not None), default=None)
    for number, part in enumerate(parts):
        data = " ".join(part.split()).encode("utf-8", "surrogatepass")
        digests += hashlib.blake2b(data, digest_size=DIGEST, key=secret).digest()
        # No text has more words or letters than characters: most are not worth counting.
        if shortest is None or len(part) < shortest:
            continue
        language = script(part)
        bound = least(section, language)
        if bound is not None and measure(part, language) >= bound:
            passages.append((number, shingler.shingles(part, language)))
    return Hashed(bytes(digests), passages)


def why(text: str, section: ParagraphSection, *, leaks: bool) -> str | None:
    """Return why a paragraph goes that stands elsewhere too; None if it is short enough to stay.

    Args:
        text: The paragraph.
        section: What is long enough.
        leaks: Whether it stands in a split that is more held out.
    """
    language = script(text)
    size, bound = measure(text, language), least(section, language)
    leak = section.leak_characters if language is Language.ZH else section.leak_words
    if leaks and size >= leak:
        return HELD_OUT
    return EXACT if bound is not None and size >= bound else None


def without(text: str, gone: Sequence[int]) -> tuple[str, list[tuple[int, int]]]:
    """Cut paragraphs from a text.

    Args:
        text: The text.
        gone: The numbers of the paragraphs, in order.

    Returns:
        What is left, and where the paragraphs were.
    """
    where = spans(text)
    kept, left = [], 0
    for number in gone:
        kept.append(text[left : where[number][0]])
        left = where[number + 1][0] if number + 1 < len(where) else len(text)
    kept.append(text[left:])
    return "".join(kept).strip("\n"), [where[number] for number in gone]
