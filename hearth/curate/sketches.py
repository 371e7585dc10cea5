"""Sketches: the least shingles of a text, by which near copies of it are known without it.

A corpus keeps one of every document that was hashed, and a withdrawal puts those of what it buries
into tombstones: near copies that come later are found even if no source has the document any more.
The hashes are keyed as shingles are, and of each the upper half is kept. Up to `LEAST` shingles the
Jaccard is exact; above, it is the share of common ones among the `LEAST` least of both texts, an
estimate with a standard deviation below 0.04 (bottom-k sketches: Cohen and Kaplan 2007).
"""

from __future__ import annotations

import base64
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hearth.curate import tables
from hearth.curate.hashing import Hashes
from hearth.curate.index import Index
from hearth.curate.keys import ContentKey
from hearth.curate.sections import DedupSection
from hearth.curate.sets import Sets
from hearth.curate.spec import CurateSpec, Grave
from hearth.lock import Sketch
from hearth.parquet import streamed

LEAST: Final = 128
_PROBED: Final = 16
"""Of a sketch: a near copy shares one of these all but surely (from Jaccard 0.3 on: 0.9999)."""
_ROWS: Final = 2_048
_HALF: Final = np.uint64(32)

Least = npt.NDArray[np.uint32]


def halves(shingles: Hashes) -> Least:
    """Return the upper halves of shingles, which are sorted, each once."""
    return np.unique((shingles >> _HALF).astype(np.uint32))


def least(shingles: Hashes) -> bytes:
    """Return what a sketch holds: the least halves, four bytes each, little-endian."""
    return halves(shingles)[:LEAST].astype("<u4").tobytes()


class Sketches:
    """The sketches of tombstones that were made as this corpus makes its own."""

    def __init__(self, graves: Iterable[Grave], section: DedupSection, key: ContentKey) -> None:
        """Take the sketches that can be compared; `blind` says which cannot."""
        self._threshold = section.threshold
        self._known: list[tuple[Least, int]] = []
        self._probes: dict[int, list[int]] = defaultdict(list)
        for grave in graves:
            if grave.sketch is None or not _comparable(grave, section, key):
                continue
            least = np.frombuffer(base64.b64decode(grave.sketch.least), dtype="<u4")
            for value in least[:_PROBED].tolist():
                self._probes[value].append(len(self._known))
            self._known.append((least, grave.sketch.shingles))
        self._values = np.array(sorted(self._probes), dtype=np.uint32)

    def __bool__(self) -> bool:
        """Say whether there are any."""
        return bool(self._known)

    def bury(self, shingles: Hashes) -> bool:
        """Say whether a text with these shingles is a near copy of what was withdrawn."""
        own = halves(shingles)
        if not len(own):
            return False
        at = np.searchsorted(self._values, own)
        met = own[self._values[np.minimum(at, len(self._values) - 1)] == own]
        candidates = {number for value in met.tolist() for number in self._probes[value]}
        return any(self._likeness(number, own) >= self._threshold for number in candidates)

    def _likeness(self, number: int, own: Least) -> float:
        least, count = self._known[number]
        union = np.union1d(least, own)
        if count > LEAST:
            # All shingles of the withdrawn text are known only up to its last one here.
            union = union[:LEAST]
        common = np.isin(union, least) & np.isin(union, own)
        return int(common.sum()) / len(union)


def blind(spec: CurateSpec, key: ContentKey) -> tuple[int, int]:
    """Return how many tombstones of a spec cannot find what they bury.

    Returns:
        Those by a content that was not, or not surely, hashed under `key`; and those sketches
        that were made of other shingles than the spec's.
    """
    named = [grave for grave in spec.tombstones if grave.of_content]
    other = [grave for grave in named if grave.key != key.fingerprint]
    unlike = [
        grave
        for grave in named
        if grave.sketch and grave not in other and not _comparable(grave, spec.dedup, key)
    ]
    return len(other), len(unlike)


def write(index: Index, folder: Path, section: DedupSection, key: ContentKey) -> tables.Written:
    """Write the sketches of all documents that were hashed, in the order of their keys."""
    writer = tables.Writer(folder, tables.SKETCHES)
    sets = Sets(index.shingles, index.number)
    same = {
        "content_key": key.fingerprint,
        "words": section.shingle_words,
        "characters": section.shingle_characters,
    }
    with streamed(index.documents) as file:
        for batch in file.iter_batches(_ROWS, columns=["place", "doc_key", "content_id"]):
            rows = [row for row in batch.to_pylist() if row["content_id"]]
            own = [sets[row["place"]] for row in rows]
            columns: dict[str, list[Any]] = {
                **{name: [row[name] for row in rows] for name in ("doc_key", "content_id")},
                **{name: [value] * len(rows) for name, value in same.items()},
                "shingles": [len(shingles) for shingles in own],
                "least": [least(shingles) for shingles in own],
            }
            writer.add(columns)
    return writer.close()


def _comparable(grave: Grave, section: DedupSection, key: ContentKey) -> bool:
    sketch = grave.sketch
    return (
        isinstance(sketch, Sketch)
        and grave.key == key.fingerprint
        and (sketch.words, sketch.characters) == (section.shingle_words, section.shingle_characters)
    )
