"""First pass: read, identify the language, normalise, redact, hash. Documents one by one."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from nemo_curator.backends.base import BaseExecutor
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.stages.file_partitioning import FilePartitioningStage
from nemo_curator.stages.resources import Resources
from nemo_curator.stages.text.io.reader.parquet import ParquetReaderStage
from nemo_curator.stages.text.modifiers import Modify
from nemo_curator.tasks import DocumentBatch

from hearth.curate.keys import ContentKey
from hearth.curate.ledger import Action, Decision, Ledger, Step
from hearth.curate.rows import Row
from hearth.curate.spec import CurateSpec, Domain
from hearth.curate.stages.clean import CleanText, RepairText, TakeChange
from hearth.curate.stages.hash import HashContent
from hearth.curate.stages.language import IdentifyLanguage
from hearth.curate.stages.marking import SLICE
from hearth.curate.stages.redact import RedactPii
from hearth.curate.stages.reject import RejectUnreadable
from hearth.documents import SCHEMA
from hearth.errors import DataError

BATCH = 256
"""Documents in a batch: what progress is counted in, and what Ray hands out."""
_ORDER = {step.value: number for number, step in enumerate(Step)}


@dataclass
class SplitBatch(ProcessingStage[DocumentBatch, DocumentBatch]):
    """Split what one file held into batches of some rows."""

    rows: int = BATCH
    name: str = "split_batch"

    def process(self, task: DocumentBatch) -> list[DocumentBatch]:
        """Return the batches, in order."""
        frame = task.to_pandas()
        return [
            DocumentBatch(
                dataset_name=task.dataset_name,
                data=frame.iloc[start : start + self.rows].reset_index(drop=True),
                _metadata=task._metadata,  # noqa: SLF001 - as Curator's own stages hand it on
            )
            for start in range(0, len(frame), self.rows)
        ]


def readable(paths: Iterable[Path]) -> tuple[list[Path], int]:
    """Check the schemas of document files.

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


def stages(paths: Sequence[Path], spec: CurateSpec, key: ContentKey) -> list[ProcessingStage]:
    """Return the stages of the first pass."""
    slim = Resources(cpus=SLICE)
    code = [source for source, domain in spec.domains.items() if domain is Domain.CODE]
    cleaner = CleanText(spec.normalise.form, narrow=spec.normalise.narrow, code=code)
    return [
        FilePartitioningStage(
            file_paths=[str(path) for path in paths], files_per_partition=1
        ).with_(resources=slim),
        ParquetReaderStage(fields=SCHEMA.names).with_(resources=slim),
        SplitBatch().with_(resources=slim),
        RejectUnreadable(section=spec.read, required=("source", "work", "licence")),
        IdentifyLanguage(section=spec.language),
        Modify(RepairText(), "text", "clean").with_(resources=slim),
        Modify(cleaner, [["clean", "source"]], "clean").with_(resources=slim),
        TakeChange(),
        RedactPii(section=spec.pii, key=key.pseudonyms),
        HashContent(key=key, section=spec.dedup),
    ]


def prepare(
    paths: Sequence[Path],
    spec: CurateSpec,
    key: ContentKey,
    executor: BaseExecutor,
    ledger: Ledger,
) -> list[Row]:
    """Run the first pass, and enter its decisions.

    Returns:
        All rows, those given up too, sorted by key, length and content: whatever order the files
        and the executor brought them in.
    """
    rows: list[Row] = []
    tasks = Pipeline(name="prepare", stages=stages(paths, spec, key)).run(executor) if paths else []
    for task in tasks or []:
        frame = task.to_pandas().rename(columns={"redacted": "text"})
        rows += [Row.of(record) for record in frame.to_dict("records")]
    rows.sort(
        key=lambda row: (row.doc_key, -row.characters, row.content_id or "", row.reason or "")
    )
    _reject_twins(rows)
    _enter(rows, spec, ledger)
    return rows


def _reject_twins(rows: Sequence[Row]) -> None:
    """Of rows that share a key the longest stays: a key names one document."""
    taken: set[str] = set()
    for row in rows:
        if row.step == Step.READ:
            continue
        if row.doc_key in taken:
            row.step, row.reason, row.score = Step.READ.value, "key used twice", None
        taken.add(row.doc_key)


def _enter(rows: Sequence[Row], spec: CurateSpec, ledger: Ledger) -> None:
    for row in rows:
        if row.step == Step.READ:
            row.language = row.language or "unknown"
            # What was not read has no content, and what a twin held is nobody's.
            row.content_id = None
        elif row.language not in tuple(spec.language.keep):
            row.language = "other"
    for step in (Step.READ, Step.LANGUAGE, Step.NORMALISE, Step.PII):
        ledger.add(step, [_decision(row, step) for row in rows if _reaches(row, step)])


def _reaches(row: Row, step: Step) -> bool:
    return not row.step or _ORDER[row.step] >= _ORDER[step.value]


def _decision(row: Row, step: Step) -> Decision:
    entered = row.characters if step is Step.PII else row.entered
    if row.step == step:
        return row.dropped(entered, row.reason, score=row.score)
    match step:
        case Step.NORMALISE:
            edited = Action.EDITED if row.changed else Action.KEPT
            return row.kept(entered, row.characters, action=edited)
        case Step.PII:
            edited = Action.EDITED if row.spans else Action.KEPT
            return row.kept(entered, len(row.text), action=edited, spans=row.spans)
        case _:
            return row.kept(entered, entered)
