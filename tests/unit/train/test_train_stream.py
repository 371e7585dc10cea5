from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearth.errors import DataError
from hearth.train.data import (
    IGNORED,
    START,
    TARGET,
    TOKEN,
    Tokens,
    TokenStream,
    fitted,
    inputs,
    mark,
    write_stream,
)


def document(length: int, first: int = 1) -> Tokens:
    return mark(np.arange(first, first + length), np.ones(length, bool))


def stream(path: Path, tokens: int, length: int) -> TokenStream:
    write_stream(path, [(document(tokens, first=0), tokens)])
    return TokenStream(path, length)


def test_every_token_but_the_first_is_a_target_once_in_a_pass(tmp_path: Path) -> None:
    opened = stream(tmp_path / "t", 41, 8)
    assert opened.blocks == 5
    _, targets, _ = inputs(opened.read(range(5)))
    assert targets.flatten().tolist() == list(range(1, 41))


def test_positions_start_anew_with_every_document_and_every_row() -> None:
    row = np.concatenate([document(3)[1:], document(2), document(4)])
    _, _, positions = inputs(np.stack([row, row]))
    assert positions.tolist() == [[0, 1, 0, 1, 0, 1, 2]] * 2


def test_what_is_not_to_be_learnt_is_no_target() -> None:
    row = mark([1, 2, 3, 4], [False, False, True, False])
    ids, targets, _ = inputs(row[None])
    assert ids.tolist() == [[1, 2, 3]]
    assert targets.tolist() == [[IGNORED, 3, IGNORED]]


@given(st.lists(st.integers(1, 20), min_size=1, max_size=30), st.integers(1, 16))
def test_a_conversation_is_never_cut_between_blocks(lengths: list[int], block: int) -> None:
    parts = [(document(length, first=100), length) for length in lengths]
    made = np.concatenate([tokens for tokens, _ in fitted(parts, block, filler=7)])
    assert (len(made) - 1) % block == 0
    kept = [length for length in lengths if length <= block]
    starts = [int(at) for at in np.flatnonzero(made["marks"] & START) if made["id"][at] != 7]
    assert len(starts) == len(kept)
    for start, length in zip(starts, kept, strict=True):
        assert start // block == (start + length - 1) // block
    assert np.count_nonzero(made["marks"] & TARGET) == sum(kept)


def test_too_little_text_for_one_sequence_is_an_error_of_the_data(tmp_path: Path) -> None:
    stream(tmp_path / "enough", 9, 8)
    with pytest.raises(DataError, match="short: has 8 tokens, and one sequence takes 9"):
        stream(tmp_path / "short", 8, 8)
    with pytest.raises(DataError, match="has 0 tokens"):
        TokenStream(tmp_path / "missing", 8)


def test_a_token_takes_five_bytes() -> None:
    assert TOKEN.itemsize == 5
