"""Who is a copy of whom: exact copies by content id, near ones by MinHash-LSH among the rest."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from hearth.curate import cudf
from hearth.curate.banding import join
from hearth.curate.database import parquet
from hearth.curate.index import Index, columns_of
from hearth.curate.near import linked, write_bands
from hearth.curate.plan import UnionFind
from hearth.curate.sections import DedupEngine, DedupSection
from hearth.curate.sets import Sets
from hearth.curate.spec import CurateSpec


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
    distinct = index.live & (exact == np.arange(len(index)))
    if spec.dedup.engine is DedupEngine.CUDF:
        shingles = Sets(index.shingles, index.number)
        found = cudf.buckets(index, distinct, spec.dedup)
        deque(linked(found, shingles, spec.dedup.threshold, sets), maxlen=0)
    else:
        link_near(index, distinct, spec.dedup, sets)
    near = sets.names()
    return Copies(exact, near, (np.bincount(near, minlength=len(near)) > 1)[near])


def link_near(
    index: Index, distinct: npt.NDArray[np.bool_], section: DedupSection, sets: UnionFind
) -> None:
    """Join near-duplicates: texts that share a band, if their exact Jaccard says so.

    Args:
        index: All documents.
        distinct: The places that are compared.
        section: Bands and threshold.
        sets: Of the places; pairs are joined in them.
    """
    bands = index.folder / "bands.parquet"
    write_bands(bands, section.bands, _bands_of(index, distinct))
    shingles = Sets(index.shingles, index.number)
    join(bands, section, shingles, sets, index.each)


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


def _bands_of(
    index: Index, distinct: npt.NDArray[np.bool_]
) -> Iterator[tuple[npt.NDArray[np.uint32], bytes]]:
    """Yield places, and their bands' names, of some documents."""
    place = np.empty(len(index), dtype=np.uint32)
    place[index.number] = np.arange(len(index), dtype=np.uint32)
    for numbers, bands in columns_of(index.shards, "bands"):
        at = place[numbers]
        keep = distinct[at]
        pieces = [piece for piece, kept in zip(bands, keep.tolist(), strict=True) if kept]
        yield at[keep], b"".join(pieces)
