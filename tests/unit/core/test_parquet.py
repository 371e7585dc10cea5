"""Laws of reading Parquet: what was read is let go."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from hearth.parquet import streamed

GROUPS = 32
GROUP_BYTES = 1 << 20


def test_a_file_that_is_streamed_is_never_held_as_a_whole(tmp_path: Path) -> None:
    path = tmp_path / "random.parquet"
    schema = pa.schema([("bytes", pa.binary())])
    with pq.ParquetWriter(path, schema, compression="none", use_dictionary=False) as file:
        for _ in range(GROUPS):
            pieces = [os.urandom(GROUP_BYTES // 16) for _ in range(16)]
            file.write_table(pa.table({"bytes": pieces}, schema=schema))
    before, most, rows = pa.total_allocated_bytes(), 0, 0
    with streamed(path) as file:
        for batch in file.iter_batches(4):
            rows += batch.num_rows
            most = max(most, pa.total_allocated_bytes() - before)
    assert rows == 16 * GROUPS
    assert most < 4 * GROUP_BYTES
