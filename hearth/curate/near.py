"""Near-duplicates: MinHash-LSH names the candidates, exact Jaccard decides.

Shingles are words for text whose words stand apart and characters for text without spaces.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from hearth.curate.hashing import Hashes, WordHasher, grams, letters, words
from hearth.curate.plan import UnionFind
from hearth.curate.sections import DedupSection
from hearth.curate.spec import Language

SEED: Final = 42
_BUCKET: Final = 64
"""Comparisons of a newcomer to a bucket, at most: a bucket is never quadratic."""


class Shingler:
    """Turns a text into the set of its shingles, as keyed hashes."""

    def __init__(self, section: DedupSection, seed: int) -> None:
        """Use `seed` from the content key: whoever has the hashes cannot guess the shingles."""
        self._section = section
        self._seed = seed
        self._hasher = WordHasher(seed)

    def shingles(self, text: str, language: str) -> Hashes:
        """Return the distinct hashes, sorted; a short text is one shingle."""
        if language == Language.ZH:
            values: npt.NDArray[np.unsignedinteger] = letters(text)[0]
            length = self._section.shingle_characters
        else:
            values = self._hasher.hashes(words(text))
            length = self._section.shingle_words
        return _distinct(grams(values, max(1, min(length, len(values))), self._seed))


def jaccard(one: Hashes, other: Hashes) -> float:
    """Return the share of common shingles; two texts without any are equal."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    union = len(one) + len(other) - common
    return common / union if union else 1.0


def duplicates(
    signatures: npt.NDArray[np.uint32],
    shingles: Sequence[Hashes],
    section: DedupSection,
) -> Iterator[tuple[int, int, float]]:
    """Find pairs of near-duplicates, enough of them to connect what belongs together.

    Pairs that are connected already are not compared. The sets are those that all pairs of a
    bucket would connect, unless a bucket holds so many unlike texts that `_BUCKET` stops it.

    Args:
        signatures: One row a document, of `section.permutations` values.
        shingles: What the signatures were made of.
        section: Bands and threshold.

    Yields:
        Places of the two, the lower first, and their Jaccard.
    """
    sets = UnionFind(len(shingles))
    unlike: set[tuple[int, int]] = set()
    for bucket in _buckets(signatures, section.bands):
        # The members so far, by the name of their set.
        seen: dict[int, list[int]] = defaultdict(list)
        for place in bucket:
            seen[sets.find(place)].append(place)
            left = _BUCKET
            for root in list(seen):
                own = sets.find(place)
                if root == own:
                    continue
                for member in seen[root]:
                    if (member, place) in unlike:
                        continue
                    if not left:
                        break
                    left -= 1
                    likeness = jaccard(shingles[member], shingles[place])
                    if likeness >= section.threshold:
                        sets.union(member, place)
                        seen[sets.find(place)] = seen.pop(root) + seen.pop(own)
                        yield member, place, likeness
                        break
                    unlike.add((member, place))
                if not left:
                    break


def _distinct(values: Hashes) -> Hashes:
    """Return what differs, in order, and change `values`: `np.unique` takes thrice the time."""
    values.sort()
    fresh = np.ones(len(values), dtype=bool)
    fresh[1:] = values[1:] != values[:-1]
    return values[fresh]


def _buckets(signatures: npt.NDArray[np.uint32], bands: int) -> Iterator[list[int]]:
    rows = signatures.shape[1] // bands
    for band in range(bands):
        part = np.ascontiguousarray(signatures[:, band * rows : (band + 1) * rows])
        names = part.view(np.dtype((np.void, part.dtype.itemsize * rows))).ravel()
        _, which, sizes = np.unique(names, return_inverse=True, return_counts=True)
        order = np.argsort(which, kind="stable")
        ends = np.cumsum(sizes)
        for number in np.flatnonzero(sizes > 1):
            yield order[ends[number] - sizes[number] : ends[number]].tolist()
