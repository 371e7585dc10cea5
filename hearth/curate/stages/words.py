"""`DocumentFilter`s for text whose words stand apart: Gopher's, as Curator measures them.

Each gives the score of Curator's filter that it is made from. Those share no work, and take seven
times as long. But of n-grams that are equally frequent Curator's takes any, another one in each
process, and looks for it as it is written on one line; here it is the first, as datatrove has it.
"""

from __future__ import annotations

from collections.abc import Sequence

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

from hearth.curate.grams import word_grams


class WordCountFilter(stock.WordCountFilter):
    """Words."""

    def score_document(self, text: str) -> int:
        """Count."""
        return len(word_grams(text).tokens)


class MeanWordLengthFilter(stock.MeanWordLengthFilter):
    """Mean characters of a word."""

    def score_document(self, text: str) -> float:
        """Return the mean."""
        words = word_grams(text).tokens
        return sum(map(len, words)) / len(words)


class SymbolsToWordsFilter(stock.SymbolsToWordsFilter):
    """Words that are hash signs or an ellipsis, among words."""

    def score_document(self, text: str) -> float:
        """Return the share."""
        words = word_grams(text).tokens
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
        words = word_grams(text).tokens
        # Most words are letters alone, which is told faster than that there is one.
        with_letters = sum(word.isalpha() or bool(regex_alpha.search(word)) for word in words)
        return with_letters / len(words)


class CommonEnglishWordsFilter(stock.CommonEnglishWordsFilter):
    """Of Gopher's eight English words, how many stand there; it stops counting at enough."""

    def __init__(self, min_num_common_words: int = 2) -> None:
        super().__init__(min_num_common_words)
        self._word_splitter = _words


class TopGramsFilter(RepeatingTopNGramsFilter):
    """Characters in the most frequent n-gram of words."""

    def score_document(self, text: str) -> float:
        """Return the share; 1 where there are too few words."""
        grams = word_grams(text)
        if len(grams.tokens) < self._n:
            return 1.0
        gram, count = grams.top(int(self._n))
        return count * len(" ".join(gram)) / len(text)


class RepeatedGramsFilter(RepeatingDuplicateNGramsFilter):
    """Characters in n-grams of words that stood before, each counted once."""

    def score_document(self, text: str) -> float:
        """Return the share; 1 where there are too few words."""
        grams = word_grams(text)
        if len(grams.tokens) < self._n:
            return 1.0
        repeated = covered = 0
        length: int = self._n
        for place in grams.again(length):
            fresh = max(place, covered)
            # With the spaces between words; one run of n-grams is counted as one.
            repeated += place + length - fresh - (fresh == place)
            covered = place + length
            repeated += sum(map(len, grams.tokens[fresh:covered]))
        return repeated / len(text)


def _words(text: str) -> Sequence[str]:
    return word_grams(text).tokens
