from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hearth.evaluate.ngram import SCALAR_VALUES, CharacterNgram

TEXT = st.text(alphabet=st.sampled_from("abc ü你好😀"), max_size=30)


@settings(max_examples=60)
@given(st.lists(TEXT, max_size=5), TEXT, st.integers(1, 4))
def test_the_next_character_s_distribution_sums_to_one(
    texts: list[str], history: str, order: int
) -> None:
    model = CharacterNgram.train(texts, order)
    seen = [chr(code) for code in model.alphabet[:-1]]
    before = model.log_likelihoods([history])[0]
    after = np.exp(model.log_likelihoods([history + character for character in seen]) - before)
    unseen = math.exp(model.log_likelihoods([history + "\U0010ffff"])[0] - before)
    assert after.sum() + (SCALAR_VALUES - len(seen)) * unseen == pytest.approx(1, abs=1e-9)


def test_a_bigram_by_hand() -> None:
    model = CharacterNgram.train(["aab"], 2)
    uniform = 1 / SCALAR_VALUES
    # Unigram: N = 3, T = 2. After the start: a once. After a: a and b once each.
    unigram = {"a": (2 + 2 * uniform) / 5, "b": (1 + 2 * uniform) / 5}
    start_a = (1 + 1 * unigram["a"]) / 2
    a_b = (1 + 2 * unigram["b"]) / 4
    assert model.log_likelihoods(["ab"])[0] == pytest.approx(math.log(start_a) + math.log(a_b))


@settings(max_examples=40)
@given(st.lists(TEXT, min_size=1, max_size=4), st.lists(TEXT, max_size=4), st.integers(1, 4))
def test_a_text_s_score_does_not_depend_on_its_neighbours(
    texts: list[str], asked: list[str], order: int
) -> None:
    model = CharacterNgram.train(texts, order)
    together = model.log_likelihoods(asked)
    apart = [model.log_likelihoods([text])[0] for text in asked]
    assert together == pytest.approx(np.asarray(apart))


def test_longer_history_helps_on_text_of_the_same_kind() -> None:
    texts = ["the lamp is lit, the lamp is out. " * 20]
    scores = [
        CharacterNgram.train(texts, order).log_likelihoods(["the lamp is lit"])[0]
        for order in (1, 2, 3)
    ]
    assert scores == sorted(scores)


def test_an_order_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="order 0"):
        CharacterNgram.train(["a"], 0)
