"""The steps of curation, one after the other."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from nemo_curator.backends.base import BaseExecutor

from hearth.curate import clusters, mixture, tables
from hearth.curate.assigned import Assigned, hand_on
from hearth.curate.boilerplate import cut_boilerplate
from hearth.curate.contamination import SuiteItem
from hearth.curate.contents import contents
from hearth.curate.evidence import evidence
from hearth.curate.keys import ContentKey
from hearth.curate.keywords.lists import Entries
from hearth.curate.labelling import classify
from hearth.curate.ledger import Ledger
from hearth.curate.plan import Split
from hearth.curate.prepare import prepare, readable
from hearth.curate.refine import count_tokens, judge, suite_items, trim
from hearth.curate.repeats import cut_repeats
from hearth.curate.report import report
from hearth.curate.rows import Row, live
from hearth.curate.select import select
from hearth.curate.spec import SPLITS, CurateSpec
from hearth.errors import DataError

Say = Callable[[str], None]
"""Told the name of the step that begins."""


@dataclass(frozen=True)
class Inputs:
    """What a corpus is made from.

    Attributes:
        documents: Parquet files of documents.
        items: A suite's `items.parquet`; None where there is no suite to keep out.
        questions: Its `data/*.jsonl`.
        previous: The folder `splits/` of an earlier corpus, or its `corpus/`.
        entries: Keywords by category.
        tokenizer: The `tokenizer.json` that counts; None: one is learnt from train.
    """

    documents: Sequence[Path]
    items: Path | None = None
    questions: Sequence[Path] = ()
    previous: Path | None = None
    entries: Entries = field(default_factory=dict, repr=False)
    tokenizer: Path | None = None


def curate(
    inputs: Inputs,
    spec: CurateSpec,
    key: ContentKey,
    executor: BaseExecutor,
    out: Path,
    scratch: Path,
    say: Say = lambda _step: None,
) -> tuple[dict[str, Any], list[tuple[Path, int]]]:
    """Turn documents into a corpus.

    Args:
        inputs: What there is.
        spec: What to do.
        key: Under which contents are hashed.
        executor: What runs the pipelines.
        out: Where `corpus/`, `splits/`, `decisions/`, `clusters/`, `removals/`,
            `contamination/` and `report.json` are written.
        scratch: A folder for what is forgotten afterwards; no text is written there.
        say: Told what begins.

    Returns:
        The metrics, and the Parquet files with their rows.

    Raises:
        DataError: An input is not what it should be, or nothing is left.
    """
    ledger = Ledger()
    files, _ = readable(inputs.documents)
    say("prepare")
    rows = prepare(files, spec, key, executor, ledger)
    _not_empty(rows, ledger, "no document could be used")
    say("select")
    assigned = Assigned.none()
    if inputs.previous:
        assigned = Assigned.read(inputs.previous, key.fingerprint)
    members = select(rows, spec, key, ledger, assigned)
    members += cut_repeats(rows, spec, ledger)
    cut_boilerplate(rows, spec, ledger)
    suite: tuple[SuiteItem, ...] = ()
    if inputs.items is not None:
        suite = suite_items(inputs.items, inputs.questions, spec, key.pseudonyms)
    say("judge")
    contamination = judge(rows, suite, spec, executor, ledger, inputs.entries)
    say("perplexity")
    thresholds = trim(rows, spec, executor, scratch, ledger)
    staying = live(rows)
    missing = [split.value for split in Split if not any(r.split is split for r in staying)]
    if missing:
        _fail(ledger, f"nothing is left of {', '.join(missing)}")
    say("tokens")
    count_tokens(rows, spec, executor, inputs.tokenizer)
    classify(staying, ledger)
    say("write")
    said = contamination.report(staying, spec.decontaminate)
    metrics = {
        **report(rows, ledger, members, said),
        **contents(rows, spec, ledger, inputs.entries, thresholds),
    }
    mixture.write(metrics["mixture_weights"], out)
    written = [
        *_write_corpus(staying, spec, out / "corpus"),
        *hand_on(
            out / SPLITS,
            ((row.candidate, row.split) for row in staying),
            key.fingerprint,
            inputs.previous,
        ),
        *ledger.write(out / "decisions"),
        *clusters.write(members, out / "clusters"),
        *clusters.removals(members, out / "removals"),
        *contamination.write(out / "contamination"),
    ]
    full = {
        **metrics,
        **evidence(rows, ledger, members, spec),
        "content_key": key.fingerprint,
        "spec": spec.model_dump(mode="json"),
    }
    text = json.dumps(full, ensure_ascii=False, indent=2, sort_keys=True)
    (out / "report.json").write_text(text + "\n", encoding="utf-8")
    return metrics, written


def _write_corpus(rows: Sequence[Row], spec: CurateSpec, folder: Path) -> list[tuple[Path, int]]:
    written = []
    for split in Split:
        part = [row for row in rows if row.split is split]
        columns: dict[str, list[Any]] = {
            name: [getattr(row, name) for row in part]
            for name in tables.CORPUS.names
            if name not in {"characters", "domain"}
        }
        columns["characters"] = [len(row.text) for row in part]
        columns["domain"] = [str(spec.domain(row.source)) for row in part]
        written += tables.write(folder / f"split={split.value}", tables.CORPUS, columns)
    return written


def _not_empty(rows: Sequence[Row], ledger: Ledger, what: str) -> None:
    if not live(rows):
        _fail(ledger, what)


def _fail(ledger: Ledger, what: str) -> None:
    drops = ", ".join(f"{reason} {count}" for reason, count in ledger.drops().items())
    message = (
        f"corpus: {what} (dropped: {drops or 'nothing'}): "
        "mirror more, or loosen the recipe's `curate` rules"
    )
    raise DataError(message)
