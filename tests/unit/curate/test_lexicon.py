"""Words looked up many at once are hashed as they are one by one."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearth.curate import lexicon
from hearth.curate.hashing import WordHasher, words
from hearth.curate.lexicon import Lexicon

_TEXTS = st.lists(
    st.text(st.sampled_from("aB1_ \n.é—漢𠮷😀\ud800\u0301ßK٣²\x00")) | st.text(), max_size=6
)
_LEXICON = Lexicon(WordHasher(7), 11)


@given(_TEXTS)
def test_every_word_has_the_hash_that_it_has_alone(texts: list[str]) -> None:
    one_by_one = WordHasher(7)
    for known in (_LEXICON, Lexicon(WordHasher(7), 11)):
        found = known.hashes(texts)
        assert [part.tolist() for part in found] == [
            one_by_one.hashes(words(text)).tolist() for text in texts
        ]


def test_words_that_begin_alike_keep_apart() -> None:
    texts = ["a" * length for length in range(1, 40)] + ["a" * 8 + "b", "a" * 16 + "b"]
    found = np.concatenate(Lexicon(WordHasher(7), 11).hashes(texts))
    assert len(set(found.tolist())) == len(texts)


def test_a_full_table_begins_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lexicon, "_ROOM", 8)
    known = Lexicon(WordHasher(7), 11)
    texts = [f"word{number} again" for number in range(200)]
    for _ in range(2):
        for text in texts:
            assert known.hashes([text])[0].tolist() == WordHasher(7).hashes(words(text)).tolist()
