"""Cut documents into passages that items can be made of."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Final

from hearth.documents import Document
from hearth.suite.spec import Language, Lengths

_CONTROL: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b-\u200f\ufeff]")
_BLANKS: Final = re.compile(r"[^\S\n]+")
_LINE_EDGES: Final = re.compile(r" ?\n ?")
_EMPTY_LINES: Final = re.compile(r"\n{3,}")
_HAN: Final = re.compile(r"[\u3400-\u4dbf\u4e00-\u9fff\U00020000-\U0003ffff]")

_LEAST_LETTERS: Final = 0.75  # Below it a passage is a table or a listing.
_LEAST_HAN: Final = 0.5  # Of a Chinese passage's letters.
_MOST_HAN: Final = 0.02  # Of an English passage's letters.
_LONGEST_WORDS: Final = 15  # Characters for each word of English, on average.
_SHORTEST: Final = 0.8  # Of the wanted length: a document's short tail is not a passage.


@dataclass(frozen=True)
class Passage:
    """A stretch of a document; passages do not overlap."""

    document: Document
    language: Language
    start: int
    text: str
    lengths: Lengths

    @property
    def group(self) -> str:
        """What is resampled as one: a document together with its translations."""
        return self.document.parallel or self.document.doc_key

    def rank(self, salt: str) -> bytes:
        """Where the passage stands in a random order: a function of itself and the salt."""
        return hashlib.sha256(f"{salt}\0{self.document.doc_key}\0{self.start}".encode()).digest()

    @cached_property
    def cloze(self) -> tuple[str, str] | None:
        """The passage's beginning and what follows it, or None where that would not be prose."""
        middle = _boundary(self.text, 0, self.lengths.context, self.language)
        end = _boundary(self.text, middle, self.lengths.continuation, self.language)
        context, continuation = self.text[:middle], self.text[middle:end]
        long_enough = end - middle >= _SHORTEST * self.lengths.continuation
        if not long_enough or not _is_prose(continuation, self.language):
            return None
        return context, continuation


def normalise(text: str) -> str:
    """Unicode NFC, no control characters, single blanks, clean line ends, single empty lines."""
    text = unicodedata.normalize("NFC", text).replace("\r\n", "\n").replace("\r", "\n")
    text = _BLANKS.sub(" ", _CONTROL.sub("", text))
    return _EMPTY_LINES.sub("\n\n", _LINE_EDGES.sub("\n", text)).strip()


def language_of(declared: str | None, text: str) -> Language | None:
    """The declared language; of an undeclared one, English or Chinese by the letters' script."""
    if declared is not None:
        return Language(declared) if declared in set(Language) else None
    return Language.CHINESE if _han_share(text) >= _LEAST_HAN else Language.ENGLISH


def cut(document: Document, lengths: Mapping[Language, Lengths]) -> Iterator[Passage]:
    """Cut a document from its beginning into passages of prose of nearly the wanted length.

    A document in a language that no lengths are given for has none.
    """
    text = normalise(document.text)
    language = language_of(document.language, text)
    if language is None or language not in lengths:
        return
    wanted = lengths[language]
    shortest = _SHORTEST * wanted.passage
    start = 0
    while len(text) - start >= shortest:
        end = _boundary(text, start, wanted.passage, language)
        stretch = text[start:end]
        passage = stretch.strip()
        if len(passage) >= shortest and _is_prose(passage, language):
            offset = start + len(stretch) - len(stretch.lstrip())
            yield Passage(document, language, offset, passage, wanted)
        start = end


def _boundary(text: str, start: int, length: int, language: Language) -> int:
    """The end of a stretch of at most `length`: before white space, where the language has any."""
    end = start + length
    if end >= len(text):
        return len(text)
    if language is Language.ENGLISH:
        for position in range(end, start + int(_SHORTEST * length), -1):
            if text[position].isspace():
                return position
    return end


def _is_prose(text: str, language: Language) -> bool:
    visible = sum(not character.isspace() for character in text)
    letters = sum(character.isalpha() for character in text)
    if letters < _LEAST_LETTERS * max(visible, 1):
        return False
    if language is Language.CHINESE:
        return _han_share(text) >= _LEAST_HAN
    # Long words without end are encoded data, not English.
    return _han_share(text) <= _MOST_HAN and len(text) <= _LONGEST_WORDS * (len(text.split()) + 1)


def _han_share(text: str) -> float:
    letters = sum(character.isalpha() for character in text)
    return len(_HAN.findall(text)) / max(letters, 1)
