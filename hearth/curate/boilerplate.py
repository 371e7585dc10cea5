"""Lines that a source repeats in document after document: navigation, credits, notices."""

from __future__ import annotations

import hashlib
from collections.abc import Container
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate.database import Database, parquet
from hearth.curate.hashing import letters
from hearth.curate.sections import BoilerplateSection

_SCHEMA = pa.schema([("source", pa.uint16()), ("line", pa.uint64())])
_TOGETHER = 100_000


class Lines(Container[str]):
    """The lines, without white space around them, that enough of a source's documents hold."""

    def __init__(self, hashes: frozenset[int], section: BoilerplateSection) -> None:
        self._hashes = hashes
        self._least = section.characters

    def __contains__(self, line: object) -> bool:
        """Say whether a line is one of them."""
        return (
            isinstance(line, str)
            and bool(self._hashes)
            and len(line) >= self._least
            and _hash(line) in self._hashes
            and len(letters(line)[0]) >= self._least
        )


class LineCounter:
    """Counts in how many of a source's documents a line stands, on scratch."""

    def __init__(self, path: Path, section: BoilerplateSection) -> None:
        self._section = section
        self._path = path
        self._file = pq.ParquetWriter(path, _SCHEMA, compression="none", use_dictionary=False)
        self._sources: list[npt.NDArray[np.uint16]] = []
        self._lines: list[int] = []
        self._totals: dict[int, int] = {}

    def add(self, source: int, text: str) -> None:
        """Count a document of a source."""
        self._totals[source] = self._totals.get(source, 0) + 1
        if self._section.share is None:
            return
        least = self._section.characters
        found = {_hash(line.strip()) for line in text.split("\n") if len(line) >= least}
        self._sources.append(np.full(len(found), source, dtype=np.uint16))
        self._lines += found
        if len(self._lines) >= _TOGETHER:
            self._flush()

    def repeated(self, database: Database) -> dict[int, Lines]:
        """Return the lines that enough documents hold, by source."""
        self._flush()
        self._file.close()
        found: dict[int, set[int]] = {source: set() for source in self._totals}
        share = self._section.share or 1.0
        query = (
            f"SELECT source, line, count(*) FROM {parquet(self._path)} "  # noqa: S608
            f"GROUP BY source, line HAVING count(*) >= {self._section.documents}"
        )
        for columns in database.columns(query):
            for source, line, count in zip(*(c.tolist() for c in columns), strict=True):
                if count >= share * self._totals[source]:
                    found[source].add(line)
        return {s: Lines(frozenset(lines), self._section) for s, lines in found.items()}

    def _flush(self) -> None:
        sources = np.concatenate([np.empty(0, dtype=np.uint16), *self._sources])
        lines = np.array(self._lines, dtype=np.uint64)
        self._file.write_table(pa.table([pa.array(sources), pa.array(lines)], schema=_SCHEMA))
        self._sources, self._lines = [], []


def without(text: str, lines: Container[str]) -> tuple[str, list[tuple[int, int]]]:
    """Cut lines from a text; return what is left, and where they were."""
    kept: list[str] = []
    cut: list[tuple[int, int]] = []
    start = 0
    for line in text.split("\n"):
        if line.strip() in lines:
            cut.append((start, start + len(line)))
        elif line or not kept or kept[-1]:  # no two empty lines in a row are left behind
            kept.append(line)
        start += len(line) + 1
    return ("\n".join(kept).strip("\n"), cut) if cut else (text, cut)


def _hash(line: str) -> int:
    data = line.encode("utf-8", "surrogatepass")
    return int.from_bytes(hashlib.blake2b(data, digest_size=8).digest(), "big")
