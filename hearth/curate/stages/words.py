"""`DocumentFilter`s for text whose words stand apart: Gopher's, as Curator measures them.

Each gives the score of Curator's filter that it is made from. Those share no work, and take seven
times as long. But of n-grams that are equally frequent Curator's takes any, another one in each
process, and looks for it as it is written on one line; here it is the first, as datatrove has it.
"""

from __future__ import annotations

import numpy as np
from nemo_curator.stages.text.filters.heuristic import string as stock
from nemo_curator.stages.text.filters.heuristic.repetition import (
    RepeatingDuplicateNGramsFilter,
    RepeatingTopNGramsFilter,
)
from nemo_curator.stages.text.utils.constants import (
    ellipsis_marks,
    regex_alpha,
    regex_hash,
    white_space_list,
)

from hearth.curate.grams import word_grams, words_of


class WordCountFilter(stock.WordCountFilter):
    """Words."""

    def score_document(self, text: str) -> int:
        """Count."""
        return len(words_of(text))


class MeanWordLengthFilter(stock.MeanWordLengthFilter):
    """Mean characters of a word."""

    def score_document(self, text: str) -> float:
        """Return the mean."""
        grams = word_grams(text)
        return grams.characters / len(grams)


class SymbolsToWordsFilter(stock.SymbolsToWordsFilter):
    """Words that are hash signs or an ellipsis, among words."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        words = words_of(text)
        marks: int = sum(map(ellipsis_marks.__contains__, words))
        if "#" in text:
            hashes = (word for word in words if "#" in word and word not in ellipsis_marks)
            marks += sum(2 * len(regex_hash.findall(word)) > len(word) for word in hashes)
        return marks / len(words)


class WhiteSpaceFilter(stock.WhiteSpaceFilter):
    """White space among characters."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        return sum(map(text.count, white_space_list)) / len(text) if text else 1.0


class WordsWithoutAlphabetsFilter(stock.WordsWithoutAlphabetsFilter):
    """Words with a letter, among words."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        words = words_of(text)
        # Most words are letters alone, which is told faster than that there is one.
        others = [word for word in words if not word.isalpha()]
        return 1 - sum(not regex_alpha.search(word) for word in others) / len(words)


class CommonEnglishWordsFilter(stock.CommonEnglishWordsFilter):
    """Of Gopher's eight English words, how many stand there; it stops counting at enough."""

    def __init__(self, min_num_common_words: int = 2) -> None:
        super().__init__(min_num_common_words)
        self._word_splitter = words_of


class TopGramsFilter(RepeatingTopNGramsFilter):
    """Characters in the most frequent n-gram of words."""

    def score_document(self, text: str) -> float:
        """Return the share; 1 where there are too few words."""
        grams = word_grams(text)
        length: int = self._n
        if len(grams) < length:
            return 1.0
        place, count = grams.top(length)
        # With the spaces between words.
        size = int(grams.sizes[place : place + length].sum()) + length - 1
        return count * size / len(text)


class RepeatedGramsFilter(RepeatingDuplicateNGramsFilter):
    """Characters in n-grams of words that stood before, each counted once."""

    def score_document(self, text: str) -> float:
        """Return the share; 1 where there are too few words."""
        grams = word_grams(text)
        length: int = self._n
        if len(grams) < length:
            return 1.0
        places = grams.again(length)
        words, characters = grams.covered(places, length)
        # With the spaces between words: one less than words where n-grams follow one another.
        apart = len(places) and 1 + int((np.diff(places) >= length).sum())
        return (characters + words - apart) / len(text)
