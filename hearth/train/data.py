"""Sequences of tokens on a disk, and the blocks that training takes from them.

A block is `sequence_length` tokens and the one after them. Documents of text follow each other
without padding, so that every token but the very first is predicted once in a pass; conversations
are never cut between blocks. Each token carries two marks: whether a document starts with it, which
is where positions and attention start anew, and whether predicting it is learnt.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np
import numpy.typing as npt

from hearth.errors import DataError
from hearth.model import FrozenModel

if TYPE_CHECKING:
    from tokenizers import Tokenizer

START: Final = 1
TARGET: Final = 2

TOKEN: Final = np.dtype([("id", "<u4"), ("marks", "u1")])
IGNORED: Final = -100
"""In place of a target that is not learnt: torch's cross-entropy leaves it out."""

_BATCH: Final = 512

Tokens = npt.NDArray[np.void]


class Boundary(FrozenModel):
    """The tokens around a document; one token may be both, and then stands between two once."""

    begin: int
    end: int


def mark(ids: npt.ArrayLike, targets: npt.ArrayLike) -> Tokens:
    """Return one document's tokens.

    Args:
        ids: of its tokens, those of the boundary among them.
        targets: whether each is learnt.
    """
    made = np.zeros(np.shape(ids), TOKEN)
    made["id"] = ids
    made["marks"] = np.where(targets, TARGET, 0)
    made["marks"][:1] |= START
    return made


def documents(
    texts: Iterable[str], tokenizer: Tokenizer, boundary: Boundary
) -> Iterator[tuple[Tokens, int]]:
    """Yield the tokens of each text, and of how many bytes of UTF-8 they are.

    Args:
        texts: in a fixed order.
        tokenizer: what makes tokens of them; special tokens that are spelt out in a text are text.
        boundary: what stands around each.
    """
    tokenizer.encode_special_tokens = True
    # One token that ends a document and begins the next is predicted; a second one says nothing.
    apart = [boundary.end] if boundary.end != boundary.begin else []
    rest = iter(texts)
    while batch := list(islice(rest, _BATCH)):
        encoded = tokenizer.encode_batch(batch, add_special_tokens=False)
        for text, encoding in zip(batch, encoded, strict=True):
            ids = np.array([boundary.begin, *encoding.ids, *apart])
            targets = np.ones(len(ids), bool)
            targets[0] = not apart
            yield mark(ids, targets), len(text.encode())


def write_stream(path: Path, parts: Iterable[tuple[Tokens, int]]) -> tuple[int, int]:
    """Write documents behind each other; return how many tokens are learnt, and their bytes."""
    learnt = size = 0
    with path.open("wb") as file:
        for tokens, of_bytes in parts:
            file.write(tokens.tobytes())
            learnt += int(np.count_nonzero(tokens["marks"] & TARGET))
            size += of_bytes
    return learnt, size


def fitted(
    parts: Iterable[tuple[Tokens, int]], sequence_length: int, filler: int
) -> Iterator[tuple[Tokens, int]]:
    """Yield documents so that none lies across two blocks; a longer one than a block is left out.

    Args:
        parts: the documents.
        sequence_length: inputs in a block.
        filler: the token that fills a block up; it is not learnt.
    """
    place = 0
    for tokens, size in parts:
        if len(tokens) > sequence_length:
            continue
        if place + len(tokens) > sequence_length:
            yield mark(np.full(sequence_length - place, filler), targets=False), 0
            place = 0
        yield tokens, size
        place = (place + len(tokens)) % sequence_length
    # The last block is full too, and has the one token after it.
    yield mark(np.full((sequence_length - place) % sequence_length + 1, filler), targets=False), 0


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

    def read(self, blocks: Iterable[int]) -> Tokens:
        """Return blocks, shape (blocks, sequence_length + 1)."""
        starts = [block * self._length for block in blocks]
        return np.stack([self._tokens[s : s + self._length + 1] for s in starts])


def inputs(rows: Tokens) -> tuple[npt.NDArray[np.int64], ...]:
    """Return the inputs of rows, their targets, and their positions within their documents.

    Args:
        rows: shape (rows, sequence_length + 1).

    Returns:
        Three arrays of shape (rows, sequence_length). Positions start at 0 with every document and
        with every row.
    """
    ids = rows["id"].astype(np.int64)
    learnt = (rows["marks"][:, 1:] & TARGET) > 0
    places = np.broadcast_to(np.arange(rows.shape[1] - 1), (len(rows), rows.shape[1] - 1))
    starts = np.where(rows["marks"][:, :-1] & START, places, 0)
    positions = places - np.maximum.accumulate(starts, axis=1)
    return ids[:, :-1], np.where(learnt, ids[:, 1:], IGNORED), positions
