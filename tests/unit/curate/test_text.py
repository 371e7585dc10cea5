"""Laws of normalisation, hashes, near-duplicates, contamination and perplexity."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from hearth.curate.contamination import Reading, SuiteIndex, SuiteItem, cut, packed, unpacked
from hearth.curate.hashing import grams, letters, words
from hearth.curate.keys import ContentKey, Domain, fraction
from hearth.curate.near import Shingler, jaccard, linked
from hearth.curate.normalise import clean
from hearth.curate.perplexity import NgramModel, Weighted
from hearth.curate.plan import UnionFind
from hearth.curate.sections import DecontaminateSection, DedupSection
from hearth.curate.shingles import BatchShingler
from hearth.curate.spec import (
    PerplexitySection,
    UnicodeForm,
)

EN = "the quick brown fox jumps over the lazy dog while seven wizards brew a very strong tea"
ZH = "春眠不觉晓，处处闻啼鸟。夜来风雨声，花落知多少。床前明月光，疑是地上霜。"
LIMITS = DecontaminateSection()
DEDUP = DedupSection()


@given(st.text(), st.sampled_from(UnicodeForm))
def test_normalising_twice_changes_nothing_more(text: str, form: UnicodeForm) -> None:
    once = clean(text, form)
    assert clean(once, form) == once


def test_what_nobody_sees_goes_and_what_means_something_stays() -> None:
    assert clean("a\u200bb\ufeff\x07c\u00ad") == "abc"
    assert clean("one\r\ntwo\rthree\u2028four  \n\n\n\nfive") == "one\ntwo\nthree\nfour\n\nfive"
    assert clean("    code\n\tmore") == "    code\n\tmore"
    assert clean("\u3000\u3000中文　全角１２３，ok") == "  中文 全角１２３，ok"
    assert clean("全角１２３", UnicodeForm.NFKC) == "全角123"
    assert clean("e\u0301") == "é"


def test_full_width_letters_and_digits_become_narrow_and_punctuation_stays() -> None:
    assert clean("ＡＢＣ１２３，（全角）", narrow=True) == "ABC123，（全角）"
    assert clean("ＡＢＣ１２３", narrow=True, code=True) == "ＡＢＣ１２３"


def test_compatibility_forms_never_touch_code() -> None:
    block = "```c\nint ﬁ = １;\n```"
    assert clean("ﬁne\n" + block + "\nﬁne", UnicodeForm.NFKC) == "fine\n" + block + "\nfine"
    assert clean("x = '①'", UnicodeForm.NFKC, code=True) == "x = '①'"
    assert clean("~~~\n①\n```\n①\n~~~\n①", UnicodeForm.NFKC) == "~~~\n①\n```\n①\n~~~\n1"


@given(st.text(alphabet="`~ab①ﬁ１\n ", max_size=60), st.sampled_from(UnicodeForm))
def test_fences_or_not_normalising_twice_changes_nothing_more(text: str, form: UnicodeForm) -> None:
    once = clean(text, form, narrow=True)
    assert clean(once, form, narrow=True) == once


def test_content_ids_are_of_the_content_and_of_the_key() -> None:
    one, other = ContentKey(b"one"), ContentKey(b"other")
    assert one.content_id("a") == ContentKey(b"one").content_id("a")
    assert one.content_id("a") != one.content_id("b")
    assert one.content_id("a") != other.content_id("a")
    assert one.content_id("a") != one.name(Domain.WORK, "a")
    assert "one" not in repr(one)


@given(st.text(max_size=20))
def test_a_digest_falls_between_nought_and_one(text: str) -> None:
    assert 0 <= fraction(ContentKey(b"k").content_id(text)) < 1


def test_words_stand_apart_by_script() -> None:
    assert words("Linux内核 5.10, naïve") == ["Linux", "内核", "5", "10", "na", "ï", "ve"]
    points, places = letters("A，b 中")
    assert "".join(map(chr, points)) == "ab中"
    assert places.tolist() == [0, 2, 4]


@given(st.lists(st.integers(0, 2**32 - 1), max_size=40), st.integers(1, 6))
def test_equal_runs_have_equal_hashes(values: list[int], length: int) -> None:
    array = np.array(values, dtype=np.uint32)
    hashes = grams(array, length, 7)
    assert len(hashes) == max(0, len(values) - length + 1)
    runs = [tuple(values[i : i + length]) for i in range(len(hashes))]
    for i, one in enumerate(runs):
        for j, other in enumerate(runs):
            assert (one == other) == (hashes[i] == hashes[j])


def test_jaccard_is_that_of_the_shingles() -> None:
    shingler = Shingler(DEDUP, 1)
    one = shingler.shingles("abcdefgh", "zh")
    other = shingler.shingles("abcdefgx", "zh")
    assert len(one) == 4
    assert jaccard(one, other) == pytest.approx(3 / 5)
    assert jaccard(one, one) == 1
    assert jaccard(shingler.shingles("", "zh"), shingler.shingles("", "en")) == 1


LONG = [(EN, "en"), (f"{ZH}\n{EN}" * 900, "zh"), (EN * 2_100, "en"), ("", "zh"), (ZH, "zh")]


@given(st.lists(st.tuples(st.text(), st.sampled_from(["en", "zh"])), max_size=12))
@example(LONG)
def test_many_texts_have_the_shingles_that_each_has(texts: list[tuple[str, str]]) -> None:
    one, many = Shingler(DEDUP, 1), BatchShingler(DEDUP, 1).many(texts)
    assert len(many) == len(texts)
    for (text, language), shingles in zip(texts, many, strict=True):
        assert np.array_equal(shingles, one.shingles(text, language))


@given(st.text())
def test_words_of_ascii_are_found_by_its_gaps(text: str) -> None:
    assert words(text) == re.findall(r"[A-Za-z0-9]+|[^\W_A-Za-z0-9]+", text)


def test_white_space_makes_no_new_chinese_text() -> None:
    shingler = Shingler(DEDUP, 1)
    assert jaccard(shingler.shingles(ZH, "zh"), shingler.shingles(" ".join(ZH), "zh")) == 1


def test_candidates_are_verified_and_connected() -> None:
    shingler = Shingler(DEDUP, 1)
    base = " ".join(f"word{number}" for number in range(200))
    texts = [base, base + " end", "start " + base, base.replace("word1", "other"), ZH]
    sets = [shingler.shingles(text, "en") for text in texts]
    # Every document is a candidate of every other.
    everybody = range(len(texts))
    found = list(linked([everybody], sets, DEDUP.threshold, UnionFind(len(texts))))
    assert {place for one, other, _ in found for place in (one, other)} == {0, 1, 2}
    assert all(likeness >= DEDUP.threshold for _, _, likeness in found)


def items() -> list[SuiteItem]:
    return [SuiteItem("cloze_en", "1", "en", EN), SuiteItem("bpb_zh", "2", "zh", ZH)]


def test_text_of_the_suite_is_found_reformatted() -> None:
    index = SuiteIndex(items(), LIMITS)
    for text, item in ((EN.upper().replace(" ", ",\n"), 0), ("\n".join(ZH), 1), (f"x {ZH} y", 1)):
        assert {match.item for match in index.look(text).matches} == {item}
    assert index.look("nothing of it is in here, neither one word nor the other " * 5).matches == []


def test_short_items_are_found_whole_and_tiny_ones_not_at_all() -> None:
    short = [SuiteItem("t", "1", "en", " ".join(EN.split()[:9])), SuiteItem("t", "2", "en", "the")]
    index = SuiteIndex(short, LIMITS)
    assert {match.item for match in index.look("see: " + EN).matches} == {0}


def test_a_name_or_an_address_in_a_chinese_item_is_no_n_gram_of_it() -> None:
    names = (
        "自由软件基金会（Free Software Foundation）的页面是 https://www.example.org/releases/now。"
    )
    index = SuiteIndex([SuiteItem("t", "1", "zh", names + ZH)], LIMITS)
    for text in ("见 https://www.example.org/releases/now", "© Free Software Foundation，版权所有"):
        assert index.look(text).matches == []
    assert index.look(f"转载：{names}").matches
    sentence = (
        "They walked along the river until the town was out of sight and the rain had stopped"
    )
    quoted = SuiteIndex([SuiteItem("t", "1", "zh", f"翻译：{sentence}。")], LIMITS)
    assert quoted.look(f"he read 读到 “{sentence}”").matches


def test_a_sentence_that_items_share_is_found_of_each_of_them() -> None:
    mine = [
        SuiteItem("a", "1", "en", f"read this with care: {EN}"),
        SuiteItem("b", "1", "en", f"{EN} and then they sleep"),
        SuiteItem("b", "2", "en", " ".join(f"word{n}" for n in range(20))),
    ]
    found = SuiteIndex(mine, LIMITS).look(f"so they say {EN} now")
    assert {match.item for match in found.matches} == {0, 1}
    assert {met.item for met in found.met} == {0, 1}


@pytest.mark.parametrize("turned", [False, True])
def test_a_short_item_is_found_though_a_longer_one_shares_it(*, turned: bool) -> None:
    short = "春眠不觉晓处处闻啼鸟夜来ABCDEFGHIJ"
    mine = [SuiteItem("t", "long", "zh", short + ZH), SuiteItem("t", "short", "zh", short)]
    if turned:
        mine.reverse()
    matches = SuiteIndex(mine, LIMITS).look(f"他说：{short}。").matches
    assert [mine[match.item].item for match in matches] == ["short"]


def test_lines_that_hold_the_suite_are_cut_and_no_others() -> None:
    index = SuiteIndex(items(), LIMITS)
    lines = [f"line number {number} says something else entirely here" for number in range(40)]
    text = "\n".join([*lines[:20], "before " + EN + " after", *lines[20:]])
    result = cut(text, index.look(text).matches, LIMITS)
    assert result.text == "\n".join(lines)
    assert [text[start:end] for start, end in result.spans] == ["before " + EN + " after\n"]


def test_a_document_that_is_mostly_suite_goes() -> None:
    index = SuiteIndex(items(), LIMITS)
    text = EN + "\n" + "a few words of its own"
    assert cut(text, index.look(text).matches, LIMITS).text is None
    lines = "\n".join([EN, "padding " * 200] * 30)
    assert cut(lines, index.look(lines).matches, LIMITS).text is None


@given(st.lists(st.sampled_from([EN, ZH, "line of its own " * 30, "", "短行"]), max_size=30))
def test_what_is_left_holds_nothing_of_the_suite(lines: list[str]) -> None:
    index = SuiteIndex(items(), LIMITS)
    text = "\n".join(lines)
    result = cut(text, index.look(text).matches, LIMITS)
    assert result.text is None or index.look(result.text).matches == []


QUESTION, ANSWER = EN, "and then the eighth one serves it cold in cups of blue glass"


def asked() -> SuiteIndex:
    item = SuiteItem("cloze_en", "1", "en", f"{QUESTION} {ANSWER}", QUESTION, ANSWER)
    return SuiteIndex([item], LIMITS)


@pytest.mark.parametrize(
    ("text", "question", "answer"),
    [
        (f"{QUESTION} {ANSWER}", 1.0, 1.0),
        (f"{QUESTION.upper()},\n{ANSWER}!", 1.0, 1.0),
        (QUESTION, 1.0, 0.0),
        (f"so they say: {ANSWER}", 0.0, 1.0),
        (f"{' '.join(QUESTION.split()[:9])} and so on", 9 / 17, 0.0),
    ],
)
def test_what_of_question_and_answer_a_text_gives_away_is_measured(
    text: str, question: float, answer: float
) -> None:
    (met,) = asked().look(text).met
    assert met.question == pytest.approx(question)
    assert met.answer == pytest.approx(answer)
    assert 0 <= met.start < met.end <= len(text)
    assert unpacked(packed([met])) == [met]


def test_of_an_items_readings_the_one_that_is_given_away_most_counts() -> None:
    other = Reading(f"{EN.replace('fox', '<NAME>')} {ANSWER}", EN.replace("fox", "<NAME>"), ANSWER)
    item = SuiteItem("t", "1", "en", f"{QUESTION} {ANSWER}", QUESTION, ANSWER, (other,))
    for reading in item.readings:
        found = SuiteIndex([item], LIMITS).look(reading.text)
        assert {match.item for match in found.matches} == {0}
        assert [(met.item, met.whole) for met in found.met] == [(0, 1.0)]


def test_what_shares_a_phrase_with_an_item_gives_nothing_away() -> None:
    assert asked().look("the quick brown fox jumps over the wall and is seen no more").met == []


@given(st.lists(st.sampled_from([*EN.split(), "\n", "other"]), max_size=60))
def test_decontamination_only_removes_whole_lines(tokens: list[str]) -> None:
    index = SuiteIndex(items(), LIMITS)
    text = " ".join(tokens)
    left = cut(text, index.look(text).matches, LIMITS).text
    if left is not None:
        waiting = iter(text.split("\n"))
        assert all(line in waiting for line in left.split("\n") if line)


@given(st.lists(st.sampled_from([EN, ZH, "line of its own " * 30, "短行"]), max_size=12))
def test_a_looser_limit_never_removes_more(lines: list[str]) -> None:
    index = SuiteIndex(items(), LIMITS)
    text = "\n".join(lines)
    matches = index.look(text).matches
    loose = LIMITS.model_copy(update={"max_share": 1.0, "max_pieces": 1000})
    strict_left, loose_left = cut(text, matches, LIMITS).text, cut(text, matches, loose).text
    assert len(loose_left or "") >= len(strict_left or "")


SMALL = PerplexitySection(bits=16, folds=2)


def test_what_a_model_has_seen_surprises_it_less() -> None:
    model = NgramModel.fit([(EN * 5, 0), (EN * 5, 1)], SMALL)
    seen, unseen = model.perplexity(EN), model.perplexity(ZH)
    assert seen is not None
    assert unseen is not None
    assert 1 <= seen < 3
    assert unseen > 1_000


def test_a_document_is_scored_without_its_own_fold() -> None:
    model = NgramModel.fit([(EN * 5, 0), (ZH * 5, 1)], SMALL)
    own, other = model.perplexity(EN, 0), model.perplexity(EN, 1)
    assert own is not None
    assert other is not None
    assert own > 100 * other
    lonely = NgramModel.fit([(EN, 0)], SMALL)
    assert lonely.perplexity(EN, 0) is None
    assert lonely.perplexity("") is None


def test_probabilities_of_the_next_character_sum_to_at_most_one() -> None:
    model = NgramModel.fit([(EN * 3, 0)], PerplexitySection(bits=18, folds=2, order=3))
    start = model.perplexity("the ")
    assert start is not None
    total = 0.0
    for code in range(32, 127):
        longer = model.perplexity("the " + chr(code))
        assert longer is not None
        total += start**4 / longer**5
    assert 0.8 < total <= 1 + 1e-6


@given(st.lists(st.tuples(st.floats(1, 1e6), st.integers(1, 100)), min_size=1), st.floats(0.5, 1))
def test_a_quantile_has_its_weight_at_or_below_it(
    values: list[tuple[float, int]], quantile: float
) -> None:
    known = Weighted()
    for value, weight in values:
        known.add(value, weight)
    limit = known.quantile(quantile)
    assert limit is not None
    total = sum(weight for _, weight in values)
    assert sum(weight for value, weight in values if value <= limit) >= quantile * total
    assert sum(weight for value, weight in values if value < limit) < quantile * total
