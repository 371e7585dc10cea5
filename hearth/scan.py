"""Look things up in an artifact's Parquet files, in the store: what is not asked is not fetched.

Columns that are not named stay where they are, and so do row groups whose statistics rule the
wanted values out: files sorted by `doc_key` answer for one document in a few kilobytes.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, Final

from hearth.artifact import Output
from hearth.errors import DataError
from hearth.ranges import Ranges
from hearth.storage import Store

_ROWS: Final = 65_536


def scan(
    folder: Store,
    outputs: Iterable[Output],
    columns: Sequence[str],
    *,
    where: str | None = None,
    among: Collection[str] = (),
) -> Iterator[dict[str, Any]]:
    """Yield rows, file by file, in order.

    Args:
        folder: the artifact's folder.
        outputs: its Parquet files that are read. `key=value` folders become columns.
        columns: what is read; a column that a file has not is None.
        where: only rows whose value in this column of strings is among `among`.
        among: the wanted values.

    Raises:
        DataError: a file is not Parquet, or not as its record says.
    """
    for output in outputs:
        yield from _file(folder, output, columns, where, frozenset(among))


def part(output: Output, key: str) -> str | None:
    """Return what an output's `key=value` folder says; None if there is none."""
    for folder in output.name.split("/")[:-1]:
        name, equals, value = folder.partition("=")
        if equals and name == key:
            return value
    return None


def _file(
    folder: Store, output: Output, columns: Sequence[str], where: str | None, among: frozenset[str]
) -> Iterator[dict[str, Any]]:
    import pyarrow as pa  # noqa: PLC0415 - slow to load, and Airflow's parser must not
    import pyarrow.compute as pc  # noqa: PLC0415 - as above

    from hearth.parquet import streamed  # noqa: PLC0415 - as above

    if where is not None and not among:
        return
    parts = {name: part(output, name) for name in columns}
    try:
        with streamed(Ranges(folder, output.path, output.bytes)) as file:
            there = set(file.schema_arrow.names)
            if where is not None and where not in there:
                return
            read = sorted((set(columns) | ({where} if where else set())) & there)
            groups = [
                number
                for number in range(file.num_row_groups)
                if where is None or _may_hold(file.metadata.row_group(number), where, among)
            ]
            if not groups:
                return
            if where is not None:
                values = pa.array(sorted(among), type=file.schema_arrow.field(where).type)
            for batch in file.iter_batches(batch_size=_ROWS, row_groups=groups, columns=read):
                found = batch
                if where is not None:
                    found = batch.filter(pc.is_in(batch.column(where), value_set=values))
                for row in found.to_pylist():
                    yield {name: row.get(name, parts[name]) for name in columns}
    except pa.ArrowException as error:
        message = f"{folder.url(output.path)}: cannot be read as Parquet ({error}): it is damaged"
        raise DataError(message) from error


def _may_hold(group: Any, column: str, among: frozenset[str]) -> bool:
    for number in range(group.num_columns):
        chunk = group.column(number)
        if chunk.path_in_schema == column:
            known = chunk.statistics
            if known is None or not known.has_min_max:
                return True
            return any(known.min <= value <= known.max for value in among)
    return True
