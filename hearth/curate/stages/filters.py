"""`DocumentFilter`s for text without spaces, and for any text: characters, never words."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import lru_cache

from nemo_curator.stages.text.filters import DocumentFilter
from nemo_curator.stages.text.utils.constants import bullet_list, ellipsis_marks

from hearth.curate.census import census
from hearth.curate.grams import token_grams

_GARBLED = re.compile(
    "[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff]|锟斤拷|烫烫烫|屯屯屯|ï¿½|[ÃÂ][\x80-\xbf]|â€"
)
_SUSPECT = re.compile("[\ufffd\ue000-\uf8ff\U000f0000-\U0010ffff锟烫屯ïÃÂâ]")
SENTENCE_END = re.compile(r"[.!?][\"')\]]*(?=\s|$)|[。！？…]+[”’」』）]*")
_COMMON = "的了是在和有不为与及或之其以于而"
_STOP_WORDS = re.compile(
    r"(?<![A-Za-z])(?:the|be|to|of|and|that|have|with)(?![A-Za-z])", re.IGNORECASE
)
_ASCII_WORD = re.compile(r"[A-Za-z0-9]+")
_SHORT_LINE = 30
_ENDS = frozenset(".!?")
_CLOSING = "\"')]"
_BULLETS = tuple(bullet_list)
_ELLIPSES = tuple(ellipsis_marks)
_WIDE_ENDS = frozenset("。！？…")
_WIDE_CLOSING = "”’」』）"


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
        return float(census(text).letters)


class HanShareFilter(BoundsFilter):
    """Han characters among tokens, as `TopGramFilter` counts them; 0 where there are none.

    Among letters, a page would be judged by how long the English words are that it names: a word
    has some five letters, a Chinese one two characters.
    """

    def score_document(self, text: str) -> float:
        """Return the share."""
        return census(text).han / max(1, len(token_grams(text)))


class PunctuationShareFilter(BoundsFilter):
    """Punctuation and symbols among the characters that are not white space."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        known = census(text)
        return known.marks / max(1, known.marks + known.letters)


class GarbledFilter(BoundsFilter):
    """What 乱码 looks like, among all characters.

    Replacement, private-use and unassigned characters; UTF-8 read as GBK or Latin-1.
    """

    def score_document(self, text: str) -> float:
        """Return the share."""
        if text.isascii():
            return 0.0
        # That none of its characters is there is told in a third of the time.
        garbled = sum(map(len, _GARBLED.findall(text))) if _SUSPECT.search(text) else 0
        return (garbled + census(text).unassigned) / max(1, len(text))


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
        lines = lines_of(text)
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


def is_bullet(line: str) -> bool:
    """Say whether a line is one of a list, by Curator's `BulletsFilter`."""
    return line.startswith(_BULLETS)


def trails_off(line: str) -> bool:
    """Say whether a line ends in an ellipsis, by Curator's `EllipsisFilter`."""
    return line.lower().endswith(_ELLIPSES)


def ends_sentence(line: str) -> bool:
    """Say whether a line ends a sentence."""
    # As if `SENTENCE_END` were looked for at the end alone, without walking through the line.
    return line.rstrip(_CLOSING)[-1:] in _ENDS or line.rstrip(_WIDE_CLOSING)[-1:] in _WIDE_ENDS


class DuplicateShareFilter(BoundsFilter):
    """Characters in pieces that stood before, among the characters of all pieces."""

    def __init__(self, name: str, separator: str, high: float) -> None:
        super().__init__(name, high=high)
        self._separator = separator

    def score_document(self, text: str) -> float:
        """Return the share."""
        pieces = lines_of(text, self._separator)
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
        return float(sum(map(text.__contains__, _COMMON)))


class StopCharactersFilter(BoundsFilter):
    """The same sixteen, among Han characters."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        return sum(map(text.count, _COMMON)) / max(1, census(text).han)


class MeanLineFilter(BoundsFilter):
    """Mean characters of the lines that are not empty."""

    def score_document(self, text: str) -> float:
        """Return the mean."""
        lines = lines_of(text)
        return sum(map(len, lines)) / max(1, len(lines))


class SymbolShareFilter(BoundsFilter):
    """Symbols, by their Unicode class, among the characters that are not white space."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        known = census(text)
        return known.symbols / max(1, len(text) - known.spaces)


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
        grams = token_grams(text)
        place, top = grams.top(self._length)
        size = int(grams.sizes[place : place + self._length].sum())
        return top * size / grams.characters if top > 1 else 0.0


class RepeatedGramFilter(TopGramFilter):
    """Characters that lie in an n-gram of tokens seen before, each counted once."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        grams = token_grams(text)
        _, repeated = grams.covered(grams.again(self._length), self._length)
        return repeated / max(1, grams.characters)


@lru_cache(maxsize=2)
def lines_of(text: str, separator: str = "\n") -> tuple[str, ...]:
    """Return what is between separators, without white space around it, if there is something."""
    return tuple(piece for piece in map(str.strip, text.split(separator)) if piece)
