"""Curator's `DocumentFilter`s, routed by language, with the reason for every drop."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import pandas as pd
from nemo_curator.stages.text.filters import DocumentFilter
from nemo_curator.stages.text.filters import heuristic as stock
from nemo_curator.stages.text.filters.heuristic import repetition

from hearth.curate.ledger import Step
from hearth.curate.rules import EVERYWHERE, ChineseRules, CommonRules, EnglishRules
from hearth.curate.spec import Language, QualitySection
from hearth.curate.stages import filters as own
from hearth.curate.stages import words
from hearth.curate.stages.marking import MarkingStage, Rows

_BRACE = re.compile(r"[{}]")
_PLACEHOLDER = re.compile("lorem ipsum", re.IGNORECASE)


@dataclass
class FilterByLanguage(MarkingStage):
    """Judge each document by the filters of its language; give it up at the first it fails.

    Curator's `ScoreFilter` removes rows without saying why; here the reason is the filter's name
    and the score what it measured. A language without filters passes.

    Attributes:
        filters: For each language, filters in order, each with the name that reasons give it.
        text: The column that is judged.
        language: The column of the language.
        exempt: Sources, by the column `source` if there is one, that only the rules of
            `hearth.curate.rules.EVERYWHERE` judge: code and mathematics.
    """

    filters: Mapping[str, Sequence[tuple[str, DocumentFilter]]] = field(default_factory=dict)
    text: str = "text"
    language: str = "language"
    exempt: Collection[str] = ()
    source: str = "source"
    name: str = "filter_by_language"

    def inputs(self) -> tuple[list[str], list[str]]:
        """Name the columns that must be there."""
        return ["data"], [self.text, self.language]

    def edit(self, frame: pd.DataFrame) -> None:
        """Judge every live row."""
        rows = Rows(frame, Step.QUALITY)
        texts = rows.column(self.text)
        languages = rows.column(self.language)
        sources = rows.column(self.source)
        for place in rows.live:
            text, spared = texts[place], sources[place] in self.exempt
            # Empty text is nobody's to measure: some filters divide by its length.
            blank = not text.strip()
            for name, judge in self.filters.get(languages[place], ()):
                if spared and name not in EVERYWHERE:
                    continue
                score = 0.0 if blank else judge.score_document(text)
                if blank or not judge.keep_document(score):
                    rows.give_up(place, name, float(score))
                    break
        rows.store()


def filters_of(section: QualitySection) -> dict[str, list[tuple[str, DocumentFilter]]]:
    """Return the filters that a recipe's rules ask for, cheap ones first."""
    return {
        Language.EN.value: [*_english(section.en), *_common(section.en)],
        Language.ZH.value: [*_chinese(section.zh), *_common(section.zh)],
    }


def _given(
    pairs: Sequence[tuple[str, Any, Any]],
) -> list[tuple[str, DocumentFilter]]:
    return [(name, make(bound)) for name, bound, make in pairs if bound is not None]


def _common(rules: CommonRules) -> list[tuple[str, DocumentFilter]]:
    return _given(
        [
            ("numbers", rules.max_numbers, stock.NumbersFilter),
            ("urls", rules.max_urls, stock.UrlsFilter),
            ("brackets", rules.max_brackets, stock.ParenthesesFilter),
            (
                "bullet_lines",
                rules.max_bullet_lines,
                lambda high: own.LineShareFilter("bullet_lines", own.is_bullet, high=high),
            ),
            (
                "ellipsis_lines",
                rules.max_ellipsis_lines,
                lambda high: own.LineShareFilter("ellipsis_lines", own.trails_off, high=high),
            ),
            ("repeated_lines", rules.min_unique_lines, repetition.RepeatedLinesFilter),
            (
                "repeated_paragraphs",
                rules.min_unique_paragraphs,
                repetition.RepeatedParagraphsFilter,
            ),
            ("garbled", rules.max_garbled, lambda high: own.GarbledFilter("garbled", high=high)),
            (
                "duplicate_lines",
                rules.max_duplicate_lines,
                lambda high: own.DuplicateShareFilter("duplicate_lines", "\n", high),
            ),
            (
                "duplicate_paragraphs",
                rules.max_duplicate_paragraphs,
                lambda high: own.DuplicateShareFilter("duplicate_paragraphs", "\n\n", high),
            ),
            (
                "short_lines",
                rules.max_short_lines,
                lambda high: own.LineShareFilter("short_lines", own.is_short, high=high),
            ),
            (
                "punctuated_lines",
                rules.min_punctuated_lines,
                lambda low: own.LineShareFilter("punctuated_lines", own.ends_sentence, low),
            ),
            (
                "sentences",
                rules.min_sentences,
                lambda low: own.CountFilter("sentences", own.SENTENCE_END, low),
            ),
            (
                "braces",
                rules.max_braces,
                lambda high: own.CountFilter("braces", _BRACE, high=high, relative=True),
            ),
            (
                "placeholders",
                rules.max_placeholders,
                lambda high: own.CountFilter("placeholders", _PLACEHOLDER, high=high),
            ),
            (
                "adverts",
                rules.max_adverts if rules.adverts else None,
                lambda high: own.AdvertFilter("adverts", rules.adverts, high),
            ),
        ]
    )


def _english(rules: EnglishRules) -> list[tuple[str, DocumentFilter]]:
    mean = None
    if rules.min_mean_word is not None or rules.max_mean_word is not None:
        mean = (rules.min_mean_word or 0, rules.max_mean_word or float("inf"))

    def top(length: int) -> Any:
        return lambda high: words.TopGramsFilter(length, high)

    def repeated(length: int) -> Any:
        return lambda high: words.RepeatedGramsFilter(length, high)

    return _given(
        [
            (
                "words",
                (rules.min_words, rules.max_words),
                lambda bounds: words.WordCountFilter(*bounds),
            ),
            ("mean_word", mean, lambda bounds: words.MeanWordLengthFilter(*bounds)),
            ("symbol_words", rules.max_symbol_words, words.SymbolsToWordsFilter),
            ("white_space", rules.max_white_space, words.WhiteSpaceFilter),
            (
                "alphabetic_words",
                rules.min_alphabetic_words,
                words.WordsWithoutAlphabetsFilter,
            ),
            ("common_words", rules.min_common_words, words.CommonEnglishWordsFilter),
            (
                "stop_words",
                rules.min_stop_words,
                lambda low: own.StopWordFilter("stop_words", low),
            ),
            ("top_2gram", rules.max_top_2gram, top(2)),
            ("top_3gram", rules.max_top_3gram, top(3)),
            ("top_4gram", rules.max_top_4gram, top(4)),
            ("repeated_5gram", rules.max_repeated_5gram, repeated(5)),
            ("repeated_10gram", rules.max_repeated_10gram, repeated(10)),
        ]
    )


def _chinese(rules: ChineseRules) -> list[tuple[str, DocumentFilter]]:
    return _given(
        [
            (
                "characters",
                (rules.min_characters, rules.max_characters),
                lambda bounds: own.CharacterCountFilter("characters", *bounds),
            ),
            ("han", rules.min_han, lambda low: own.HanShareFilter("han", low=low)),
            (
                "mean_line",
                rules.min_mean_line,
                lambda low: own.MeanLineFilter("mean_line", low),
            ),
            (
                "common_characters",
                rules.min_common_characters,
                lambda low: own.CommonCharactersFilter("common_characters", low),
            ),
            (
                "stop_characters",
                rules.min_stop_characters,
                lambda low: own.StopCharactersFilter("stop_characters", low),
            ),
            (
                "symbols",
                rules.max_symbols,
                lambda high: own.SymbolShareFilter("symbols", high=high),
            ),
            (
                "punctuation",
                rules.max_punctuation,
                lambda high: own.PunctuationShareFilter("punctuation", high=high),
            ),
            (
                "top_gram",
                rules.max_top_gram,
                lambda high: own.TopGramFilter("top_gram", 4, high),
            ),
            (
                "repeated_gram",
                rules.max_repeated_gram,
                lambda high: own.RepeatedGramFilter("repeated_gram", 10, high),
            ),
        ]
    )
