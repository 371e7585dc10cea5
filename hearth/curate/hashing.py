"""Fast keyed 64-bit hashes of runs of words and characters, many at once."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator, Sequence, Sized
from functools import cache
from typing import Final, TypeVar

import numpy as np
import numpy.typing as npt

Hashes = npt.NDArray[np.uint64]
_Part = TypeVar("_Part", bound=Sized)

BMP: Final = 0x10000
"""Where Unicode's basic plane ends: tables hold what lies before."""

_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)  # 2^64 / golden ratio: Fibonacci hashing
_SHIFT: Final = np.uint64(29)
_WORD: Final = re.compile(r"[A-Za-z0-9]+|[^\W_A-Za-z0-9]+")
_GAPS: Final = bytes(code if chr(code).isalnum() else 0x20 for code in range(0x80)).ljust(0x100)
"""Every ASCII character that is in no word."""
_CACHED_WORDS: Final = 500_000
_TOGETHER: Final = 1 << 15
"""Values that are hashed as one: some hundred short texts, in the processor's cache."""


class WordHasher(dict[str, int]):
    """Hashes words; remembers the frequent ones, which is most of the work."""

    def __init__(self, seed: int) -> None:
        super().__init__()
        self._key = seed.to_bytes(8, "big")

    def __missing__(self, word: str) -> int:
        """Hash a word that is not known."""
        data = word.casefold().encode("utf-8", "surrogatepass")
        state = _keyed(self._key).copy()
        state.update(data)
        self[word] = value = int.from_bytes(state.digest(), "big")
        return value

    def hashes(self, words: list[str]) -> Hashes:
        """Return one hash a word, case folded."""
        if len(self) > _CACHED_WORDS:
            self.clear()
        return np.fromiter(map(self.__getitem__, words), np.uint64, len(words))


@cache
def _keyed(key: bytes) -> hashlib.blake2b:
    """Return a hash that has taken in its key: a copy of it takes half the time of a new one."""
    return hashlib.blake2b(digest_size=8, key=key)


def words(text: str) -> list[str]:
    """Return the runs of letters and digits, ASCII ones apart from others."""
    # Splitting at white space takes a third of the time.
    if text.isascii():
        return text.encode("ascii").translate(_GAPS).decode("ascii").split()
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
    plain = np.minimum(points, BMP - 1)
    places = np.flatnonzero(_table("alnum")[plain] | (points >= BMP))
    lower = _table("lower")[plain[places]]
    return np.where(points[places] < BMP, lower, points[places]), places


def alphanumeric(points: npt.NDArray[np.uint32]) -> npt.NDArray[np.bool_]:
    """Return which code points are letters or digits, those beyond the basic plane too."""
    found = _table("alnum")[np.minimum(points, BMP - 1)].astype(bool)
    for place in np.flatnonzero(points >= BMP).tolist():
        found[place] = chr(points[place]).isalnum()
    return found


def mix(values: npt.NDArray[np.uint64], state: Hashes | np.uint64) -> Hashes:
    """Return states that are stirred with values; values of one state never meet."""
    stirred = (values ^ state) * _MULTIPLIER
    stirred ^= stirred >> _SHIFT
    return stirred


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


def gram_sets(
    parts: Sequence[npt.NDArray[np.unsignedinteger]], length: int, seed: int
) -> Iterator[Hashes]:
    """Yield, for each part, what `grams` returns, each hash once and in order.

    Many short parts are hashed as one, which is most of the work for them.
    """
    for some in runs(parts, _TOGETHER):
        # N-grams that begin in one part and end in the next are made and left out.
        known = grams(np.concatenate([part.astype(np.uint64) for part in some]), length, seed)
        first = 0
        for part in some:
            yield distinct(known[first : first + max(0, len(part) - length + 1)].copy())
            first += len(part)


def runs(parts: Sequence[_Part], most: int) -> Iterator[Sequence[_Part]]:
    """Yield parts in order, as many at a time as are no longer than `most` together, or one."""
    start = 0
    while start < len(parts):
        size, end = 0, start
        while end < len(parts) and (end == start or size + len(parts[end]) <= most):
            size += len(parts[end])
            end += 1
        yield parts[start:end]
        start = end


def distinct(values: Hashes) -> Hashes:
    """Return what differs, in order, and change `values`: `np.unique` takes thrice the time."""
    values.sort()
    fresh = np.ones(len(values), dtype=bool)
    fresh[1:] = values[1:] != values[:-1]
    return values[fresh]


_TABLES: dict[str, npt.NDArray[np.uint32]] = {}


def _table(name: str) -> npt.NDArray[np.uint32]:
    """Look up a property of the characters of the basic plane: made once, 65,536 entries."""
    if name not in _TABLES:
        characters = [chr(code) for code in range(BMP)]
        if name == "alnum":
            _TABLES[name] = np.array([c.isalnum() for c in characters], dtype=bool)
        else:
            _TABLES[name] = np.array([ord(c.lower()[0]) for c in characters], dtype=np.uint32)
    return _TABLES[name]
