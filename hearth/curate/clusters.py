"""Who was a copy of whom: every cluster of copies, with its members and how far they lie apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from hearth.curate import tables
from hearth.curate.hashing import Hashes
from hearth.curate.near import jaccard

_PAIRS: Final = 48
"""Members up to which all pairs are compared."""


class Level(StrEnum):
    """What is a copy of what."""

    DOCUMENT = "document"
    PARAGRAPH = "paragraph"


@dataclass(frozen=True, slots=True)
class Member:
    """One document, or one paragraph of one, in a cluster of copies.

    Attributes:
        cluster: The least keyed hash of its members.
        reason: Why it belongs here: the reason that its decision gives, or "stays".
        canonical: The doc_key of the copy that stayed; None where a withdrawn or reserved text
            took all of them along.
        likeness: Jaccard with the canonical copy.
        diameter: The largest Jaccard distance between two members of the cluster.
    """

    cluster: str
    level: Level
    reason: str
    doc_key: str
    paragraph: int | None
    canonical: str | None
    canonical_paragraph: int | None
    likeness: float | None
    diameter: float


def diameter(shingles: Sequence[Hashes]) -> float:
    """Return the largest Jaccard distance between two of some sets.

    Exact up to `_PAIRS` sets. Above, a lower bound by two sweeps, as for graphs: from the first to
    the set farthest from it, and from there to the farthest.
    """
    if len(shingles) <= _PAIRS:
        likeness = [
            jaccard(one, other)
            for place, one in enumerate(shingles)
            for other in shingles[place + 1 :]
        ]
        return 1 - min(likeness, default=1.0)
    far = shingles[0]
    distance = 0.0
    for _ in range(2):
        likeness = [jaccard(far, other) for other in shingles]
        distance = max(distance, 1 - min(likeness))
        far = shingles[likeness.index(min(likeness))]
    return distance


def removals(members: Sequence[Member], folder: Path) -> list[tuple[Path, int]]:
    """Write `part-*.parquet`: the documents that went because a copy of them stayed."""
    gone = sorted(
        member.doc_key
        for member in members
        if member.level is Level.DOCUMENT and member.canonical not in {None, member.doc_key}
    )
    return tables.write(folder, tables.REMOVALS, {"id": gone})


def write(members: Sequence[Member], folder: Path) -> list[tuple[Path, int]]:
    """Write `level=<level>/part-*.parquet`, sorted by cluster and member."""
    written = []
    for level in Level:
        rows = sorted(
            (member for member in members if member.level is level),
            key=lambda m: (m.cluster, m.doc_key, -1 if m.paragraph is None else m.paragraph),
        )
        columns: dict[str, list[Any]] = {
            name: [getattr(member, name) for member in rows] for name in tables.CLUSTERS.names
        }
        for name in ("likeness", "diameter"):
            columns[name] = [None if v is None else float(f"{v:.6g}") for v in columns[name]]
        written += tables.write(folder / f"level={level.value}", tables.CLUSTERS, columns)
    return written
