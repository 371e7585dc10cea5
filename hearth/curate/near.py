"""Near-duplicates: MinHash-LSH names the candidates, exact Jaccard decides.

Shingles are words for text whose words stand apart and characters for text without spaces.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate.hashing import Hashes, WordHasher, distinct, grams, letters, words
from hearth.curate.plan import UnionFind
from hearth.curate.sections import DedupSection
from hearth.curate.spec import Language
from hearth.parquet import streamed

SEED: Final = 42
_BUCKET: Final = 64
"""Comparisons of a newcomer to a bucket, at most: a bucket is never quadratic."""
SMALL: Final = _BUCKET + 1
"""Members of a bucket up to which every pair is compared."""
_REMEMBERED: Final = 1 << 18
"""Unlike pairs that are not compared again in another band: some 100 bytes each."""
_NAMES: Final = 1 << 20
"""Names of a band that are grouped together: some 60 bytes each while they are sorted."""
_PLACE_BITS: Final = 32
_MULTIPLIER: Final = np.uint64(0x9E3779B97F4A7C15)

Places = npt.NDArray[np.uint32]


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
        return distinct(grams(values, max(1, min(length, len(values))), self._seed))


def jaccard(one: Hashes, other: Hashes) -> float:
    """Return the share of common shingles; two texts without any are equal."""
    common = len(np.intersect1d(one, other, assume_unique=True))
    union = len(one) + len(other) - common
    return common / union if union else 1.0


def linked(  # noqa: C901 - as one loop it can be read
    buckets: Iterable[Sequence[int]], shingles: Sequence[Hashes], threshold: float, sets: UnionFind
) -> Iterator[tuple[int, int, float]]:
    """Find pairs of near-duplicates, enough of them to connect what belongs together.

    Pairs that are connected already are not compared. The sets are those that all pairs of a
    bucket would connect, unless a bucket holds so many unlike texts that `_BUCKET` stops it.

    Args:
        buckets: Places of texts that are candidates of each other, in order.
        shingles: Of each place; read when they are asked for.
        threshold: From which exact Jaccard two texts are near-duplicates.
        sets: Of the places; pairs are joined in them.

    Yields:
        Places of the two, the lower first, and their Jaccard.
    """
    unlike: set[int] = set()
    for bucket in buckets:
        if len(unlike) > _REMEMBERED:
            unlike.clear()
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
                    pair = member << _PLACE_BITS | place
                    if pair in unlike:
                        continue
                    if not left:
                        break
                    left -= 1
                    likeness = jaccard(shingles[member], shingles[place])
                    if likeness >= threshold:
                        sets.union(member, place)
                        seen[sets.find(place)] = seen.pop(root) + seen.pop(own)
                        yield member, place, likeness
                        break
                    unlike.add(pair)
                if not left:
                    break


def pairs(
    bands: Path, section: DedupSection, shingles: Sequence[Hashes], sets: UnionFind
) -> Iterator[tuple[int, int, float]]:
    """Find enough pairs to connect what shares a band and is alike, as `linked` yields them.

    Args:
        bands: What `write_bands` wrote.
        section: How many bands there are, and the threshold.
        shingles: Of each place.
        sets: Of the places; pairs are joined in them.
    """
    crowded: list[int] = []

    def small() -> Iterator[list[int]]:
        for band in range(section.bands):
            larger = False
            for bucket in buckets(bands, [band]):
                if len(bucket) <= SMALL:
                    yield bucket
                else:
                    larger = True
            if larger:
                crowded.append(band)

    # Small buckets come first, whatever their band, so that their order leaves no trace.
    yield from linked(small(), shingles, section.threshold, sets)
    large = buckets(bands, crowded, least=SMALL + 1)
    yield from linked(large, shingles, section.threshold, sets)


def band_names(signatures: npt.NDArray[np.uint32], bands: int) -> npt.NDArray[np.uint64]:
    """Return 64 bits for each band of each signature: equal bands have equal names.

    Unequal ones share a name about never, and then are only compared.
    """
    values = signatures.reshape(len(signatures), bands, -1).astype(np.uint64)
    names = np.full(values.shape[:2], SEED, dtype=np.uint64)
    for row in range(values.shape[2]):
        names = (names ^ values[:, :, row]) * _MULTIPLIER
        names ^= names >> np.uint64(29)
    return names


def write_bands(path: Path, count: int, parts: Iterable[tuple[Places, bytes]]) -> None:
    """Write what `buckets` reads: places, and `count` names of bands for each."""
    schema = pa.schema([("place", pa.uint32()), *((f"b{n}", pa.uint64()) for n in range(count))])
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as file:
        for places, raw in parts:
            names = np.frombuffer(raw, dtype=np.uint64).reshape(len(places), count)
            columns = [pa.array(np.ascontiguousarray(names[:, band])) for band in range(count)]
            file.write_table(pa.table([pa.array(places), *columns], schema=schema))


def buckets(bands: Path, which: Iterable[int], *, least: int = 2) -> Iterator[list[int]]:
    """Yield the texts that share a band, one band at a time.

    Args:
        bands: What `write_bands` wrote.
        which: The numbers of bands.
        least: Texts of a bucket, at least.
    """
    for names, places in named(bands, which):
        order = np.lexsort((places, names))
        yield from runs(names[order], places[order], least)


def named(bands: Path, which: Iterable[int]) -> Iterator[tuple[Hashes, Places]]:
    """Yield names and places, band by band, so many at once that those of one name are together.

    Sorted here, few of them take no time; a database's query takes the same for few as for many.

    Args:
        bands: What `write_bands` wrote.
        which: The numbers of bands.
    """
    with streamed(bands) as file:
        parts = np.uint64(1 + file.metadata.num_rows // _NAMES)
        for band in which:
            for part in range(int(parts)):
                names, places = [np.empty(0, np.uint64)], [np.empty(0, np.uint32)]
                for batch in file.iter_batches(columns=["place", f"b{band}"]):
                    some = batch.column(f"b{band}").to_numpy()
                    mine = some % parts == part
                    names.append(some[mine])
                    places.append(batch.column("place").to_numpy()[mine])
                yield np.concatenate(names), np.concatenate(places)


def runs(names: npt.NDArray[np.integer], places: Places, least: int = 2) -> Iterator[list[int]]:
    """Yield the places of equal names, `least` or more; names are sorted."""
    starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]])[: len(names)])
    ends = np.append(starts[1:], len(names))
    for number in np.flatnonzero(ends - starts >= least):
        yield places[starts[number] : ends[number]].tolist()
