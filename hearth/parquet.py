"""Parquet files, read batch by batch."""

from __future__ import annotations

from io import RawIOBase
from pathlib import Path
from typing import IO

import pyarrow.parquet as pq


def streamed(source: Path | IO[bytes] | RawIOBase) -> pq.ParquetFile:
    """Open a file for `iter_batches`, which holds no more of it than a row group.

    pyarrow fetches ahead unless it is told not to, and holds all that it fetched until the end: of
    a file that is read from front to back, the whole.

    Raises:
        pyarrow.ArrowException: It is not Parquet.
        OSError: It cannot be read.
    """
    return pq.ParquetFile(source, pre_buffer=False)
