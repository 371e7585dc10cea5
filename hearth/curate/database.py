"""What is sorted, grouped or joined out of memory: by DuckDB, under a limit, on scratch."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa

MEMORY: Final = "256MB"
"""What DuckDB may hold; the rest of a sort or a join goes to the disk."""
_THREADS: Final = 2
"""More would want more memory each."""
_ROWS: Final = 8_192


class Database:
    """A connection that forgets everything in the end, with a folder for what it cannot hold."""

    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._connection = duckdb.connect(
            config={
                "memory_limit": MEMORY,
                "threads": _THREADS,
                "temp_directory": str(folder),
                "preserve_insertion_order": False,
            }
        )

    def batches(self, query: str, **tables: pa.Table) -> Iterator[pa.RecordBatch]:
        """Run a query; yield what it finds as it comes.

        Args:
            query: In SQL; only its own ORDER BY orders anything.
            tables: By the names that the query calls them.
        """
        cursor = self._connection.cursor()
        try:
            for name, table in tables.items():
                cursor.register(name, table)
            yield from cursor.sql(query).to_arrow_reader(_ROWS)
        finally:
            cursor.close()

    def columns(self, query: str, **tables: pa.Table) -> Iterator[tuple[npt.NDArray[Any], ...]]:
        """Do the same, and yield the columns of each batch, which are numbers."""
        for batch in self.batches(query, **tables):
            yield tuple(column.to_numpy(zero_copy_only=False) for column in batch.columns)


def parquet(*paths: Path) -> str:
    """Return what stands for some Parquet files in a query."""
    return f"read_parquet([{', '.join(map(quoted, paths))}])"


def quoted(path: Path) -> str:
    """Return a path as a string of a query."""
    return "'" + str(path).replace("'", "''") + "'"


def places(mask: npt.NDArray[np.bool_]) -> pa.Table:
    """Return a table, of a column `place`, of where a mask is true."""
    return pa.table({"place": np.flatnonzero(mask).astype(np.uint32)})
