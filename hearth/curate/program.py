"""The program of curation: two Curator pipelines, and between them what needs all documents.

The first reads, identifies, normalises, keys and redacts; from there on only redacted text and
keyed hashes exist. Then copies are found and splits dealt. The second pipeline keeps the suite out
and judges quality. Last, what is most perplexing goes, and tokens are counted.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.text.io.reader import ParquetReader
from nemo_curator.tasks import DocumentBatch

from hearth.curate import plan
from hearth.curate.contamination import SuiteItem
from hearth.curate.executor import executor_for
from hearth.curate.filters import filters_of
from hearth.curate.keys import ContentKey, Domain, fraction
from hearth.curate.ledger import Ledger
from hearth.curate.near import duplicates
from hearth.curate.normalise import clean
from hearth.curate.perplexity import UNSEEN, NgramModel, weighted_quantile
from hearth.curate.pii.redact import detect, redact
from hearth.curate.plan import Candidate, Split, UnionFind
from hearth.curate.publish import write_corpus
from hearth.curate.spec import CONTENT_KEY, CurateSpec
from hearth.curate.stages.base import REASON, STEP
from hearth.curate.stages.clean import Normalise, Redact
from hearth.curate.stages.judge import Decontaminate, ReasonedFilter
from hearth.curate.stages.read import Admit, IdentifyLanguage
from hearth.curate.tokens import count_tokens
from hearth.documents import SCHEMA
from hearth.errors import DataError, SpecError
from hearth.lock import TombstoneKind
from hearth.stage import Context

log = logging.getLogger(__name__)

Row = dict[str, Any]
_STEPS: Final = 7
_KEY_BYTES: Final = 16
_BATCH: Final = 1_000


def run(context: Context) -> dict[str, Any]:
    """Curate the mirror's documents; return the metrics."""
    spec = context.spec
    assert isinstance(spec, CurateSpec)  # noqa: S101 - the harness validated it
    key = _content_key(context)
    ledger = Ledger()

    context.progress("reading", 0, _STEPS, "steps")
    folder = context.input("mirror").fetch("documents/*")
    rows = _first_pass(sorted(folder.rglob("*.parquet")), spec, key)
    ledger.enter(rows)
    alive = ledger.close_pipeline(rows, ("read", "language", "normalise", "pii"))

    context.progress("finding copies", 2, _STEPS, "steps")
    alive = _deduplicate(alive, spec, key, ledger)
    splits = plan.assign(
        [_candidate(row) for row in alive],
        [row["group"] for row in alive],
        {Split.VALIDATION: spec.split.validation, Split.TEST: spec.split.test},
        spec.split.largest_held_out,
        key,
    )
    for row in alive:
        row["split"] = splits[row["group"]]

    context.progress("keeping the suite out, judging quality", 4, _STEPS, "steps")
    items = _suite_items(context.input("suite").open("items.parquet"), spec)
    alive = _second_pass(alive, items, spec)
    alive = ledger.close_pipeline(alive, ("decontaminate", "quality"))

    context.progress("trimming by perplexity", 5, _STEPS, "steps")
    alive, perplexity = _trim(alive, spec, key, ledger)
    _nothing_is_empty(alive)

    context.progress("counting tokens", 6, _STEPS, "steps")
    tokens = count_tokens(alive, spec.tokens)
    metrics = {**ledger.metrics(alive), "perplexity": perplexity, "tokens": tokens}
    write_corpus(context, alive, ledger, metrics)
    context.progress("done", _STEPS, _STEPS, "steps")
    return metrics


def _content_key(context: Context) -> ContentKey:
    secret = context.secret(CONTENT_KEY)
    if len(secret) < _KEY_BYTES:
        message = f"secret {CONTENT_KEY}: is shorter than {_KEY_BYTES} bytes: generate a longer one"
        raise SpecError(message)
    return ContentKey(secret)


def _first_pass(files: list[Path], spec: CurateSpec, key: ContentKey) -> list[Row]:
    for path in files:
        try:
            names = pq.read_schema(path).names
        except (pa.ArrowException, OSError) as error:
            message = f"{path.name}: is not Parquet ({error}): mirror the sources again"
            raise DataError(message) from error
        if missing := [name for name in SCHEMA.names if name not in names]:
            message = f"{path.name}: lacks {', '.join(missing)}: mirror the sources again"
            raise DataError(message)
    buried = frozenset(g.value for g in spec.tombstones if g.kind is TombstoneKind.KEY)
    pipeline = Pipeline(
        name="read-normalise-redact",
        stages=[
            ParquetReader(
                file_paths=[str(path) for path in files],
                files_per_partition=1,
                fields=list(SCHEMA.names),
            ),
            Admit(spec.read, frozenset(spec.reserved), buried),
            IdentifyLanguage(spec.language),
            Normalise(spec.normalise),
            Redact(spec.pii, spec.dedup, key),
        ],
    )
    size = sum(path.stat().st_size for path in files)
    rows = _rows(pipeline.run(executor_for(size)) or [])
    for one, next_ in zip(rows, rows[1:], strict=False):
        if one["doc_key"] == next_["doc_key"]:
            message = f"document {one['doc_key']}: the key came twice: mirror the sources again"
            raise DataError(message)
    return rows


def _second_pass(rows: list[Row], items: list[SuiteItem], spec: CurateSpec) -> list[Row]:
    import pandas as pd  # noqa: PLC0415 - Curator has it loaded by now

    batches = [
        DocumentBatch(
            dataset_name="corpus",
            data=pd.DataFrame(rows[start : start + _BATCH]).astype(object),
        )
        for start in range(0, len(rows), _BATCH)
    ]
    pipeline = Pipeline(
        name="decontaminate-judge",
        stages=[
            Decontaminate(items, spec.decontaminate),
            ReasonedFilter(filters_of(spec.quality)),
        ],
    )
    size = sum(len(row["text"]) for row in rows)
    return _rows(pipeline.run(executor_for(size), initial_tasks=batches) or [])


def _rows(tasks: Iterable[Any]) -> list[Row]:
    rows = []
    for task in tasks:
        for row in task.to_pandas().to_dict("records"):
            # pandas turns None into NaN or NA here and there.
            rows.append({k: None if _is_missing(v) else v for k, v in row.items()})
    return sorted(rows, key=lambda row: row["doc_key"])


def _is_missing(value: Any) -> bool:
    return (
        value is None
        or type(value).__name__ == "NAType"
        or (
            isinstance(value, float) and value != value  # noqa: PLR0124 - NaN
        )
    )


def _candidate(row: Row) -> Candidate:
    return Candidate(
        doc_key=row["doc_key"],
        content_id=row["content_id"],
        source=row["source"],
        work=row["work"],
        parallel=row["parallel"],
        language=row["language"],
        characters=len(row["text"]),
    )


def _deduplicate(rows: list[Row], spec: CurateSpec, key: ContentKey, ledger: Ledger) -> list[Row]:
    """Bury, find copies, choose the ones that stay; name every row's group."""
    if not rows:
        message = "corpus: no document is left before deduplication: see decisions of the steps"
        raise DataError(message)
    candidates = [_candidate(row) for row in rows]
    first: dict[str, int] = {}
    exact = [
        (kept, place)
        for place, candidate in enumerate(candidates)
        if (kept := first.setdefault(candidate.content_id, place)) != place
    ]
    unique = sorted(first.values())
    signatures = np.stack([rows[place]["signature"] for place in unique])
    shingles = [rows[place]["shingles"] for place in unique]
    near = [
        (unique[one], unique[other])
        for one, other, _ in duplicates(signatures, shingles, spec.dedup)
    ]
    for row, group in zip(rows, plan.groups(candidates, [*exact, *near], key), strict=True):
        row["group"] = group
    gone = _graves(candidates, exact, near, spec)
    for step, pairs in (("exact", exact), ("near", near)):
        sets = UnionFind(len(rows))
        for one, other in pairs:
            if one not in gone and other not in gone:
                sets.union(one, other)
        clusters = [members for members in sets.sets().values() if len(members) > 1]
        for place, stays in plan.canonical(candidates, clusters, spec.dedup.trust).items():
            if place not in gone:
                gone[place] = step, "copy", candidates[stays].doc_key
    for place, (step, reason, canonical) in gone.items():
        rows[place][STEP], rows[place][REASON] = step, reason
        rows[place]["canonical"] = canonical
    for row in rows:
        # Nothing needs them any more, and they are most of the memory.
        del row["signature"], row["shingles"]
    return ledger.close_pipeline(rows, ("exact", "near"))


def _graves(
    candidates: list[Candidate],
    exact: list[tuple[int, int]],
    near: list[tuple[int, int]],
    spec: CurateSpec,
) -> dict[int, tuple[str, str, str | None]]:
    """Return the places that tombstones bury: by content, and by likeness to what is buried."""
    content = {g.value for g in spec.tombstones if g.kind is TombstoneKind.CONTENT}
    alike = {g.value for g in spec.tombstones if g.kind is TombstoneKind.NEAR}
    gone: dict[int, tuple[str, str, str | None]] = {}
    sets = UnionFind(len(candidates))
    for one, other in [*exact, *near]:
        sets.union(one, other)
    for members in sets.sets().values():
        names = {candidates[m].content_id for m in members} | {
            candidates[m].doc_key for m in members
        }
        for member in members:
            if candidates[member].content_id in content:
                gone[member] = "exact", "tombstone: content", None
            elif names & alike:
                gone[member] = "near", "tombstone: near", None
    return gone


def _suite_items(path: Path, spec: CurateSpec) -> list[SuiteItem]:
    """Read the suite's items, normalised and redacted as documents are."""
    items = []
    for row in pq.read_table(path).to_pylist():
        text = clean(row["text"], spec.normalise.form)
        text = redact(text, detect(text, spec.pii.kinds))
        items.append(SuiteItem(row["task"], row["item"], row["language"], text))
    return items


def _trim(
    rows: list[Row], spec: CurateSpec, key: ContentKey, ledger: Ledger
) -> tuple[list[Row], dict[str, Any]]:
    """Let the most perplexing of each language go, except from the test split."""
    report: dict[str, Any] = {}
    folds = spec.perplexity.folds
    for language in sorted({row["language"] for row in rows}):
        mine = [row for row in rows if row["language"] == language]
        fold_of = {
            row["doc_key"]: int(fraction(key.name(Domain.FOLD, row["group"])) * folds)
            if row["split"] is Split.TRAIN
            else UNSEEN
            for row in mine
        }
        train = [row for row in mine if fold_of[row["doc_key"]] != UNSEEN]
        model = NgramModel.fit(
            ((row["text"], fold_of[row["doc_key"]]) for row in train), spec.perplexity
        )
        for row in mine:
            row["perplexity"] = model.perplexity(row["text"], fold_of[row["doc_key"]])
        scored = [
            (row["perplexity"], len(row["text"])) for row in train if row["perplexity"] is not None
        ]
        bound = None
        if len(scored) >= spec.perplexity.min_documents and spec.perplexity.quantile < 1:
            bound = weighted_quantile(scored, spec.perplexity.quantile)
        for row in mine:
            value = row["perplexity"]
            if bound is not None and value is not None and value > bound:
                if row["split"] is Split.TEST:
                    continue
                row[STEP], row[REASON] = "perplexity", f"perplexity {value:.4g} > {bound:.4g}"
        report[language] = {
            "bound": bound,
            **{f"p{int(q * 100)}": weighted_quantile(scored, q) for q in (0.05, 0.5, 0.95)},
        }
    return ledger.close_pipeline(rows, ("perplexity",)), report


def _nothing_is_empty(rows: list[Row]) -> None:
    present = {row["split"] for row in rows}
    for split in Split:
        if split not in present:
            message = (
                f"corpus: the {split} split is empty after curation: mirror more text, or loosen "
                "the recipe's rules; the decisions say what went and why"
            )
            raise DataError(message)
