"""Find the paragraphs that stand elsewhere too, and say of whom they are copies."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate import paragraphs
from hearth.curate.banding import join
from hearth.curate.clusters import Clusters, Level, Member, diameter
from hearth.curate.database import parquet
from hearth.curate.index import Index, columns_of
from hearth.curate.near import jaccard
from hearth.curate.paragraphs import DIGEST
from hearth.curate.parts import PARTS, CopyWriter, Found
from hearth.curate.plan import HELDNESS, SPLITS, UnionFind
from hearth.curate.sets import Sets
from hearth.curate.spec import CurateSpec
from hearth.shelf import Shelf

_NUMBER: Final = (1 << 32) - 1


class Copy(NamedTuple):
    """A paragraph that goes, by its document's place and its number."""

    place: int
    number: int
    reason: str


class Repeats:
    """The paragraphs of live documents, and which of them repeat others."""

    def __init__(self, index: Index, spec: CurateSpec) -> None:
        """Look for them; what is found lies on scratch."""
        self._index = index
        self._section = spec.dedup
        held = np.array([HELDNESS.index(split) for split in SPLITS], dtype=np.uint8)[index.split]
        self._held = held
        live = np.flatnonzero(index.live)
        order = live[np.lexsort((index.preferred[live], held[live]))]
        self._place_of = order.astype(np.uint32)
        self._rank_of = np.zeros(len(index), dtype=np.uint32)
        self._rank_of[order] = np.arange(len(order), dtype=np.uint32)
        self._digests = Shelf(index.folder, "digests")
        self._passages = Shelf(index.folder, "passages")
        self._parts = index.folder / "parts.parquet"
        self._long = index.folder / "passages.parquet"
        self._exact = index.folder / "exact.parquet"
        self._near = index.folder / "near.parquet"
        self._read()
        self._find_exact()
        self._find_near()

    def copies(self) -> Iterator[Copy]:
        """Yield the paragraphs that go, in the order of their documents and numbers."""
        query = (
            f"SELECT place, key, reason FROM {parquet(self._exact, self._near)} "  # noqa: S608
            "ORDER BY place, key"
        )
        for batch in self._index.database.batches(query):
            for place, key, reason in zip(*(c.to_pylist() for c in batch.columns), strict=True):
                yield Copy(place, key & _NUMBER, reason)

    def describe(self, clusters: Clusters) -> None:
        """Tell of the clusters of copies."""
        # An exact copy's original may itself be a near copy of another paragraph.
        query = f"""
            WITH copies AS (
                SELECT c.key, c.reason, c.likeness, coalesce(n.original, c.original) AS root,
                    CASE c.reason WHEN '{paragraphs.NEAR}' THEN 2 ELSE 1 END AS turn
                FROM {parquet(self._exact, self._near)} AS c
                LEFT JOIN {parquet(self._near)} AS n ON c.original = n.key
            ), members AS (
                SELECT * FROM copies UNION ALL
                SELECT DISTINCT root, 'stays', 1.0, root, 0 FROM copies
            )
            SELECT root, key, reason, likeness, long.number AS passage
            FROM members LEFT JOIN {parquet(self._long)} AS long USING (key)
            ORDER BY root, turn, key
        """  # noqa: S608 - names of ours
        rows = (
            row
            for batch in self._index.database.batches(query)
            for row in zip(*(column.to_pylist() for column in batch.columns), strict=True)
        )
        for root, members in groupby(rows, key=lambda row: row[0]):
            self._describe(root, list(members), clusters)

    def _describe(self, root: int, rows: list[tuple[Any, ...]], clusters: Clusters) -> None:
        digests = [self._digest(row[1]) for row in rows]
        distinct = {d: row[4] for d, row in zip(digests, rows, strict=True) if row[4] is not None}
        width = diameter(Sets(self._passages, np.array(list(distinct.values()), dtype=np.uint32)))
        stays = self._index.key(self._place(root))
        for _, key, reason, likeness, _ in rows:
            clusters.add(
                Member(
                    cluster=min(digests).hex(),
                    level=Level.PARAGRAPH,
                    reason=reason,
                    doc_key=self._index.key(self._place(key)),
                    paragraph=key & _NUMBER,
                    canonical=stays,
                    canonical_paragraph=root & _NUMBER,
                    likeness=likeness,
                    diameter=width,
                )
            )

    def _place(self, key: int) -> int:
        return int(self._place_of[key >> 32])

    def _digest(self, key: int) -> bytes:
        number = key & _NUMBER
        found = self._digests[int(self._index.number[self._place(key)])]
        return found[number * DIGEST : (number + 1) * DIGEST]

    def _read(self) -> None:
        """Write what the first pass knows of paragraphs in the order of arrival."""
        index, bands = self._index, self._section.bands
        place_of = np.empty(len(index), dtype=np.uint32)
        place_of[index.number] = np.arange(len(index), dtype=np.uint32)
        live = index.live
        names = [f"b{band}" for band in range(bands)]
        fields = [("number", pa.uint32()), ("key", pa.uint64())]
        schema = pa.schema([*fields, *((name, pa.uint64()) for name in names)])
        with (
            pq.ParquetWriter(self._parts, PARTS, compression="none") as parts,
            pq.ParquetWriter(self._long, schema, compression="none", use_dictionary=False) as long,
        ):
            for numbers, *columns in columns_of(
                index.shards, "paragraphs", "passages", "passage_shingles", "passage_bands"
            ):
                places = place_of[numbers]
                found = Found()
                for place, digests, passages, shingles, signed in zip(
                    places.tolist(), *columns, strict=True
                ):
                    self._digests.append(digests or b"")
                    if live[place]:
                        found.add(place, int(self._rank_of[place]), digests, passages, signed)
                        sizes = np.frombuffer(passages, dtype=np.int64)[1::2]
                        for end, size in zip(np.cumsum(sizes), sizes, strict=True):
                            self._passages.append(shingles[8 * (end - size) : 8 * end])
                parts.write_table(found.parts())
                done = len(self._passages) - len(found.long)
                long.write_table(found.passages(done, bands, schema))

    def _find_exact(self) -> None:
        """Find equal paragraphs: what is long enough goes, and the one that is preferred stays."""
        parts = parquet(self._parts)
        query = (
            f"SELECT place, key, first FROM {parts} JOIN (SELECT high, low, min(key) AS first "  # noqa: S608
            f"FROM {parts} GROUP BY high, low HAVING count(*) > 1) USING (high, low) "
            "WHERE key <> first ORDER BY place, key"
        )
        rows = (
            row
            for columns in self._index.database.columns(query)
            for row in zip(*(column.tolist() for column in columns), strict=True)
        )
        with CopyWriter(self._exact) as file:
            for place, mine in groupby(rows, key=lambda row: row[0]):
                text = self._index.texts[int(self._index.number[place])].decode()
                where = paragraphs.spans(text)
                for _, key, first in mine:
                    start, end = where[key & _NUMBER]
                    leaks = self._held[self._place(first)] < self._held[place]
                    reason = paragraphs.why(
                        text[start:end], self._section.paragraphs, leaks=bool(leaks)
                    )
                    if reason:
                        file.add(place, key, first, reason, 1.0)

    def _find_near(self) -> None:
        """Find near copies among the paragraphs that stay."""
        few = self._index.folder / "few.parquet"
        keys, numbers = self._number_few(few)
        sets = UnionFind(len(keys))
        shingles = Sets(self._passages, numbers)
        join(few, self._section, shingles, sets, self._index.each)
        # A set is named by its first member, which is the one that is preferred.
        names = sets.names()
        with CopyWriter(self._near) as file:
            for place in np.flatnonzero(names != np.arange(len(names))).tolist():
                root, key = int(names[place]), int(keys[place])
                likeness = jaccard(shingles[root], shingles[place])
                at = self._place(key)
                file.add(at, key, int(keys[root]), paragraphs.NEAR, likeness)

    def _number_few(self, path: Path) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint32]]:
        """Write passages that share a band with another; return their keys and numbers, in order.

        They are few, so all that follows is small.
        """
        database, long = self._index.database, parquet(self._long)
        few = np.zeros(len(self._passages), dtype=bool)
        names = [f"b{band}" for band in range(self._section.bands)]
        for name in names:
            query = (
                f"SELECT number FROM {long} WHERE {name} IN "  # noqa: S608 - names of ours
                f"(SELECT {name} FROM {long} GROUP BY {name} HAVING count(*) > 1)"
            )
            for (numbers,) in database.columns(query):
                few[numbers] = True
        table = pa.table({"number": np.flatnonzero(few).astype(np.uint32)})
        query = (
            f"SELECT key, number, {', '.join(names)} FROM (SELECT * FROM {long} "  # noqa: S608
            f"SEMI JOIN few USING (number)) ANTI JOIN {parquet(self._exact)} AS exact USING (key) "
            "ORDER BY key"
        )
        keys: list[npt.NDArray[np.uint64]] = [np.empty(0, dtype=np.uint64)]
        numbers_of: list[npt.NDArray[np.uint32]] = [np.empty(0, dtype=np.uint32)]
        schema = pa.schema([("place", pa.uint32()), *((name, pa.uint64()) for name in names)])
        done = 0
        with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as file:
            for batch in database.batches(query, few=table):
                keys.append(batch.column("key").to_numpy())
                numbers_of.append(batch.column("number").to_numpy())
                places = pa.array(np.arange(done, done + batch.num_rows, dtype=np.uint32))
                columns = [places, *(batch.column(name) for name in names)]
                file.write_table(pa.table(columns, schema=schema))
                done += batch.num_rows
        return np.concatenate(keys), np.concatenate(numbers_of)
