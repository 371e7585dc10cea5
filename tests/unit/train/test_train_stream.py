from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hearth.errors import DataError
from hearth.train.data import TOKEN, TokenStream


def stream(path: Path, tokens: int, length: int) -> TokenStream:
    path.write_bytes(np.arange(tokens, dtype=TOKEN).tobytes())
    return TokenStream(path, length)


def test_every_token_but_the_first_is_a_target_once_in_a_pass(tmp_path: Path) -> None:
    opened = stream(tmp_path / "t", 41, 8)
    assert opened.blocks == 5
    targets = opened.read(range(5))[:, 1:]
    assert targets.flatten().tolist() == list(range(1, 41))


def test_too_little_text_for_one_sequence_is_an_error_of_the_data(tmp_path: Path) -> None:
    stream(tmp_path / "enough", 9, 8)
    with pytest.raises(DataError, match="short: has 8 tokens, and one sequence takes 9"):
        stream(tmp_path / "short", 8, 8)
    with pytest.raises(DataError, match="has 0 tokens"):
        TokenStream(tmp_path / "missing", 8)
