from __future__ import annotations

import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from hearth.documents import Document
from hearth.suite.passages import cut, language_of, normalise
from hearth.suite.spec import Language, Lengths

LENGTHS = {
    Language.ENGLISH: Lengths(passage=90, context=50, continuation=30),
    Language.CHINESE: Lengths(passage=40, context=20, continuation=8),
}
ENGLISH = "The lamp in the hall was lit before the guests had crossed the yard. " * 8
CHINESE = "客人还没有走过院子，厅里的灯就已经点亮了。" * 12


def document(text: str, language: str | None) -> Document:
    return Document("s:1", "s", "book", "book/1", language, "CC0-1.0", None, text)


@given(st.text())
def test_normalising_twice_changes_nothing(text: str) -> None:
    once = normalise(text)
    assert normalise(once) == once
    assert unicodedata.is_normalized("NFC", once)


@given(st.text(alphabet=st.characters(categories=["L", "Nd", "Zs", "P"])), st.sampled_from("ez"))
def test_passages_are_stretches_of_the_document_that_do_not_overlap(text: str, kind: str) -> None:
    given_text = (ENGLISH if kind == "e" else CHINESE) + text
    language = "en" if kind == "e" else "zh"
    whole = normalise(given_text)
    end = 0
    for passage in cut(document(given_text, language), LENGTHS):
        assert passage.start >= end
        assert whole[passage.start :].startswith(passage.text)
        end = passage.start + len(passage.text)


def test_english_is_cut_between_words() -> None:
    words = set(ENGLISH.split())
    for passage in cut(document(ENGLISH, "en"), LENGTHS):
        assert set(passage.text.split()) <= words
        assert passage.cloze is not None
        context, continuation = passage.cloze
        assert continuation.startswith(" ")
        assert set(continuation.split()) <= words
        assert passage.text.startswith(context + continuation)


def test_chinese_needs_no_blanks() -> None:
    found = list(cut(document(CHINESE, "zh"), LENGTHS))
    assert len(found) > 3
    assert {len(passage.text) for passage in found} == {40}


def test_tables_and_other_scripts_are_no_passages() -> None:
    assert not list(cut(document("| 12 | 34 | -- | 0x7f |\n" * 50, "en"), LENGTHS))
    assert not list(cut(document(CHINESE, "en"), LENGTHS))
    assert not list(cut(document(ENGLISH, "zh"), LENGTHS))


def test_an_undeclared_language_is_told_by_its_script() -> None:
    assert language_of(None, ENGLISH) is Language.ENGLISH
    assert language_of(None, CHINESE) is Language.CHINESE
    assert language_of("fr", ENGLISH) is None
