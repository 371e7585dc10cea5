"""The documents that curation dropped, as the reject area keeps them: found again, and redacted.

They are made from the mirror's documents and the decisions, so that no step carries on what an
earlier one dropped. Their text is normalised and treated as the recipe's policy says; what made the
policy drop a document is redacted. What is withdrawn is not kept here either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate.keys import ContentKey
from hearth.curate.ledger import Action
from hearth.curate.pii.policy import Treatment
from hearth.curate.spec import CurateSpec, Domain
from hearth.curate.stages.clean import CleanText, RepairText
from hearth.documents import read_documents
from hearth.lock import TombstoneKind, names_of
from hearth.policy import REJECTS
from hearth.profile import RejectArea
from hearth.rejects import Area, Made
from hearth.stage.context import Context

SCHEMA: Final = pa.schema(
    [
        pa.field("doc_key", pa.string(), nullable=False),
        pa.field("content_id", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("step", pa.string(), nullable=False),
        pa.field("reason", pa.string(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
    ]
)
"""One row a document that was dropped."""

_ROWS: Final = 1_024
_COLUMNS: Final = ("doc_key", "source", "text")


class _Drop(NamedTuple):
    step: str
    reason: str


def area_of(context: Context) -> Area | None:
    """Return the job's reject area, which answers; None if it has none.

    Raises:
        SpecError: The area is not there, or refuses access.
        TransientError: It does not answer.
    """
    if REJECTS not in context.job.settings:
        return None
    area = Area(RejectArea.model_validate(context.job.settings[REJECTS]))
    # Now, and not after hours of work whose end it would be.
    area.held(context.job.fingerprint)
    return area


def keep(
    context: Context,
    area: Area | None,
    documents: Sequence[Path],
    out: Path,
    spec: CurateSpec,
    key: ContentKey,
) -> dict[str, Any] | None:
    """Put what was dropped into a reject area; say where, or None if there is none.

    Args:
        context: Of the stage.
        area: The job's.
        documents: The mirror's files.
        out: Where the corpus's `decisions/` lie.
        spec: Of the corpus.
        key: Under which contents are hashed, and become pseudonyms.
    """
    if area is None:
        return None
    settings = area.settings
    files = write_rejected(
        documents, out / "decisions", settings.steps, spec, key, context.scratch / REJECTS
    )
    said = {
        "documents": sum(rows for _, rows in files),
        "steps": list(settings.steps),
        "retention_days": settings.retention_days,
        "object_lock": settings.object_lock,
        "uri": None,
        "until": None,
    }
    if not files:
        return said
    made = Made(
        fingerprint=context.job.fingerprint,
        corpus=context.job.artifact,
        attempt=context.job.attempt,
        build=context.job.build,
        recipe=context.job.name,
    )
    record = area.write(made, files, datetime.now(UTC))
    return said | {"uri": area.uri(made), "until": record.until.isoformat(timespec="seconds")}


def write_rejected(
    documents: Sequence[Path],
    decisions: Path,
    steps: Iterable[str],
    spec: CurateSpec,
    key: ContentKey,
    folder: Path,
) -> list[tuple[Path, int]]:
    """Write the documents that some steps dropped.

    Args:
        documents: The mirror's files.
        decisions: The folder `decisions/` of the corpus.
        steps: Whose drops are written; none before the one that redacts.
        spec: Of the corpus.
        key: Under which contents are hashed, and become pseudonyms.
        folder: Where `part-*.parquet` are written.

    Returns:
        The files, with the rows of each; none where nothing was dropped.
    """
    drops = _drops(decisions, steps)
    if not drops:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    written = []
    for number, path in enumerate(sorted(documents)):
        rows = _rejected(path, drops, spec, key)
        local = folder / f"part-{number:05d}.parquet"
        if count := _write(local, rows):
            written.append((local, count))
    return written


def _drops(decisions: Path, steps: Iterable[str]) -> dict[str, _Drop]:
    found: dict[str, _Drop] = {}
    for step in steps:
        for path in sorted((decisions / f"step={step}").glob("*.parquet")):
            with pq.ParquetFile(path) as file:
                for batch in file.iter_batches(columns=["doc_key", "action", "reason"]):
                    found |= {
                        row["doc_key"]: _Drop(step, row["reason"] or "unknown")
                        for row in batch.to_pylist()
                        if row["action"] == Action.DROPPED
                    }
    return found


def _withdrawn(doc_key: str, content_id: str, spec: CurateSpec) -> bool:
    names = {*names_of(doc_key), content_id}
    return any(
        grave.value == doc_key.partition(":")[0]
        if grave.kind is TombstoneKind.SOURCE
        else grave.value in names
        for grave in spec.tombstones
    )


def _rejected(
    path: Path, drops: Mapping[str, _Drop], spec: CurateSpec, key: ContentKey
) -> Iterator[dict[str, Any]]:
    code = [source for source, domain in spec.domains.items() if domain is Domain.CODE]
    repair = RepairText()
    clean = CleanText(spec.normalise.form, narrow=spec.normalise.narrow, code=code)
    treat = Treatment(spec.pii, key.pseudonyms)
    for row in read_documents([path], _COLUMNS):
        drop = drops.get(row["doc_key"])
        if drop is None:
            continue
        text = clean.modify_document(repair.modify_document(row["text"]), row["source"])
        # Its own decision has none, for what is dropped is not hashed; a withdrawal may know it.
        content_id = key.content_id(text)
        if _withdrawn(row["doc_key"], content_id, spec):
            continue
        yield {
            "doc_key": row["doc_key"],
            "content_id": content_id,
            "source": row["source"],
            "step": drop.step,
            "reason": drop.reason,
            "text": treat(text, row["source"], droppable=False).text,
        }


def _write(path: Path, rows: Iterator[dict[str, Any]]) -> int:
    count = 0
    held: list[dict[str, Any]] = []
    with pq.ParquetWriter(path, SCHEMA, compression="zstd", store_schema=False) as writer:
        for row in rows:
            held.append(row)
            if len(held) == _ROWS:
                writer.write_table(pa.Table.from_pylist(held, SCHEMA))
                count, held = count + len(held), []
        writer.write_table(pa.Table.from_pylist(held, SCHEMA))
    return count + len(held)
