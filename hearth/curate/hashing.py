"""Fast keyed 64-bit hashes of runs of words and characters, many at once."""

from __future__ import annotations

import hashlib
import re
from typing import Final

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]

_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: Fibonacci hashing
_SHIFT: Final = np.uint64(29)
_WORD: Final = re.compile(r"[A-Za-z0-9]+|[^\W_A-Za-z0-9]+")
_CACHED_WORDS: Final = 500_000
_BMP: Final = 0x10000


class WordHasher:
    """Hashes words; remembers the frequent ones, which is most of the work."""

    def __init__(self, seed: int) -> None:
        self._key = seed.to_bytes(8, "big")
        self._known: dict[str, int] = {}

    def hashes(self, words: list[str]) -> Hashes:
        """Return one hash a word, case folded."""
        known = self._known
        if len(known) > _CACHED_WORDS:
            known.clear()
        for word in set(words).difference(known):
            data = word.casefold().encode("utf-8", "surrogatepass")
            digest = hashlib.blake2b(data, digest_size=8, key=self._key).digest()
            known[word] = int.from_bytes(digest, "big")
        return np.fromiter(map(known.__getitem__, words), np.uint64, len(words))


def words(text: str) -> list[str]:
    """Return the runs of letters and digits, ASCII ones apart from others."""
    return _WORD.findall(text)


def word_spans(text: str) -> list[tuple[int, int]]:
    """Return where `words` found them."""
    return [match.span() for match in _WORD.finditer(text)]


def codes(text: str) -> npt.NDArray[np.uint32]:
    """Return the code points of a text."""
    return np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)


def letters(text: str) -> tuple[npt.NDArray[np.uint32], npt.NDArray[np.int64]]:
    """Return the code points of letters and digits, in lower case, and where they stand."""
    points = codes(text)
    plain = np.minimum(points, _BMP - 1)
    places = np.flatnonzero(_table("alnum")[plain] | (points >= _BMP))
    lower = _table("lower")[plain[places]]
    return np.where(points[places] < _BMP, lower, points[places]), places


def grams(values: npt.NDArray[np.unsignedinteger], length: int, seed: int) -> Hashes:
    """Return one hash for each run of `length` values, in order; none if there are fewer."""
    count = len(values) - length + 1
    if count < 1:
        return np.empty(0, dtype=np.uint64)
    wide = values.astype(np.uint64)
    state = np.full(count, np.uint64(seed), dtype=np.uint64)
    for offset in range(length):
        state ^= wide[offset : offset + count]
        state *= _MULTIPLIER
        state ^= state >> _SHIFT
    return state


_TABLES: dict[str, npt.NDArray[np.uint32]] = {}


def _table(name: str) -> npt.NDArray[np.uint32]:
    """Look up a property of the characters of the basic plane: made once, 65,536 entries."""
    if name not in _TABLES:
        characters = [chr(code) for code in range(_BMP)]
        if name == "alnum":
            _TABLES[name] = np.array([c.isalnum() for c in characters], dtype=bool)
        else:
            _TABLES[name] = np.array([ord(c.lower()[0]) for c in characters], dtype=np.uint32)
    return _TABLES[name]
