"""`DocumentFilter`s for text without spaces, and for any text: characters, never words."""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Callable, Iterator, Sequence

from nemo_curator.stages.text.filters import DocumentFilter

_HAN = re.compile("[\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_GARBLED = re.compile(
    "[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]|锟斤拷|烫烫烫|屯屯屯|ï¿½|[ÃÂ][\x80-\xbf]|â€"
)
SENTENCE_END = re.compile(r"[.!?][\"')\]]*(?=\s|$)|[。！？…]+[”’」』）]*")
_COMMON = frozenset("的了是在和有不为与及或之其以于而")
_STOP_WORDS = re.compile(
    r"(?<![A-Za-z])(?:the|be|to|of|and|that|have|with)(?![A-Za-z])", re.IGNORECASE
)
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+")
_SHORT_LINE = 30
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
    """Han characters among tokens, as `TopGramFilter` counts them; 0 where there are none.

    Among letters, a page would be judged by how long the English words are that it names: a word
    has some five letters, a Chinese one two characters.
    """

    def score_document(self, text: str) -> float:
        """Return the share."""
        return len(_HAN.findall(text)) / max(1, len(_TOKEN.findall(text)))


class PunctuationShareFilter(BoundsFilter):
    """Punctuation and symbols among the characters that are not white space."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        marks = len(_MARK.findall(text))
        return marks / max(1, marks + len(_WORD.findall(text)))


class GarbledFilter(BoundsFilter):
    """What 乱码 looks like, among all characters.

    Replacement, private-use and unassigned characters; UTF-8 read as GBK or Latin-1.
    """

    def score_document(self, text: str) -> float:
        """Return the share."""
        if text.isascii():
            return 0.0
        garbled = sum(map(len, _GARBLED.findall(text)))
        # Unassigned characters are rare and their test is slow: one look at each distinct one.
        for character in set(text):
            if unicodedata.category(character) == "Cn":
                garbled += text.count(character)
        return garbled / max(1, len(text))


class LineShareFilter(BoundsFilter):
    """The lines that hold something, among the lines that are not empty."""

    def __init__(
        self,
        name: str,
        holds: Callable[[str], bool],
        low: float | None = None,
        high: float | None = None,
    ) -> None:
        super().__init__(name, low, high)
        self._holds = holds

    def score_document(self, text: str) -> float:
        """Return the share."""
        lines = [line for line in map(str.strip, text.split("\n")) if line]
        return sum(map(self._holds, lines)) / max(1, len(lines))


class AdvertFilter(LineShareFilter):
    """The lines that hold one of some terms, whatever the case."""

    def __init__(self, name: str, terms: Sequence[str], high: float) -> None:
        self._terms = tuple(term.casefold() for term in terms)
        super().__init__(name, self._held, high=high)

    def score_document(self, text: str) -> float:
        """Return the share."""
        # Hardly any text holds one: most are not worth looking at line by line.
        return super().score_document(text) if self._held(text) else 0.0

    def _held(self, text: str) -> bool:
        text = text.casefold()
        return any(term in text for term in self._terms)


def is_short(line: str) -> bool:
    """Say whether a line is short, by FineWeb's measure."""
    return len(line) <= _SHORT_LINE


def ends_sentence(line: str) -> bool:
    """Say whether a line ends a sentence."""
    return any(match.end() == len(line) for match in SENTENCE_END.finditer(line))


class DuplicateShareFilter(BoundsFilter):
    """Characters in pieces that stood before, among the characters of all pieces."""

    def __init__(self, name: str, separator: str, high: float) -> None:
        super().__init__(name, high=high)
        self._separator = separator

    def score_document(self, text: str) -> float:
        """Return the share."""
        pieces = [piece for piece in map(str.strip, text.split(self._separator)) if piece]
        first = sum(map(len, set(pieces)))
        whole = sum(map(len, pieces))
        return (whole - first) / max(1, whole)


class CountFilter(BoundsFilter):
    """Matches of a pattern: how many, or per character."""

    def __init__(
        self,
        name: str,
        pattern: re.Pattern[str],
        low: float | None = None,
        high: float | None = None,
        *,
        relative: bool = False,
    ) -> None:
        super().__init__(name, low, high)
        self._pattern = pattern
        self._relative = relative

    def score_document(self, text: str) -> float:
        """Count."""
        found = len(self._pattern.findall(text))
        return found / max(1, len(text)) if self._relative else float(found)


class StopWordFilter(BoundsFilter):
    """Gopher's eight English words, among words."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        return len(_STOP_WORDS.findall(text)) / max(1, len(_ASCII_WORD.findall(text)))


class CommonCharactersFilter(BoundsFilter):
    """Of sixteen frequent Chinese characters: how many of them stand there."""

    def score_document(self, text: str) -> float:
        """Count the different ones."""
        return float(len(_COMMON.intersection(text)))


class StopCharactersFilter(BoundsFilter):
    """The same sixteen, among Han characters."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        han = _HAN.findall(text)
        return sum(character in _COMMON for character in han) / max(1, len(han))


class MeanLineFilter(BoundsFilter):
    """Mean characters of the lines that are not empty."""

    def score_document(self, text: str) -> float:
        """Return the mean."""
        lines = [line for line in map(str.strip, text.split("\n")) if line]
        return sum(map(len, lines)) / max(1, len(lines))


class SymbolShareFilter(BoundsFilter):
    """Symbols, by their Unicode class, among the characters that are not white space."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        # A text has few characters that differ: one look at each.
        symbols = sum(text.count(c) for c in set(text) if unicodedata.category(c)[0] == "S")
        return symbols / max(1, len("".join(text.split())))


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
