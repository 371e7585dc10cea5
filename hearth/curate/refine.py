"""Second pass: decontaminate, judge quality, trim by perplexity, count tokens."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from nemo_curator.backends.base import BaseExecutor
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.tasks import DocumentBatch

from hearth.curate.contamination import SuiteItem
from hearth.curate.exposure import Contamination
from hearth.curate.keywords.lists import Entries
from hearth.curate.labelling import label, labelling
from hearth.curate.ledger import Action, Ledger, Step
from hearth.curate.normalise import clean
from hearth.curate.perplexity import NgramModel
from hearth.curate.pii.policy import Treatment
from hearth.curate.plan import Split
from hearth.curate.prepare import BATCH
from hearth.curate.rows import Row, live
from hearth.curate.spec import TOKENS, CurateSpec, Domain
from hearth.curate.stages.clean import RepairText
from hearth.curate.stages.decontaminate import CutContamination
from hearth.curate.stages.perplexity import ScorePerplexity
from hearth.curate.stages.quality import FilterByLanguage, filters_of
from hearth.curate.stages.tokens import CountTokens
from hearth.curate.tails import Limits, Scored, limits, verdict
from hearth.errors import DataError
from hearth.stage.bpe import learn


def suite_items(
    path: Path, questions: Iterable[Path], spec: CurateSpec, pseudonyms: bytes = b""
) -> tuple[SuiteItem, ...]:
    """Read a suite's items, normalised and redacted as documents are.

    Args:
        path: Its `items.parquet`.
        questions: Its `data/*.jsonl`, which say what is asked and what is right.
        spec: How text is normalised and redacted; what would drop a document is redacted.
        pseudonyms: The key of pseudonyms, where there are some.

    Raises:
        DataError: The files are not those of a suite.
    """
    try:
        table = pq.read_table(path, columns=["task", "item", "language", "text"])
    except (pa.ArrowException, KeyError) as error:
        message = f"{path.name}: is not a suite's items ({error}): build the suite again"
        raise DataError(message) from error
    asked = _asked(questions)
    repair = RepairText()
    treat = Treatment(spec.pii, pseudonyms)

    def told(text: str) -> str:
        text = clean(
            repair.modify_document(text), spec.normalise.form, narrow=spec.normalise.narrow
        )
        return treat(text, droppable=False).text

    items = []
    for record in table.to_pylist():
        question, answer = asked.get(record["item"], ("", ""))
        item = SuiteItem(**{**record, "text": told(record["text"])})
        items.append(item._replace(question=told(question), answer=told(answer)))
    return tuple(sorted(items))


def _asked(paths: Iterable[Path]) -> dict[str, tuple[str, str]]:
    """Return question and answer of the items that have choices."""
    found = {}
    for path in sorted(paths):
        try:
            for line in path.read_text(encoding="utf-8").splitlines():
                row = json.loads(line)
                if "choices" in row:
                    found[row["item"]] = (row["context"], row["choices"][row["answer"]])
        except (ValueError, KeyError, IndexError, TypeError) as error:
            message = f"{path.name}: is not a suite's data ({error!r}): build the suite again"
            raise DataError(message) from error
    return found


def judge(
    rows: Sequence[Row],
    items: tuple[SuiteItem, ...],
    spec: CurateSpec,
    executor: BaseExecutor,
    ledger: Ledger,
    entries: Entries = MappingProxyType({}),
) -> Contamination:
    """Decontaminate, filter and tag live rows, and hold them against lists of keywords.

    Returns:
        What was found.
    """
    documents = {row.doc_key: row for row in live(rows)}
    report = Contamination(items)
    stages = [
        CutContamination(items=items, section=spec.decontaminate),
        FilterByLanguage(
            filters=filters_of(spec.quality),
            exempt=_unlike_prose(spec),
        ),
        *labelling(spec, entries),
    ]
    for record in _run("judge", stages, documents.values(), executor):
        row, entered = documents[record["doc_key"]], len(documents[record["doc_key"]].text)
        row.step, row.reason, row.score = record["step"], record["reason"], record["score"]
        report.add(row, entered, record)
        if row.step == Step.DECONTAMINATE:
            decision = row.dropped(entered, row.reason, score=row.score, spans=record["cut"])
            ledger.add(Step.DECONTAMINATE, [decision])
            continue
        row.text = record["text"]
        action = Action.EDITED if record["cut"] else Action.KEPT
        decision = row.kept(entered, len(row.text), action=action, spans=record["cut"])
        ledger.add(Step.DECONTAMINATE, [decision])
        size = len(row.text)
        ledger.add(
            Step.QUALITY,
            [
                row.dropped(size, row.reason, score=row.score)
                if row.step == Step.QUALITY
                else row.kept(size, size)
            ],
        )
        if row.step != Step.QUALITY:
            label(row, record, ledger)
    return report


def trim(
    rows: Sequence[Row],
    spec: CurateSpec,
    executor: BaseExecutor,
    scratch: Path,
    ledger: Ledger,
) -> dict[tuple[str, str], Limits]:
    """Score live rows by perplexity; give up the high tail, except of test, and flag the low one.

    Returns:
        The thresholds of each language and domain, frozen on the train split.
    """
    documents = {row.doc_key: row for row in live(rows)}
    section = spec.perplexity
    trusted: dict[str, list[Row]] = defaultdict(list)
    for row in documents.values():
        if row.split is Split.TRAIN and (not section.trusted or row.source in section.trusted):
            trusted[row.language].append(row)
    models = {}
    for language, known in sorted(trusted.items()):
        models[language] = scratch / f"ngram-{language}.npz"
        NgramModel.fit(((row.text, row.fold) for row in known), section).save(models[language])
    stage = ScorePerplexity(models=models, section=section)
    for record in _run("perplexity", [stage], documents.values(), executor):
        value = record["perplexity"]
        documents[record["doc_key"]].perplexity = None if value is None else float(f"{value:.6g}")
    scored = {key: _scored(row, spec) for key, row in documents.items()}
    thresholds = limits(scored.values(), section)
    for key, row in documents.items():
        action, reason = verdict(scored[key], thresholds, section.exempt)
        size, score = len(row.text), row.perplexity
        if action is Action.DROPPED:
            row.step, row.reason = Step.PERPLEXITY.value, reason
            ledger.add(Step.PERPLEXITY, [row.dropped(size, reason, score=score)])
        else:
            decision = row.kept(size, size, action=action, reason=reason, score=score)
            ledger.add(Step.PERPLEXITY, [decision])
    return thresholds


def _scored(row: Row, spec: CurateSpec) -> Scored:
    domain = str(spec.domain(row.source))
    return Scored(row.language, domain, row.source, row.split, row.perplexity, len(row.text))


def count_tokens(
    rows: Sequence[Row], spec: CurateSpec, executor: BaseExecutor, given: Path | None = None
) -> None:
    """Count the tokens of live rows.

    Args:
        rows: All rows.
        spec: How large a byte-level BPE is learnt from the train split.
        executor: What runs the pipeline.
        given: The `tokenizer.json` that counts instead.
    """
    staying = {row.doc_key: row for row in live(rows)}
    if given is None:
        sample = _sample(list(staying.values()), spec.tokens.sample_characters)
        tokenizer = learn(sample, spec.tokens.vocabulary or TOKENS).to_str()
    else:
        tokenizer = given.read_text(encoding="utf-8")
    stage = CountTokens(tokenizer=tokenizer)
    for record in _run("tokens", [stage], staying.values(), executor):
        row = staying[record["doc_key"]]
        row.tokens, row.words = record["tokens"], record["words"]


def _unlike_prose(spec: CurateSpec) -> frozenset[str]:
    return frozenset(s for s, domain in spec.domains.items() if domain is not Domain.PROSE)


def _sample(rows: Sequence[Row], characters: int) -> Iterator[str]:
    """Yield train documents by content id, which is as good as chance, up to some length."""
    left = characters
    for row in sorted(rows, key=lambda row: row.content_id or ""):
        if row.split is Split.TRAIN and left > 0:
            left -= len(row.text)
            yield row.text


def _run(
    name: str, stages: list[ProcessingStage], rows: Iterable[Row], executor: BaseExecutor
) -> list[dict[str, Any]]:
    """Run stages over rows; return what came out, sorted by key."""
    columns = ("doc_key", "source", "language", "text", "fold")
    values = [[getattr(row, column) for column in columns] for row in rows]
    tasks = [
        DocumentBatch(
            dataset_name=name,
            data=pd.DataFrame(values[start : start + BATCH], columns=list(columns)),
        )
        for start in range(0, len(values), BATCH)
    ]
    if not tasks:
        return []
    results = Pipeline(name=name, stages=stages).run(executor, initial_tasks=tasks)
    records = [record for task in results or [] for record in task.to_pandas().to_dict("records")]
    return sorted(records, key=lambda record: str(record["doc_key"]))
