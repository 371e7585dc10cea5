"""First pass: read, identify the language, normalise, redact, hash. Documents one by one."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.stages.resources import Resources
from nemo_curator.stages.text.modifiers import Modify
from nemo_curator.tasks import DocumentBatch

from hearth.curate.keys import ContentKey
from hearth.curate.ledger import Step
from hearth.curate.near import band_names
from hearth.curate.passes import BATCH, SHARD_ROWS, Pass
from hearth.curate.spec import CurateSpec, Domain
from hearth.curate.stages.apart import Apart
from hearth.curate.stages.clean import CleanText, RepairText, TakeChange
from hearth.curate.stages.hash import HashContent
from hearth.curate.stages.language import IdentifyLanguage
from hearth.curate.stages.marking import SLICE
from hearth.curate.stages.redact import RedactPii
from hearth.curate.stages.reject import RejectUnreadable
from hearth.curate.tables import PREPARED
from hearth.documents import SCHEMA
from hearth.errors import DataError
from hearth.parquet import streamed

_SHARD_BYTES: Final = 32 << 20
"""Of a shard, before compression; a row group of longer documents is cut by rows."""
_BATCH_BYTES: Final = 4 << 20


class Extent(NamedTuple):
    """Consecutive rows of a file: a shard."""

    path: Path
    first: int
    """Row of the file."""
    rows: int
    number: int
    """Of its first document, in the order of arrival."""
    batch: int
    """Rows at a time."""


def readable(paths: Iterable[Path]) -> tuple[list[Path], int]:
    """Check what is to be read.

    Returns:
        The files that hold rows, and how many rows they hold.

    Raises:
        DataError: A file is not Parquet or not of documents.
    """
    files, total = [], 0
    for path in sorted(paths):
        try:
            meta = pq.read_metadata(path)
            schema = meta.schema.to_arrow_schema()
        except (pa.ArrowException, OSError) as error:
            message = f"{path.name}: cannot be read as Parquet ({error}): mirror the sources again"
            raise DataError(message) from error
        for field in SCHEMA:
            there = schema.field(field.name).type if field.name in schema.names else "missing"
            if there not in {pa.string(), pa.large_string()}:
                message = (
                    f"{path.name}: column {field.name!r} is {there}, documents have "
                    f"{field.type}: mirror the sources again with this version of Hearth"
                )
                raise DataError(message)
        if meta.num_rows:
            files.append(path)
            total += meta.num_rows
    return files, total


def extents(files: Iterable[Path], rows: int = SHARD_ROWS) -> Iterator[Extent]:
    """Cut files into shards of so many rows at most."""
    number = 0
    for path in files:
        meta = pq.read_metadata(path)
        groups = [meta.row_group(place) for place in range(meta.num_row_groups)]
        first, waiting, size = 0, 0, 0
        for group in groups:
            full = waiting + group.num_rows > rows or size + group.total_byte_size > _SHARD_BYTES
            if waiting and full:
                yield _extent(path, first, waiting, number, size)
                first, number, waiting, size = first + waiting, number + waiting, 0, 0
            waiting, size = waiting + group.num_rows, size + group.total_byte_size
            each = max(1, size // max(1, waiting))
            most = max(1, min(rows, _SHARD_BYTES // each))
            while waiting > most:
                yield _extent(path, first, most, number, most * each)
                first, number, waiting = first + most, number + most, waiting - most
                size = waiting * each
        if waiting:
            yield _extent(path, first, waiting, number, size)
            number += waiting


def _extent(path: Path, first: int, rows: int, number: int, size: int) -> Extent:
    batch = max(1, min(BATCH, _BATCH_BYTES * rows // max(1, size)))
    return Extent(path, first, rows, number, batch)


def read(extent: Extent) -> Iterator[DocumentBatch]:
    """Read a shard, some rows at a time."""
    start = 0
    with streamed(extent.path) as file:
        groups, skip = [], extent.first
        for place in range(file.num_row_groups):
            size = file.metadata.row_group(place).num_rows
            if start < extent.first + extent.rows and start + size > extent.first:
                groups.append(place)
            elif start + size <= extent.first:
                skip -= size
            start += size
        done = 0
        for batch in file.iter_batches(extent.batch, row_groups=groups, columns=SCHEMA.names):
            part = batch.slice(skip) if skip else batch
            skip = max(0, skip - batch.num_rows)
            part = part.slice(0, extent.rows - done)
            if part.num_rows:
                yield DocumentBatch(
                    dataset_name=extent.path.name,
                    data=pa.Table.from_batches([part]).to_pandas(types_mapper=pd.ArrowDtype),
                    _metadata={
                        "source_files": [str(extent.path)],
                        "first_row": extent.first + done,
                    },
                )
            done += part.num_rows
            if done >= extent.rows:
                return


def stages(spec: CurateSpec, key: ContentKey) -> list[ProcessingStage]:
    """Return the stages of the first pass, over batches of documents."""
    slim = Resources(cpus=SLICE)
    code = [source for source, domain in spec.domains.items() if domain is Domain.CODE]
    cleaner = CleanText(spec.normalise.form, narrow=spec.normalise.narrow, code=code)
    return [
        RejectUnreadable(section=spec.read, required=("source", "work", "licence")),
        IdentifyLanguage(section=spec.language),
        Modify(RepairText(), "text", "clean").with_(resources=slim),
        Modify(cleaner, [["clean", "source"]], "clean").with_(resources=slim),
        TakeChange(),
        RedactPii(section=spec.pii, key=key.pseudonyms),
        HashContent(key=key, section=spec.dedup),
    ]


def prepare(files: Sequence[Path], spec: CurateSpec, key: ContentKey, run: Pass) -> list[Path]:
    """Run the first pass, shard by shard.

    Returns:
        The finished shards, of `PREPARED`, in the order of arrival.
    """

    def table(extent: Extent, results: Iterable[DocumentBatch]) -> pa.Table:
        frames = [task.to_pandas() for task in results]
        return _table(pd.concat(frames, ignore_index=True), extent, spec)

    apart = Apart.of(spec.read, Step.READ, *stages(spec, key))
    return list(run("prepare", [apart], extents(files, run.rows), read, table))


def _table(frame: pd.DataFrame, extent: Extent, spec: CurateSpec) -> pa.Table:
    """Return a shard's documents as they are kept; of those given up, no text is."""
    columns: dict[str, list[Any]] = {name: frame[name].tolist() for name in frame.columns}
    gone = [bool(step) for step in columns["step"]]
    columns["text"] = [
        "" if dropped else text for text, dropped in zip(columns["redacted"], gone, strict=True)
    ]
    columns["size"] = [len(text) for text in columns["text"]]
    columns["number"] = list(range(extent.number, extent.number + len(frame)))
    columns["spans"] = [
        [{"kind": kind, "start": start, "end": end} for kind, start, end in spans]
        for spans in columns["spans"]
    ]
    columns["languages"] = [
        [{"language": language, "characters": count} for language, count in parts]
        for parts in columns["languages"]
    ]
    columns["bands"] = [_bands(data, spec) for data in columns["signature"]]
    columns["passage_bands"] = [_bands(data, spec) for data in columns["passage_signatures"]]
    kept = {field.name: pa.array(columns[field.name], field.type) for field in PREPARED}
    return pa.table(kept, schema=PREPARED)


def _bands(signatures: bytes | None, spec: CurateSpec) -> bytes | None:
    if not signatures:
        return signatures
    rows = np.frombuffer(signatures, dtype=np.uint32).reshape(-1, spec.dedup.permutations)
    return band_names(rows, spec.dedup.bands).tobytes()
