"""The steps of curation, one after the other."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hearth.curate import mixture, sketches
from hearth.curate.assigned import Assigned
from hearth.curate.clusters import Clusters
from hearth.curate.contamination import SuiteItem
from hearth.curate.contents import Contents
from hearth.curate.cut import cut_repeats
from hearth.curate.evidence import evidence
from hearth.curate.exposure import Contamination
from hearth.curate.finish import Books, Corpus, finish
from hearth.curate.index import Index
from hearth.curate.indexing import build
from hearth.curate.judge import judge
from hearth.curate.keys import ContentKey
from hearth.curate.keywords.lists import Entries
from hearth.curate.ledger import Ledger
from hearth.curate.passes import Pass
from hearth.curate.plan import SPLITS as PARTS
from hearth.curate.prepare import prepare, readable
from hearth.curate.refine import count_tokens, suite_items, trim
from hearth.curate.report import report
from hearth.curate.select import announce, select
from hearth.curate.spec import SPLITS, CountedBy, CurateSpec
from hearth.curate.stock import Distinct, Stock
from hearth.curate.tables import Written
from hearth.errors import DataError

log = logging.getLogger(__name__)

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
    out: Path,
    run: Pass,
    say: Say = lambda _step: None,
) -> tuple[dict[str, Any], Written]:
    """Turn documents into a corpus.

    Args:
        inputs: What there is.
        spec: What to do.
        key: Under which contents are hashed.
        out: Where `corpus/`, `splits/`, `decisions/`, `clusters/`, `removals/`,
            `sketches/`, `contamination/` and `report.json` are written.
        run: Runs the passes; in its shards' folder, on scratch, lies redacted text.
        say: Told what begins.

    Returns:
        The metrics, and the Parquet files with their rows.

    Raises:
        DataError: An input is not what it should be, or nothing is left.
    """
    files, _ = readable(inputs.documents)
    shards = run.shards
    say("prepare")
    prepared = prepare(files, spec, key, run)
    say("select")
    index = build(prepared, spec, shards.folder, run.each)
    ledger, clusters = Ledger(out / "decisions"), Clusters(shards.folder)
    if not index.live.any():
        announce(index, ledger)
        _fail(ledger, "no document could be used")
    assigned = Assigned()
    if inputs.previous:
        assigned = Assigned.read(inputs.previous, key.fingerprint, shards.folder)
    select(index, spec, key, ledger, clusters, assigned)
    texts = cut_repeats(index, spec, ledger, clusters)
    suite: tuple[SuiteItem, ...] = ()
    if inputs.items is not None:
        suite = suite_items(inputs.items, inputs.questions, spec, key.pseudonyms)
    say("judge")
    contamination = Contamination(suite, out / "contamination")
    judged = judge(index, texts, suite, spec, run, ledger, contamination, inputs.entries)
    say("perplexity")
    trimmed = trim(index, judged, spec, run)
    held = (index.bytes + trimmed.bytes) / len(index)
    log.info("index of %d documents: %.1f bytes each", len(index), held)
    _no_split_empty(index, ledger)
    say("tokens")
    counted = count_tokens(index, judged, spec, run, trimmed, inputs.tokenizer)
    say("write")
    here = shards.folder / "here.parquet"
    corpus = Corpus(spec, out / "corpus", here)
    stock, contents = Stock(spec), Contents(spec, inputs.entries)
    books = Books(ledger, contamination, corpus, stock, contents)
    finish(index, judged, counted, trimmed, books)
    written = [
        *corpus.close(),
        *assigned.hand_on(index.database, out / SPLITS, here, key.fingerprint),
        *ledger.close(),
        *clusters.write(index.database, out / "clusters", out / "removals"),
        *sketches.write(index, out / "sketches", spec.dedup, key),
        *contamination.close(),
    ]
    distinct, said = Distinct.of(index), contamination.report(spec.decontaminate)
    metrics = {
        **report(stock, distinct, ledger, clusters, said),
        **contents.report(ledger, trimmed.thresholds),
        "tokenizer": (CountedBy.BASE if inputs.tokenizer else CountedBy.SAMPLE).value,
    }
    mixture.write(metrics["mixture_weights"], out)
    full = {
        **metrics,
        **evidence(stock, distinct, ledger, clusters, spec),
        "content_key": key.fingerprint,
        "spec": spec.model_dump(mode="json"),
    }
    text = json.dumps(full, ensure_ascii=False, indent=2, sort_keys=True)
    (out / "report.json").write_text(text + "\n", encoding="utf-8")
    return metrics, written


def _no_split_empty(index: Index, ledger: Ledger) -> None:
    held = np.bincount(index.split[index.live], minlength=len(PARTS))
    missing = [split.value for split, count in zip(PARTS, held, strict=True) if not count]
    if missing:
        _fail(ledger, f"nothing is left of {', '.join(missing)}")


def _fail(ledger: Ledger, what: str) -> None:
    drops = ", ".join(f"{reason} {count}" for reason, count in ledger.drops().items())
    message = (
        f"corpus: {what} (dropped: {drops or 'nothing'}): "
        "mirror more, or loosen the recipe's `curate` rules"
    )
    raise DataError(message)
