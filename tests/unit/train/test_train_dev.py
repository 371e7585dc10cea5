"""What training asks of the dev part: each token once, in windows, and what scores come of it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hearth.train.dev import continued, windows
from hearth.train.plan import best, exhausted
from hearth.train.run import DevScores, History, Validation

TOKENS = st.lists(st.integers(1, 99), min_size=1, max_size=60)


def letters(text: str) -> list[int]:
    return [ord(letter) for letter in text]


@given(TOKENS, st.integers(2, 20))
def test_every_token_of_a_passage_is_scored_once_in_a_window(ids: list[int], window: int) -> None:
    rows = list(windows(ids, 0, window))
    assert [token for row in rows for token in row.ids[-row.scored :]] == ids
    assert all(len(row.ids) - 1 <= window for row in rows)
    assert rows[0].ids[0] == 0


def test_a_choice_is_scored_after_its_context_and_blanks_belong_to_it() -> None:
    row = continued("the lamp ", "burns", letters, 64)
    assert row.ids == tuple(letters("the lamp burns"))
    assert row.scored == len(" burns")


def test_a_context_too_long_for_the_window_loses_its_start() -> None:
    row = continued("x" * 50, "burns", letters, 10)
    assert row.ids == tuple(letters("x" * 6 + "burns"))
    assert row.scored == 5


def validation(step: int, loss: float, bits: dict[str, float] | None = None) -> Validation:
    dev = DevScores(bits_per_byte=bits, accuracy={}) if bits else None
    return Validation(step=step, loss=loss, bits_per_byte={}, dev=dev)


def test_the_dev_part_judges_where_there_is_one() -> None:
    assert validation(0, 9.0).judged == 9.0
    assert validation(0, 9.0, {"en": 2.0, "zh": 3.0}).judged == 2.5


def test_the_best_is_published_if_patience_is_asked_for_and_else_the_last() -> None:
    # The untrained model is no candidate, whatever it scores.
    history = History(
        validations=tuple(validation(n, loss) for n, loss in enumerate((1, 4, 3, 3, 5)))
    )
    assert history.published(None).step == 4
    assert history.published(2).step == 2
    assert best([1.0]) is None


def test_what_gains_too_little_brought_nothing() -> None:
    slow = [5.0, 4.95, 4.9, 4.85]
    assert not exhausted(slow, 3)
    assert exhausted(slow, 3, 0.2)
    assert not exhausted([5.0, 4.9, 4.7, 4.6], 3, 0.2), "small gains add up"
