"""Groups are joined from copies, works and translations, and splits are dealt to them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate.assigned import Assigned
from hearth.curate.copies import Copies
from hearth.curate.database import parquet, places
from hearth.curate.index import Index
from hearth.curate.keys import ContentKey, Domain, fraction
from hearth.curate.plan import SPLITS, Groups, Split, UnionFind, assign
from hearth.curate.spec import CurateSpec
from hearth.parquet import streamed

NAMES: Final = "groups.parquet"
"""The names of groups, by their numbers, in the index's folder."""
_ROWS: Final = 8_192
_SCHEMA: Final = pa.schema([("set", pa.uint32()), ("name", pa.string())])


def deal(
    index: Index,
    copies: Copies,
    candidates: npt.NDArray[np.bool_],
    spec: CurateSpec,
    key: ContentKey,
    assigned: Assigned,
) -> None:
    """Give groups to candidates, and splits and folds to those of them that stay.

    Args:
        index: All documents; its arrays are changed.
        copies: Who is a copy of whom.
        candidates: Which documents might have stayed, had they no copies.
        spec: The shares.
        key: Under which groups are named.
        assigned: The splits that an earlier corpus assigned.

    Raises:
        DataError: Too few groups are left to fill every split.
    """
    hashed = _group(index, copies, candidates, key)
    staying = np.flatnonzero(index.live)
    group = index.group[staying]
    shares = {Split.VALIDATION: spec.split.validation, Split.TEST: spec.split.test}
    splits = assign(
        Groups(
            index.languages,
            index.language[staying],
            index.characters[staying],
            group,
            hashed,
            assigned.of(index, candidates, len(hashed)),
        ),
        shares,
        spec.split.largest_held_out,
    )
    index.split[staying] = splits[group]
    folds = np.full(len(hashed), -1, dtype=np.int8)
    for number, name in names(index):
        if splits[number] == SPLITS.index(Split.TRAIN):
            folds[number] = int(fraction(key.name(Domain.FOLD, name)) * spec.perplexity.folds)
    index.fold[staying] = folds[group]


def names(index: Index) -> Iterator[tuple[int, str]]:
    """Yield the numbers and names of groups, in order."""
    with streamed(index.folder / NAMES) as file:
        number = 0
        for batch in file.iter_batches(_ROWS):
            for name in batch.column("name").to_pylist():
                yield number, name
                number += 1


def _group(
    index: Index, copies: Copies, candidates: npt.NDArray[np.bool_], key: ContentKey
) -> npt.NDArray[np.float64]:
    """Number the groups by their names; return the hash of each name as a number below 1.

    The name of a group is the smallest keyed hash among its works and parallel ids, so that a group
    keeps its name while its works do.
    """
    sets = UnionFind(len(index))
    # By sets, not by pairs: what a withdrawn copy joined stays together.
    members = np.flatnonzero(candidates & copies.crowded)
    members = members[np.argsort(copies.near[members], kind="stable")]
    same = copies.near[members][1:] == copies.near[members][:-1]
    for one, other in zip(members[:-1][same].tolist(), members[1:][same].tolist(), strict=True):
        sets.union(one, other)
    for token in ("work", "parallel"):
        query = (
            f"SELECT place, first FROM (SELECT place, min(place) OVER (PARTITION BY {token}) "  # noqa: S608
            f"AS first FROM {parquet(index.documents)} SEMI JOIN candidates USING (place) "
            f"WHERE {token} IS NOT NULL) WHERE place <> first"
        )
        for found in index.database.columns(query, candidates=places(candidates)):
            for place, first in zip(*(column.tolist() for column in found), strict=True):
                sets.union(first, place)
    set_of = sets.names()
    _write_tokens(index, set_of, candidates, key)
    query = (
        'SELECT "set", min(name) AS name FROM '  # noqa: S608
        f'{parquet(index.folder / "tokens.parquet")} GROUP BY "set" ORDER BY name'
    )
    number_of = np.zeros(len(index), dtype=np.uint32)
    parts: list[npt.NDArray[np.float64]] = [np.empty(0)]
    done = 0
    with pq.ParquetWriter(index.folder / NAMES, pa.schema([("name", pa.string())])) as file:
        for batch in index.database.batches(query):
            numbers = np.arange(done, done + batch.num_rows, dtype=np.uint32)
            number_of[batch.column(0).to_numpy()] = numbers
            found_names = batch.column(1).to_pylist()
            parts.append(np.array([fraction(key.name(Domain.GROUP, n)) for n in found_names]))
            file.write_table(pa.table({"name": found_names}))
            done += batch.num_rows
    index.group[candidates] = number_of[set_of[candidates]]
    return np.concatenate(parts)


def _write_tokens(
    index: Index,
    set_of: npt.NDArray[np.uint32],
    candidates: npt.NDArray[np.bool_],
    key: ContentKey,
) -> None:
    """Write the keyed hashes of works and parallel ids, each with the set that it is in."""
    with (
        streamed(index.documents) as documents,
        pq.ParquetWriter(index.folder / "tokens.parquet", _SCHEMA, compression="none") as file,
    ):
        for batch in documents.iter_batches(_ROWS, columns=["place", "work", "parallel"]):
            rows: list[tuple[Any, str]] = []
            for place, work, parallel in zip(
                *(column.to_pylist() for column in batch.columns), strict=True
            ):
                if candidates[place]:
                    rows.append((set_of[place], key.name(Domain.WORK, work)))
                    if parallel is not None:
                        rows.append((set_of[place], key.name(Domain.PARALLEL, parallel)))
            columns = {"set": [row[0] for row in rows], "name": [row[1] for row in rows]}
            file.write_table(pa.table(columns, schema=_SCHEMA))
