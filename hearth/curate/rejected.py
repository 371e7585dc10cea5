"""The documents that curation dropped, as the reject area keeps them: found again, and redacted.

They are made from the mirror's documents and the decisions, so that no step carries on what an
earlier one dropped. Their text is normalised and treated as the recipe's policy says; what made the
policy drop a document is redacted. What is withdrawn is not kept here either.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from itertools import groupby
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, NamedTuple

import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate.database import Database, parquet, quoted
from hearth.curate.keys import ContentKey
from hearth.curate.keys import Domain as Hashed
from hearth.curate.ledger import Action
from hearth.curate.near import Shingler
from hearth.curate.pii.policy import Treatment
from hearth.curate.sketches import Sketches
from hearth.curate.spec import CurateSpec, Domain, Language
from hearth.curate.stages.clean import CleanText, RepairText
from hearth.documents import read_documents
from hearth.lock import TombstoneKind, names_of
from hearth.policy import REJECTS
from hearth.profile import RejectArea
from hearth.rejects import Area, Made
from hearth.s3 import WORKED
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
    area = Area(RejectArea.model_validate(context.job.settings[REJECTS]), retries=WORKED)
    # Now, and not after hours of work whose end it would be.
    area.ask(context.job.fingerprint)
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
    drops, paths = _drops(decisions, steps), sorted(documents)
    if drops is None or not paths:
        return []
    folder.mkdir(parents=True, exist_ok=True)
    database = Database(folder / "spilled")
    keeper = _Keeper(spec, key)
    written = []
    for path, found in _dropped(paths, drops, database):
        local = folder / f"part-{paths.index(path):05d}.parquet"
        rows = (keeper.row(row, drop) for row, drop in found)
        if count := _write(local, (row for row in rows if row is not None)):
            written.append((local, count))
    return written


def _drops(decisions: Path, steps: Iterable[str]) -> str | None:
    """Return a query for what some steps dropped, one row a document; None if there is no step."""
    found = [
        f"SELECT doc_key, '{step}' AS said, coalesce(reason, 'unknown') AS reason "  # noqa: S608
        f"FROM {parquet(*paths)} WHERE action = '{Action.DROPPED.value}'"
        for step in steps
        if (paths := sorted((decisions / f"step={step}").glob("*.parquet")))
    ]
    return " UNION ALL ".join(found) or None


def _dropped(
    paths: Sequence[Path], drops: str, database: Database
) -> Iterator[tuple[Path, Iterator[tuple[dict[str, Any], _Drop]]]]:
    """Yield the files that have dropped documents, each with those, as they come."""
    # Only numbers of rows are joined and sorted: a text may be larger than what DuckDB may hold.
    query = (
        "SELECT filename, file_row_number AS row, any_value(said) AS said, "  # noqa: S608
        f"any_value(d.reason) AS reason FROM read_parquet([{', '.join(map(quoted, paths))}], "
        f"filename = true, file_row_number = true) JOIN ({drops}) d USING (doc_key) "
        "GROUP BY filename, row ORDER BY filename, row"
    )
    waiting = (row for batch in database.batches(query) for row in batch.to_pylist())
    for name, found in groupby(waiting, itemgetter("filename")):
        yield Path(name), _rows(Path(name), found)


def _rows(path: Path, found: Iterator[dict[str, Any]]) -> Iterator[tuple[dict[str, Any], _Drop]]:
    drop = next(found, None)
    for number, row in enumerate(read_documents([path], _COLUMNS)):
        if drop is None:
            return
        if drop["row"] == number:
            yield row, _Drop(drop["said"], drop["reason"])
            drop = next(found, None)


class _Keeper:
    """Makes of a document what the area keeps of it."""

    def __init__(self, spec: CurateSpec, key: ContentKey) -> None:
        code = [source for source, domain in spec.domains.items() if domain is Domain.CODE]
        self._repair = RepairText()
        self._clean = CleanText(spec.normalise.form, narrow=spec.normalise.narrow, code=code)
        self._treat = Treatment(spec.pii, key.pseudonyms)
        self._key = key
        self._sources: set[str] = set()
        self._names: set[str] = set()
        for grave in spec.tombstones:
            of = self._sources if grave.kind is TombstoneKind.SOURCE else self._names
            of.add(grave.value)
        self._sketches = Sketches(spec.tombstones, spec.dedup, key)
        self._shingler = Shingler(spec.dedup, key.seed(Hashed.SHINGLE))

    def row(self, row: Mapping[str, Any], drop: _Drop) -> dict[str, Any] | None:
        """Return a row of `SCHEMA`; None for what is withdrawn."""
        text = self._clean.modify_document(self._repair.modify_document(row["text"]), row["source"])
        # Its own decision has none, for what is dropped is not hashed; a withdrawal may know it.
        content_id = self._key.content_id(text)
        if self._withdrawn(row["doc_key"], content_id, text):
            return None
        return {
            "doc_key": row["doc_key"],
            "content_id": content_id,
            "source": row["source"],
            "step": drop.step,
            "reason": drop.reason,
            "text": self._treat(text, row["source"], droppable=False).text,
        }

    def _withdrawn(self, doc_key: str, content_id: str, text: str) -> bool:
        if doc_key.partition(":")[0] in self._sources:
            return True
        if not self._names.isdisjoint((*names_of(doc_key), content_id)):
            return True
        # Its language is not known here: its shingles are those of one or of the other.
        return bool(self._sketches) and any(
            self._sketches.bury(self._shingler.shingles(text, language)) for language in Language
        )


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
