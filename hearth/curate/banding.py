"""Near-duplicates among very many documents: workers of a cluster group bands and compare texts.

Only buckets that are small enough for every pair to be compared are handed out. What they connect
does not depend on the order in which it is found, so the sets are the same as in one process.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt

from hearth.curate.hashing import Hashes
from hearth.curate.near import SMALL, Places, buckets, linked, named, pairs
from hearth.curate.plan import UnionFind
from hearth.curate.sections import DedupSection

Each = Callable[[Callable[..., Any], Iterable[tuple[Any, ...]]], Iterator[Any]]
"""Calls a function with each of some arguments, somewhere; yields what was returned, in order."""

ON_RAY: Final = 1_000_000
"""Places from which a cluster, if there is one, groups bands and compares texts.

On two processors this process was still faster at as many (`benchmarks/README.md`): it is for the
clusters that so many documents are curated on.
"""
_SENT: Final = 8 << 20
"""Bytes of shingles that are compared together."""


class Candidates(NamedTuple):
    """Buckets, and all that is needed to compare their members."""

    members: Places
    """Places, bucket by bucket."""
    ends: npt.NDArray[np.int64]
    """Where each bucket ends among them."""
    places: Places
    """The members, each once, in order."""
    stops: npt.NDArray[np.int64]
    """Where the shingles of each of those end."""
    shingles: Hashes
    threshold: float


def join(
    bands: Path,
    section: DedupSection,
    shingles: Sequence[Hashes],
    sets: UnionFind,
    each: Each | None,
) -> None:
    """Join near-duplicates: what shares a band, if its exact Jaccard says so.

    Args:
        bands: What `write_bands` wrote.
        section: How many bands there are, and the threshold.
        shingles: Of each place; on a cluster they are carried to the workers.
        sets: Of the places; pairs are joined in them.
        each: Calls on a cluster, if there is one: so many places are worth the way.
    """
    if each is None or len(sets) < ON_RAY:
        deque(pairs(bands, section, shingles, sets), maxlen=0)
        return
    grouped = each(small_buckets, named(bands, range(section.bands)))
    handed = _handed_out(grouped, shingles, section.threshold, sets)
    for found in each(connected, ((candidates,) for candidates in handed)):
        for one, other in found.tolist():
            sets.union(one, other)
    large = buckets(bands, range(section.bands), least=SMALL + 1)
    deque(linked(large, shingles, section.threshold, sets), maxlen=0)


def small_buckets(names: Hashes, places: Places) -> tuple[Places, npt.NDArray[np.int64]]:
    """Group places by the names of their bands, in a worker.

    Returns:
        The places that share a name with few others, bucket by bucket, and where buckets end.
    """
    order = np.lexsort((places, names))
    ordered = names[order]
    starts = np.flatnonzero(np.concatenate([[True], ordered[1:] != ordered[:-1]])[: len(ordered)])
    sizes = np.diff(np.append(starts, len(ordered)))
    good = (sizes > 1) & (sizes <= SMALL)
    return places[order][np.repeat(good, sizes)], np.cumsum(sizes[good])


def connected(candidates: Candidates) -> Places:
    """Compare the members of buckets, in a worker; return the pairs that connect them, by place."""
    members = np.searchsorted(candidates.places, candidates.members)
    buckets = (part.tolist() for part in np.split(members, candidates.ends[:-1]))
    sets = np.split(candidates.shingles, candidates.stops[:-1])
    found = linked(buckets, sets, candidates.threshold, UnionFind(len(sets)))
    pairs = np.array([(one, other) for one, other, _ in found], dtype=np.int64).reshape(-1, 2)
    return candidates.places[pairs]


def _handed_out(
    grouped: Iterable[tuple[Places, npt.NDArray[np.int64]]],
    shingles: Sequence[Hashes],
    threshold: float,
    sets: UnionFind,
) -> Iterator[Candidates]:
    """Collect buckets whose members are not known to be connected yet."""
    waiting: list[Places] = []
    known: dict[int, Hashes] = {}
    size = 0
    for members, ends in grouped:
        start = 0
        for end in ends.tolist():
            bucket = members[start:end]
            start = end
            places = bucket.tolist()
            if len({sets.find(place) for place in places}) == 1:
                continue
            waiting.append(bucket)
            for place in places:
                if place not in known:
                    known[place] = shingles[place]
                    size += known[place].nbytes
            if size >= _SENT:
                yield _candidates(waiting, known, threshold)
                waiting, known, size = [], {}, 0
    if waiting:
        yield _candidates(waiting, known, threshold)


def _candidates(
    buckets: Sequence[Places], known: dict[int, Hashes], threshold: float
) -> Candidates:
    places = sorted(known)
    return Candidates(
        np.concatenate(buckets),
        np.cumsum([len(bucket) for bucket in buckets]),
        np.array(places, dtype=np.uint32),
        np.cumsum([len(known[place]) for place in places]),
        np.concatenate([known[place] for place in places]),
        threshold,
    )
