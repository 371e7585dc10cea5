"""Who is a copy of whom: exact copies by content id, near ones by MinHash-LSH among the rest."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

import numpy as np
import numpy.typing as npt

from hearth.curate.banding import link
from hearth.curate.database import parquet
from hearth.curate.index import Index, columns_of
from hearth.curate.near import SMALL, buckets, linked, write_bands
from hearth.curate.plan import UnionFind
from hearth.curate.shelf import Sets
from hearth.curate.spec import CurateSpec

ON_RAY: Final = 1_000_000
"""Documents from which, on Ray, bands are grouped and texts compared by its workers.

A judgement, not a measurement: on one machine DuckDB and this process do it well.
"""


@dataclass
class Copies:
    """Sets of copies among the documents that were live when they were looked for.

    Attributes:
        exact: Of each place, the first place of the same content.
        near: Of each place, the first of its near-duplicates, exact ones among them.
        crowded: Whether there is more than one in its set.
    """

    exact: npt.NDArray[np.uint32]
    near: npt.NDArray[np.uint32]
    crowded: npt.NDArray[np.bool_]


def find_copies(index: Index, spec: CurateSpec) -> Copies:
    """Find the copies among live documents."""
    exact = np.arange(len(index), dtype=np.uint32)
    query = (
        "SELECT place, first FROM (SELECT place, min(place) OVER (PARTITION BY content_id) AS "  # noqa: S608
        f"first FROM {parquet(index.documents)} WHERE step = '') WHERE place <> first"
    )
    for places, first in index.database.columns(query):
        exact[places] = first
    sets = UnionFind(len(index))
    for place in np.flatnonzero(exact != np.arange(len(index))).tolist():
        sets.union(int(exact[place]), place)
    # The first by key speaks for its copies: sources may declare the language differently.
    # Chinese and English share no shingles, so no pair crosses languages.
    bands = index.folder / "bands.parquet"
    write_bands(bands, spec.dedup.bands, _distinct(index, exact))
    shingles = Sets(index.shingles, index.number)
    count, threshold = spec.dedup.bands, spec.dedup.threshold
    # Small buckets come first, whatever their band, so that their order leaves no trace.
    if index.each is not None and len(index) >= ON_RAY:
        link(index.each, bands, count, shingles, threshold, sets)
    else:
        small = buckets(index.database, bands, count, most=SMALL)
        deque(linked(small, shingles, threshold, sets), maxlen=0)
    large = buckets(index.database, bands, count, least=SMALL + 1)
    deque(linked(large, shingles, threshold, sets), maxlen=0)
    near = sets.names()
    return Copies(exact, near, (np.bincount(near, minlength=len(near)) > 1)[near])


def canonical(
    members: npt.NDArray[np.int64],
    sets: npt.NDArray[np.uint32],
    preferred: npt.NDArray[np.uint32],
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.int64]]:
    """Choose the copy that stays, set by set.

    Args:
        members: Places.
        sets: Of each place, the name of its set.
        preferred: Of each place, the order in which copies are preferred.

    Returns:
        The places of the copies that go, and for each that of the one that stays.
    """
    order = members[np.lexsort((preferred[members], sets[members]))]
    names = sets[order]
    first = np.concatenate([[True], names[1:] != names[:-1]])[: len(order)]
    stays = order[first][np.cumsum(first) - 1]
    return order[~first], stays[~first]


def _distinct(
    index: Index, exact: npt.NDArray[np.uint32]
) -> Iterator[tuple[npt.NDArray[np.uint32], bytes]]:
    """Yield places, and their bands' names, of documents that are live and no exact copies."""
    place = np.empty(len(index), dtype=np.uint32)
    place[index.number] = np.arange(len(index), dtype=np.uint32)
    distinct = index.live & (exact == np.arange(len(index)))
    for numbers, bands in columns_of(index.shards, "bands"):
        at = place[numbers]
        keep = distinct[at]
        pieces = [piece for piece, kept in zip(bands, keep.tolist(), strict=True) if kept]
        yield at[keep], b"".join(pieces)
