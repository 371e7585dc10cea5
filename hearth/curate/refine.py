"""Second pass: decontaminate, judge quality, trim by perplexity, count tokens."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
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
from hearth.curate.ledger import Action, Ledger, Step
from hearth.curate.normalise import clean
from hearth.curate.perplexity import NgramModel, weighted_quantile
from hearth.curate.pii.policy import Treatment
from hearth.curate.plan import Split
from hearth.curate.prepare import BATCH
from hearth.curate.rows import Row, live
from hearth.curate.spec import CurateSpec, Domain
from hearth.curate.stages.clean import RepairText
from hearth.curate.stages.decontaminate import CutContamination
from hearth.curate.stages.perplexity import ScorePerplexity
from hearth.curate.stages.quality import FilterByLanguage, filters_of
from hearth.errors import DataError


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
) -> Contamination:
    """Decontaminate and filter live rows.

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
            [row.dropped(size, row.reason, score=row.score) if row.step else row.kept(size, size)],
        )
    return report


def trim(
    rows: Sequence[Row],
    spec: CurateSpec,
    executor: BaseExecutor,
    scratch: Path,
    ledger: Ledger,
) -> dict[str, float]:
    """Score live rows by perplexity, and give up the high tail; the test split is never trimmed.

    Returns:
        The threshold of each language, frozen on the train split; languages with too little of it
        have none.
    """
    documents = {row.doc_key: row for row in live(rows)}
    section = spec.perplexity
    train: dict[str, list[Row]] = defaultdict(list)
    for row in documents.values():
        if row.split is Split.TRAIN:
            train[row.language].append(row)
    models = {}
    for language, known in sorted(train.items()):
        models[language] = scratch / f"ngram-{language}.npz"
        NgramModel.fit(((row.text, row.fold) for row in known), section).save(models[language])
    stage = ScorePerplexity(models=models, section=section)
    for record in _run("perplexity", [stage], documents.values(), executor):
        value = record["perplexity"]
        documents[record["doc_key"]].perplexity = None if value is None else float(f"{value:.6g}")
    # Code and mathematics are unlike prose, and no worse for it.
    spared = _unlike_prose(spec).union(section.exempt)
    thresholds = {}
    for language, known in sorted(train.items()):
        scores = [
            (row.perplexity, len(row.text))
            for row in known
            if row.perplexity is not None and row.source not in spared
        ]
        limit = weighted_quantile(scores, section.quantile)
        if limit is not None and len(scores) >= section.min_documents:
            thresholds[language] = limit
    for row in documents.values():
        limit = thresholds.get(row.language)
        size, score = len(row.text), row.perplexity
        tail = limit is not None and score is not None and score > limit
        if tail and row.split is not Split.TEST and row.source not in spared:
            row.step, row.reason = Step.PERPLEXITY.value, "high perplexity"
            ledger.add(Step.PERPLEXITY, [row.dropped(size, row.reason, score=score)])
        else:
            ledger.add(Step.PERPLEXITY, [row.kept(size, size, score=score)])
    return thresholds


def count_tokens(rows: Sequence[Row], spec: CurateSpec) -> None:
    """Count the tokens of live rows by a byte-level BPE trained on the train split only."""
    from tokenizers import Tokenizer, models, pre_tokenizers, trainers  # noqa: PLC0415

    staying = live(rows)
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    trainer = trainers.BpeTrainer(
        vocab_size=spec.tokens.vocabulary,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_sample(staying, spec.tokens.sample_characters), trainer)
    for start in range(0, len(staying), BATCH):
        batch = staying[start : start + BATCH]
        encoded = tokenizer.encode_batch_fast([row.text for row in batch])
        for row, encoding in zip(batch, encoded, strict=True):
            row.tokens = len(encoding.ids)


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
