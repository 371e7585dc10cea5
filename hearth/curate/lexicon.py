"""Hashes of words, looked up many at once.

Text is mostly words that were met before. So words are found by their bytes, some thousand at a
time, in a table that holds the keyed hash of each, and only new ones are hashed. The hashes are
those of `WordHasher`, and the words those of `words`.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import Final

import numpy as np
import numpy.typing as npt

from hearth.curate.hashing import Hashes, WordHasher, alphanumeric, codes, mix, runs

_BITS: Final = 18
_SLOTS: Final = 1 << _BITS
_ROOM: Final = _SLOTS // 2
"""Words that the table holds before it begins anew."""
_SHIFT: Final = np.uint64(64 - _BITS)
_WIDE: Final = 8
"""Bytes of a word that are looked at together."""
_MASKS: Final = np.array([(1 << 8 * size) - 1 for size in range(_WIDE + 1)], dtype=np.uint64)
_TOGETHER: Final = 1 << 16
"""Bytes of text that are looked at together: what is made of them stays in the cache."""
_TWO, _THREE, _FOUR = 0x80, 0x800, 0x10000
"""Code points from which a character takes so many bytes of UTF-8."""
_GAP, _PLAIN, _OTHER = range(3)
_KINDS: Final = bytes(
    (_PLAIN if chr(code).isalnum() else _GAP) if code < _TWO else _OTHER for code in range(0x100)
)
"""Of each byte of UTF-8: whether it is in no word, in one of ASCII, or perhaps in another."""
_BETWEEN: Final = "\n"
"""Stands between texts that are read as one."""

Places = npt.NDArray[np.int64]


class Lexicon:
    """Hashes the words of texts as a `WordHasher` does, in a fourth of the time."""

    def __init__(self, hasher: WordHasher, seed: int) -> None:
        """Take what is new from `hasher`; nobody without `seed` can make words look alike."""
        self._hasher = hasher
        self._seed = np.uint64(seed)
        self._keys: Hashes = np.zeros(_SLOTS, dtype=np.uint64)
        # Nothing whose key is 0 may be taken for known: no key of this slot equals this one.
        self._keys[0] = 1 << 63
        self._values: Hashes = np.zeros(_SLOTS, dtype=np.uint64)
        self._held = 0

    def hashes(self, texts: Sequence[str]) -> list[Hashes]:
        """Return, for each text, one hash a word, in order."""
        return [each for some in runs(texts, _TOGETHER) for each in self._together(some)]

    def _together(self, texts: Sequence[str]) -> list[Hashes]:
        joined = _BETWEEN.join(("", *texts, ""))
        data = joined.encode("utf-8", "surrogatepass")
        kinds = np.frombuffer(data.translate(_KINDS), dtype=np.uint8)
        if len(data) == len(joined):
            lengths = [len(text) + 1 for text in texts]
            edges = np.flatnonzero(kinds[1:] != kinds[:-1]) + 1
            starts, ends = edges[::2], edges[1::2]
        else:
            lengths = [len(text.encode("utf-8", "surrogatepass")) + 1 for text in texts]
            kinds = _without_signs(kinds, joined)
            edges = np.flatnonzero(kinds[1:] != kinds[:-1]) + 1
            starts, ends = edges[kinds[edges] != _GAP], edges[kinds[edges - 1] != _GAP]
        values = self._known(data, starts, ends)
        bounds = [0, *np.searchsorted(starts, np.cumsum(lengths)).tolist()]
        return [values[first:last] for first, last in pairwise(bounds)]

    def _known(self, data: bytes, starts: Places, ends: Places) -> Hashes:
        """Look words up by where they start and end; hash those that are new."""
        keys = self._named(data, starts, ends)
        slots = (keys >> _SHIFT).view(np.int64)
        values: Hashes = self._values[slots]
        missing = np.flatnonzero(self._keys[slots] != keys)
        if len(missing):
            words = [
                data[start:end].decode("utf-8", "surrogatepass")
                for start, end in zip(starts[missing].tolist(), ends[missing].tolist(), strict=True)
            ]
            values[missing] = self._hasher.hashes(words)
            self._remember(slots[missing], keys[missing], values[missing])
        return values

    def _named(self, data: bytes, starts: Places, ends: Places) -> Hashes:
        """Return 64 bits for each word: words of up to eight bytes have names of their own.

        Two longer ones share a name about never, and then are taken for the same.
        """
        # At every byte, that one and the seven after it.
        eights: npt.NDArray[np.uint64] = np.ndarray(
            len(data), np.dtype("<u8"), data + bytes(_WIDE), strides=(1,)
        )
        sizes = ends - starts
        names = mix(eights[starts] & _MASKS[np.minimum(sizes, _WIDE)], self._seed)
        longer, done = np.flatnonzero(sizes > _WIDE), _WIDE
        while len(longer):
            left = sizes[longer] - done
            more = eights[starts[longer] + done] & _MASKS[np.minimum(left, _WIDE)]
            names[longer] = mix(more, names[longer])
            longer, done = longer[left > _WIDE], done + _WIDE
        return names

    def _remember(self, slots: Places, keys: Hashes, values: Hashes) -> None:
        """Put words where there is room: those that come first are the frequent ones."""
        if self._held > _ROOM:
            self._keys[1:] = 0
            self._held = 0
        free = self._keys[slots] == 0
        slots, first = np.unique(slots[free], return_index=True)
        self._keys[slots] = keys[free][first]
        self._values[slots] = values[free][first]
        self._held += len(slots)


def _without_signs(kinds: npt.NDArray[np.uint8], text: str) -> npt.NDArray[np.uint8]:
    """Take the bytes of what is neither ASCII nor a letter or digit out of the words."""
    points = codes(text)
    at = np.flatnonzero(points >= _TWO)
    wide = points[at]
    more = 1 + (wide >= _THREE).astype(np.int64) + (wide >= _FOUR)
    first = at + np.cumsum(more) - more
    signs = ~alphanumeric(wide)
    first, more = first[signs], more[signs]
    kinds = kinds.copy()
    for byte in range(4):
        kinds[first[more >= byte] + byte] = _GAP
    return kinds
