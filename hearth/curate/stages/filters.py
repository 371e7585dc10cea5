"""`DocumentFilter`s for text without spaces, and for any text: characters, never words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterator

from nemo_curator.stages.text.filters import DocumentFilter

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_GARBLED = re.compile("[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]")
_WORD = re.compile(r"[^\W_]")
_TOKEN = re.compile(r"[A-Za-z0-9]+|[^\W_]")
_MARK = re.compile(r"[^\w\s]|_")


class BoundsFilter(DocumentFilter):
    """A filter that keeps what scores within bounds."""

    def __init__(self, name: str, low: float | None = None, high: float | None = None) -> None:
        super().__init__()
        self._name = name
        self._low = low
        self._high = high

    def score_document(self, text: str) -> float:
        """Measure the text."""
        raise NotImplementedError

    def keep_document(self, scores: float) -> bool:
        """Say whether the score is within bounds, both included."""
        return (self._low is None or scores >= self._low) and (
            self._high is None or scores <= self._high
        )


class CharacterCountFilter(BoundsFilter):
    """Letters and digits of any script."""

    def score_document(self, text: str) -> float:
        """Count."""
        return float(len(_WORD.findall(text)))


class HanShareFilter(BoundsFilter):
    """Han characters among letters and digits; 0 where there are none."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        return len(_HAN.findall(text)) / max(1, len(_WORD.findall(text)))


class PunctuationShareFilter(BoundsFilter):
    """Punctuation and symbols among the characters that are not white space."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        marks = len(_MARK.findall(text))
        return marks / max(1, marks + len(_WORD.findall(text)))


class GarbledFilter(BoundsFilter):
    """Replacement, private-use and unassigned characters among all: what 乱码 looks like."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        if text.isascii():
            return 0.0
        garbled = len(_GARBLED.findall(text))
        # Unassigned characters are rare and their test is slow: one look at each distinct one.
        for character in set(text):
            if unicodedata.category(character) == "Cn":
                garbled += text.count(character)
        return garbled / max(1, len(text))


class TopGramFilter(BoundsFilter):
    """Characters in the most frequent n-gram of tokens; white space and marks are left out.

    A token is one character, but a run of ASCII letters and digits is one token: in a Chinese
    manual the name of a program is one word, not ten.
    """

    def __init__(self, name: str, length: int, high: float) -> None:
        super().__init__(name, high=high)
        self._length = length

    def score_document(self, text: str) -> float:
        """Return the share; 0 where nothing is repeated."""
        tokens = _TOKEN.findall(text)
        counts = Counter(_grams(tokens, self._length))
        if not counts:
            return 0.0
        gram, top = counts.most_common(1)[0]
        return top * sum(map(len, gram)) / sum(map(len, tokens)) if top > 1 else 0.0


class RepeatedGramFilter(TopGramFilter):
    """Characters that lie in an n-gram of tokens seen before, each counted once."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        tokens = _TOKEN.findall(text)
        seen: set[tuple[str, ...]] = set()
        repeated = covered = 0
        for place, gram in enumerate(_grams(tokens, self._length)):
            if gram in seen:
                fresh = max(place, covered)
                repeated += sum(map(len, tokens[fresh : place + self._length]))
                covered = place + self._length
            else:
                seen.add(gram)
        return repeated / max(1, sum(map(len, tokens)))


def _grams(tokens: list[str], length: int) -> Iterator[tuple[str, ...]]:
    return zip(*(tokens[offset:] for offset in range(length)), strict=False)
