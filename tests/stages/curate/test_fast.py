"""Laws of what is measured faster than by those who defined it: the result is theirs."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Callable
from itertools import pairwise

import ftfy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from nemo_curator.stages.text.filters import DocumentFilter
from nemo_curator.stages.text.filters import heuristic as stock
from nemo_curator.stages.text.filters.heuristic import repetition

from hearth.curate.census import HAN, census
from hearth.curate.grams import token_grams, word_grams
from hearth.curate.stages import words
from hearth.curate.stages.clean import RepairText
from hearth.curate.stages.filters import (
    SENTENCE_END,
    GarbledFilter,
    LineShareFilter,
    ends_sentence,
    is_bullet,
    trails_off,
)
from tests.stages.curate.conftest import prose

PIECES = (
    *"abcXY 12,.\n?!'\"中文字，。「」：；ÃÂâœ™šŸ¢£©«®°²´º»½ÀÒ×ØÜßàãéíòóöøûü–‘’“”•…€",
    *"ВГРВӀΒΟβā‚Ä√≈│┌═\xa0",
    *"\x80\x85\x9c\x1b\x01\ufeff\u200b\u2028\ud83d\ude00[]m;\u3000",
    *(
        " Â ",
        "\nÃ ",
        "Ã©",
        "â€™",
        "涓嶆槸",
        "é”Ÿæ–¤",
        "ä¸\xadæ–‡",
        "\x1b[31m",
        "好几个汉字",
        "a few words ",
    ),
)
TEXTS = st.lists(st.sampled_from(PIECES), max_size=40).map("".join)
WORDS = st.lists(
    st.sampled_from(
        [
            "the",
            "of",
            "lamp",
            "#",
            "##a",
            "...",
            "…",
            "1912",
            "naïve",
            "中文",
            "a.",
            "ⅳ",
            "READ",
            "MORE",
            "•",
        ]
    ),
    min_size=1,
    max_size=40,
)


@given(TEXTS)
def test_what_is_not_tried_could_not_have_been_repaired(text: str) -> None:
    repair = RepairText()
    if not text.isascii() or "\x1b" in text:
        assert repair.modify_document(text) == ftfy.fix_text(text, config=repair.config)


@pytest.mark.parametrize(
    ("ours", "theirs"),
    [
        (words.WordCountFilter, stock.WordCountFilter),
        (words.MeanWordLengthFilter, stock.MeanWordLengthFilter),
        (words.SymbolsToWordsFilter, stock.SymbolsToWordsFilter),
        (words.WhiteSpaceFilter, stock.WhiteSpaceFilter),
        (words.WordsWithoutAlphabetsFilter, stock.WordsWithoutAlphabetsFilter),
        (words.CommonEnglishWordsFilter, stock.CommonEnglishWordsFilter),
        (lambda: LineShareFilter("bullets", is_bullet), stock.BulletsFilter),
        (lambda: LineShareFilter("ellipses", trails_off), stock.EllipsisFilter),
        *(
            (
                lambda n=n: words.RepeatedGramsFilter(n, 0.1),
                lambda n=n: repetition.RepeatingDuplicateNGramsFilter(n, 0.1),
            )
            for n in (2, 5, 10)
        ),
    ],
)
def test_scores_are_those_of_the_filter_they_are_made_from(
    ours: Callable[[], DocumentFilter], theirs: Callable[[], DocumentFilter]
) -> None:
    fast, slow = ours(), theirs()

    @given(WORDS, st.sampled_from([" ", "\n", " \t "]))
    def same(said: list[str], gap: str) -> None:
        text = gap.join(said)
        assert fast.score_document(text) == pytest.approx(slow.score_document(text), abs=1e-12)

    same()
    for text in (prose("en", 1), prose("en", 2, 80), prose("zh", 1)):
        assert fast.score_document(text) == pytest.approx(slow.score_document(text), abs=1e-12)


@given(WORDS, st.integers(2, 6))
def test_repeated_runs_are_all_found_and_no_others(said: list[str], length: int) -> None:
    runs = [tuple(said[i : i + length]) for i in range(len(said) - length + 1)]
    grams = word_grams(" ".join(said))
    assert grams.again(length).tolist() == [i for i, run in enumerate(runs) if run in runs[:i]]
    if runs:
        place, count = grams.top(length)
        most = max(map(runs.count, runs))
        assert count == most
        assert place == next(i for i, run in enumerate(runs) if runs.count(run) == most)


@given(st.one_of(TEXTS, st.text()))
def test_a_token_is_a_character_or_a_run_of_ascii_letters_and_digits(text: str) -> None:
    tokens = re.findall(r"[A-Za-z0-9]+|[^\W_]", text)
    grams = token_grams(text)
    assert grams.sizes.tolist() == list(map(len, tokens))
    pairs = list(pairwise(tokens))
    assert grams.again(2).tolist() == [i for i, pair in enumerate(pairs) if pair in pairs[:i]]


@pytest.mark.parametrize(
    "piece",
    ["\ufffd", "\ue000", "\U000f0000", "锟斤拷", "烫烫烫", "屯屯屯", "ï¿½", "Ã\x83", "Â\xa0", "â€"],
)
def test_no_garbled_piece_is_passed_over(piece: str) -> None:
    assert GarbledFilter("garbled").score_document(f"好 {piece}") == len(piece) / (2 + len(piece))


@given(TEXTS)
def test_a_line_ends_a_sentence_where_the_last_match_is_at_its_end(line: str) -> None:
    line = " ".join(line.split("\n")).strip()
    found = any(match.end() == len(line) for match in SENTENCE_END.finditer(line))
    assert ends_sentence(line) == found


@given(st.text())
def test_a_census_counts_everybody_once(text: str) -> None:
    known = census(text)
    assert known.letters + known.marks + known.spaces == len(text)
    assert known.han == len(HAN.findall(text))
    assert known.letters == sum(map(str.isalnum, text))


def test_scores_do_not_depend_on_the_process() -> None:
    code = (
        "from hearth.curate.stages.words import TopGramsFilter as F;"
        "print(F(2, 0.2).score_document('one two three. one two four. two four three one ' * 2))"
    )
    said = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(said) == 1
