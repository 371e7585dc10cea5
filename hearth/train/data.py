"""Text as one stream of tokens on a disk, and the blocks that training takes from it.

Every document is preceded by the end-of-text token, and documents follow each other without
padding. A block is `sequence_length` tokens and the one after them, so that every token but the
very first is predicted once in a pass.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from hearth.errors import DataError
from hearth.train.spec import END_OF_TEXT

if TYPE_CHECKING:
    from tokenizers import Tokenizer

TOKEN: Final = np.dtype("<u2")
_BATCH: Final = 512


def write_stream(path: Path, texts: Iterable[str], tokenizer: Tokenizer) -> tuple[int, int]:
    """Tokenise documents into a file.

    Args:
        path: the file.
        texts: the documents, in a fixed order.
        tokenizer: what makes tokens of them.

    Returns:
        How many tokens there are, and of how many bytes of UTF-8.
    """
    boundary = tokenizer.token_to_id(END_OF_TEXT)
    documents = iter(texts)
    tokens = size = 0
    with path.open("wb") as file:
        while batch := list(islice(documents, _BATCH)):
            for encoding in tokenizer.encode_batch(batch):
                ids = np.array([boundary, *encoding.ids], dtype=TOKEN)
                file.write(ids.tobytes())
                tokens += len(ids)
            size += sum(len(text.encode()) for text in batch)
    return tokens, size


class TokenStream:
    """A file of tokens, cut into blocks."""

    def __init__(self, path: Path, sequence_length: int) -> None:
        """Open a stream.

        Args:
            path: the file.
            sequence_length: inputs in a block.

        Raises:
            DataError: it does not hold a single block.
        """
        tokens = path.stat().st_size // TOKEN.itemsize if path.is_file() else 0
        self.blocks = (tokens - 1) // sequence_length if tokens else 0
        self._length = sequence_length
        if self.blocks < 1:
            message = (
                f"{path.name}: has {tokens} tokens, and one sequence takes {sequence_length + 1}: "
                "add sources, loosen the curation, or shorten sequence_length"
            )
            raise DataError(message)
        self._tokens = np.memmap(path, dtype=TOKEN, mode="r")

    def read(self, blocks: Iterable[int]) -> npt.NDArray[np.int64]:
        """Return blocks, shape (blocks, sequence_length + 1)."""
        starts = [block * self._length for block in blocks]
        return np.stack([self._tokens[s : s + self._length + 1] for s in starts]).astype(np.int64)
