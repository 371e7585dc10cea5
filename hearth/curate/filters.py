"""The filters behind a recipe's rules: Curator's where it has one, Hearth's where it has not."""

from __future__ import annotations

import unicodedata
from collections.abc import Callable
from typing import Final

import numpy as np
from nemo_curator.stages.text.filters.doc_filter import DocumentFilter
from nemo_curator.stages.text.filters.heuristic.repetition import (
    RepeatedLinesFilter,
    RepeatedParagraphsFilter,
    RepeatingDuplicateNGramsFilter,
    RepeatingTopNGramsFilter,
)
from nemo_curator.stages.text.filters.heuristic.string import (
    BulletsFilter,
    CommonEnglishWordsFilter,
    EllipsisFilter,
    MeanWordLengthFilter,
    NumbersFilter,
    ParenthesesFilter,
    SymbolsToWordsFilter,
    UrlsFilter,
    WhiteSpaceFilter,
    WordCountFilter,
    WordsWithoutAlphabetsFilter,
)

from hearth.curate.hashing import grams, letters
from hearth.curate.rules import ChineseRules, CommonRules, EnglishRules
from hearth.curate.spec import Language, QualitySection

_GARBLED: Final = frozenset({"Co", "Cn"})
_GRAM_SEED: Final = 7
_TOP_GRAM: Final = 4
_REPEATED_GRAM: Final = 10


class Bounded(DocumentFilter):
    """Keeps a document whose score lies within bounds."""

    def __init__(
        self,
        name: str,
        score: Callable[[str], float],
        *,
        at_least: float = float("-inf"),
        at_most: float = float("inf"),
    ) -> None:
        super().__init__()
        self._name = name
        self._score = score
        self._bounds = at_least, at_most

    def score_document(self, text: str) -> float:
        """Return the score."""
        return self._score(text)

    def keep_document(self, scores: float) -> bool:
        """Say whether it lies within the bounds."""
        return self._bounds[0] <= scores <= self._bounds[1]


def garbled(text: str) -> float:
    """Return the share of replacement, private-use and unassigned characters."""
    bad = sum(c == "\ufffd" or (c > "\x7f" and unicodedata.category(c) in _GARBLED) for c in text)
    return bad / max(1, len(text))


def alphanumeric(text: str) -> float:
    """Return the number of letters and digits."""
    return float(len(letters(text)[0]))


def han_share(text: str) -> float:
    """Return the share of Han among letters and digits."""
    points = letters(text)[0]
    han = ((points >= 0x3400) & (points <= 0x9FFF)) | (points >= 0x20000)
    return float(han.mean()) if len(points) else 0.0


def punctuation_share(text: str) -> float:
    """Return the share of punctuation and symbols among characters that are not white space."""
    dense = "".join(text.split())
    marks = len(dense) - len(letters(dense)[0])
    return marks / max(1, len(dense))


def top_gram_share(text: str) -> float:
    """Return the share of characters that the most frequent 4-gram covers (Gopher's top n-gram)."""
    hashes = grams(letters(text)[0], _TOP_GRAM, _GRAM_SEED)
    if not len(hashes):
        return 0.0
    counts = np.unique(hashes, return_counts=True)[1]
    top = int(counts.max())
    return min(1.0, top * _TOP_GRAM / (len(hashes) + _TOP_GRAM - 1)) if top > 1 else 0.0


def repeated_gram_share(text: str) -> float:
    """Return the share of characters that lie in a 10-gram seen before."""
    hashes = grams(letters(text)[0], _REPEATED_GRAM, _GRAM_SEED)
    if not len(hashes):
        return 0.0
    first = np.unique(hashes, return_index=True)[1]
    again = np.ones(len(hashes), dtype=bool)
    again[first] = False
    covered = np.zeros(len(hashes) + _REPEATED_GRAM - 1, dtype=bool)
    for offset in range(_REPEATED_GRAM):
        covered[offset : offset + len(hashes)] |= again
    return float(covered.mean())


def filters_of(section: QualitySection) -> dict[str, list[DocumentFilter]]:
    """Return each language's filters, the cheap ones first."""
    return {Language.EN: _english(section.en), Language.ZH: _chinese(section.zh)}


def _english(rules: EnglishRules) -> list[DocumentFilter]:
    made: list[DocumentFilter] = [
        WordCountFilter(min_words=rules.min_words, max_words=rules.max_words, lang="en")
    ]
    made += _common(rules)
    if rules.min_mean_word is not None and rules.max_mean_word is not None:
        made.append(MeanWordLengthFilter(rules.min_mean_word, rules.max_mean_word, lang="en"))  # type: ignore[arg-type]
    if rules.max_symbol_words is not None:
        made.append(SymbolsToWordsFilter(rules.max_symbol_words, lang="en"))
    if rules.max_white_space is not None:
        made.append(WhiteSpaceFilter(rules.max_white_space))
    if rules.min_alphabetic_words is not None:
        made.append(WordsWithoutAlphabetsFilter(rules.min_alphabetic_words, lang="en"))
    if rules.min_common_words is not None:
        made.append(CommonEnglishWordsFilter(rules.min_common_words))
    for n, bound in ((2, rules.max_top_2gram), (4, rules.max_top_4gram)):
        if bound is not None:
            made.append(RepeatingTopNGramsFilter(n, bound, lang="en"))
    for n, bound in ((5, rules.max_repeated_5gram), (10, rules.max_repeated_10gram)):
        if bound is not None:
            made.append(RepeatingDuplicateNGramsFilter(n, bound, lang="en"))
    return made


def _chinese(rules: ChineseRules) -> list[DocumentFilter]:
    made: list[DocumentFilter] = [
        Bounded(
            "characters",
            alphanumeric,
            at_least=rules.min_characters,
            at_most=rules.max_characters,
        )
    ]
    made += _common(rules)
    if rules.min_han is not None:
        made.append(Bounded("han_share", han_share, at_least=rules.min_han))
    if rules.max_punctuation is not None:
        made.append(Bounded("punctuation", punctuation_share, at_most=rules.max_punctuation))
    if rules.max_top_gram is not None:
        made.append(Bounded("top_gram", top_gram_share, at_most=rules.max_top_gram))
    if rules.max_repeated_gram is not None:
        made.append(Bounded("repeated_gram", repeated_gram_share, at_most=rules.max_repeated_gram))
    return made


def _common(rules: CommonRules) -> list[DocumentFilter]:
    choices: tuple[tuple[float | None, Callable[[float], DocumentFilter]], ...] = (
        (rules.max_numbers, NumbersFilter),
        (rules.max_urls, UrlsFilter),
        (rules.max_brackets, ParenthesesFilter),
        (rules.max_bullet_lines, BulletsFilter),
        (rules.max_ellipsis_lines, EllipsisFilter),
        (rules.min_unique_lines, RepeatedLinesFilter),
        (rules.min_unique_paragraphs, RepeatedParagraphsFilter),
        (rules.max_garbled, lambda bound: Bounded("garbled", garbled, at_most=bound)),
    )
    return [make(bound) for bound, make in choices if bound is not None]
