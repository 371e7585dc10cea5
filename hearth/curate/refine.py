"""Third pass: trim by perplexity; and the suite's items, as the second pass looks for them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from nemo_curator.tasks import DocumentBatch

from hearth.curate.contamination import Reading, SuiteItem
from hearth.curate.database import parquet
from hearth.curate.database import places as places_where
from hearth.curate.index import STEPS, Index
from hearth.curate.ledger import Action, Ledger, Step
from hearth.curate.normalise import clean
from hearth.curate.passes import BATCH, Pass
from hearth.curate.perplexity import NgramModel
from hearth.curate.pii.policy import Treatment
from hearth.curate.plan import SPLITS, Split
from hearth.curate.rows import Row
from hearth.curate.spec import TOKENS, CurateSpec, Domain, PerplexitySection
from hearth.curate.stages.apart import Apart
from hearth.curate.stages.clean import RepairText
from hearth.curate.stages.perplexity import ScorePerplexity
from hearth.curate.stages.tokens import CountTokens
from hearth.curate.tables import COUNTED, SCORED
from hearth.curate.tails import HIGH, LOW, Limits, Part, Scored, limits, verdict
from hearth.errors import DataError
from hearth.parquet import streamed
from hearth.stage.bpe import learn


def suite_items(
    path: Path, questions: Iterable[Path], spec: CurateSpec, pseudonyms: bytes = b""
) -> tuple[SuiteItem, ...]:
    """Read a suite's items, normalised and redacted as documents are: of any source.

    Args:
        path: Its `items.parquet`.
        questions: Its `data/*.jsonl`, which say what is asked and what is right.
        spec: How text is normalised and redacted, which may depend on the source; what would drop a
            document is redacted.
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

    def told(text: str, source: str) -> str:
        text = clean(
            repair.modify_document(text),
            spec.normalise.form,
            narrow=spec.normalise.narrow,
            code=spec.domain(source) is Domain.CODE,
        )
        return treat(text, source, droppable=False).text

    items, sources = [], _unlike(spec)
    for record in table.to_pylist():
        said = (record["text"], *asked.get(record["item"], ("", "")))
        readings = [Reading(*(told(text, source) for text in said)) for source in sources]
        first, *others = dict.fromkeys(readings)
        name = (record["task"], record["item"], record["language"])
        items.append(SuiteItem(*name, *first, others=tuple(others)))
    return tuple(sorted(items))


def _unlike(spec: CurateSpec) -> list[str]:
    """Return one source for each way in which documents are treated; first "", for most of them."""
    rules = (source for rule in spec.pii.rules for source in rule.sources)
    ways: dict[tuple[object, ...], str] = {}
    for source in ("", *sorted({*spec.domains, *spec.pii.jurisdictions, *rules})):
        actions = (spec.pii.decide(kind, source) for kind in spec.pii.kinds)
        ways.setdefault((spec.domain(source) is Domain.CODE, *actions), source)
    return list(ways.values())


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


@dataclass(frozen=True)
class Trimmed:
    """What perplexity says of documents.

    Attributes:
        scores: Of each place; NaN where there is none.
        low: Whether a place is flagged as repetition.
        thresholds: Of each language and domain, frozen on the train split.
        poison: By place, why documents go that could not be scored or counted.
    """

    scores: npt.NDArray[np.float64]
    low: npt.NDArray[np.bool_]
    thresholds: dict[Part, Limits]
    poison: dict[int, str]

    @property
    def bytes(self) -> int:
        """Return the bytes that it holds in memory."""
        return self.scores.nbytes + self.low.nbytes

    def enter(self, row: Row, size: int, ledger: Ledger) -> None:
        """Tell the ledger what became of a document that was scored."""
        value = float(self.scores[row.place])
        row.perplexity = None if np.isnan(value) else value
        if row.step:
            row.reason = self.poison.get(row.place, HIGH)
            ledger.add(Step.PERPLEXITY, row.dropped(size, row.reason, score=row.perplexity))
        else:
            low = bool(self.low[row.place])
            action, reason = (Action.FLAGGED, LOW) if low else (Action.KEPT, None)
            kept = row.kept(size, size, action=action, reason=reason, score=row.perplexity)
            ledger.add(Step.PERPLEXITY, kept)


def trim(index: Index, judged: Sequence[Path], spec: CurateSpec, run: Pass) -> Trimmed:
    """Score live documents by perplexity; the high tail goes, except of test.

    Args:
        index: All documents; those of the tail are given up.
        judged: What the second pass left of them.
        spec: How.
        run: Runs the pass.
    """
    section = spec.perplexity
    trusted = index.live & (index.split == SPLITS.index(Split.TRAIN))
    if section.trusted:
        codes = [code for code, name in enumerate(index.sources) if name in section.trusted]
        trusted &= np.isin(index.source, codes)
    poison: dict[int, str] = {}
    # The models are gone before anything else is made of the scores.
    scores = _score(index, judged, _models(index, judged, trusted, section), spec, run, poison)
    live = np.flatnonzero(index.live)
    domains = [str(spec.domain(source)) for source in index.sources]

    def scored(place: np.int64) -> Scored:
        source, value = int(index.source[place]), float(scores[place])
        return Scored(
            index.languages[index.language[place]],
            domains[source],
            index.sources[source],
            SPLITS[index.split[place]],
            None if np.isnan(value) else value,
            int(index.size[place]),
        )

    thresholds = limits(map(scored, live), section)
    low = np.zeros(len(index), dtype=bool)
    for place in live:
        action, _ = verdict(scored(place), thresholds, section.exempt)
        if action is Action.DROPPED:
            index.step[place] = STEPS.index(Step.PERPLEXITY)
        low[place] = action is Action.FLAGGED
    return Trimmed(scores, low, thresholds, poison)


def _models(
    index: Index,
    judged: Sequence[Path],
    trusted: npt.NDArray[np.bool_],
    section: PerplexitySection,
) -> dict[str, NgramModel]:
    """Fit a model for each language of trusted documents."""
    models = {}
    for code, language in sorted(enumerate(index.languages), key=lambda named: named[1]):
        mine = trusted & (index.language == code)
        if mine.any():
            known = ((text, int(index.fold[at])) for at, text in texts_of(judged, mine))
            models[language] = NgramModel.fit(known, section)
    return models


def _score(
    index: Index,
    judged: Sequence[Path],
    models: dict[str, NgramModel],
    spec: CurateSpec,
    run: Pass,
    poison: dict[int, str],
) -> npt.NDArray[np.float64]:
    """Return the perplexity of each place; give up what could not be scored."""
    scores = np.full(len(index), np.nan)

    def table(_path: Path, results: Iterable[DocumentBatch]) -> pa.Table:
        rows = [row for task in results for row in task.to_pandas().to_dict("records")]
        columns = {
            "place": [row["place"] for row in rows],
            "perplexity": [
                None if row["perplexity"] is None else float(f"{row['perplexity']:.6g}")
                for row in rows
            ],
            "reason": [row["reason"] for row in rows],
        }
        return pa.table(columns, schema=SCORED)

    score = ScorePerplexity(models=models)
    stage = Apart.of(spec.read, Step.PERPLEXITY, score)
    for path in run("perplexity", [stage], judged, lambda path: batches(index, path), table):
        found = pq.read_table(path)
        places = found.column("place").to_numpy()
        scores[places] = found.column("perplexity").to_numpy()
        _give_up(index, found, poison)
    return scores


def _give_up(index: Index, found: pa.Table, poison: dict[int, str]) -> None:
    for row in found.filter(pc.is_valid(found["reason"])).to_pylist():
        index.step[row["place"]] = STEPS.index(Step.PERPLEXITY)
        poison[row["place"]] = row["reason"]


def texts_of(judged: Iterable[Path], among: npt.NDArray[np.bool_]) -> Iterator[tuple[int, str]]:
    """Yield the places and texts of some documents, as the second pass left them."""
    for path in judged:
        with streamed(path) as file:
            for batch in file.iter_batches(BATCH, columns=["place", "text"]):
                kept = among[batch.column("place").to_numpy()]
                part = batch.filter(pa.array(kept))
                yield from zip(*(column.to_pylist() for column in part.columns), strict=True)


def count_tokens(
    index: Index,
    judged: Sequence[Path],
    spec: CurateSpec,
    run: Pass,
    trimmed: Trimmed,
    given: Path | None = None,
) -> list[Path]:
    """Count the tokens of live documents; give up, and tell `trimmed`, what cannot be counted.

    Args:
        index: All documents.
        judged: What the second pass left of them.
        spec: How large a byte-level BPE is learnt from the train split.
        run: Runs the pass.
        trimmed: Told of these.
        given: The `tokenizer.json` that counts instead.

    Returns:
        The counts, of `COUNTED`, one file for each of `judged`.
    """
    if given is None:
        tokenizer = learn(_sample(index, judged, spec), spec.tokens.vocabulary or TOKENS).to_str()
    else:
        tokenizer = given.read_text(encoding="utf-8")

    def table(_path: Path, results: Iterable[DocumentBatch]) -> pa.Table:
        rows = [row for task in results for row in task.to_pandas().to_dict("records")]
        columns = {name: [row[name] for row in rows] for name in COUNTED.names}
        return pa.table(columns, schema=COUNTED)

    stage = Apart.of(spec.read, Step.PERPLEXITY, CountTokens(tokenizer=tokenizer))
    files = list(run("tokens", [stage], judged, lambda path: batches(index, path), table))
    for path in files:
        _give_up(index, pq.read_table(path), trimmed.poison)
    return files


def batches(index: Index, path: Path) -> Iterator[DocumentBatch]:
    """Yield what is live of a shard of the second pass."""
    with streamed(path) as file:
        for batch in file.iter_batches(BATCH, columns=["place", "text"]):
            places = batch.column("place").to_numpy()
            stays = index.live[places]
            at = places[stays]
            if len(at):
                columns = {
                    "place": at.tolist(),
                    "text": batch.column("text").filter(pa.array(stays)).to_pylist(),
                    "language": [index.languages[code] for code in index.language[at]],
                    "source": [index.sources[code] for code in index.source[at]],
                    "fold": index.fold[at].tolist(),
                }
                yield DocumentBatch(dataset_name=path.parent.name, data=pd.DataFrame(columns))


def _sample(index: Index, judged: Sequence[Path], spec: CurateSpec) -> list[str]:
    """Return train documents by content id, which is as good as chance, up to some length."""
    train = index.live & (index.split == SPLITS.index(Split.TRAIN))
    query = (
        f"SELECT place FROM {parquet(index.documents)} SEMI JOIN train USING (place) "  # noqa: S608
        "ORDER BY content_id"
    )
    chosen: list[int] = []
    left = spec.tokens.sample_characters
    for (some,) in index.database.columns(query, train=places_where(train)):
        for place in some.tolist():
            if left > 0:
                left -= int(index.size[place])
                chosen.append(place)
        if left <= 0:
            break
    wanted = np.zeros(len(index), dtype=bool)
    wanted[chosen] = True
    texts = dict(texts_of(judged, wanted))
    return [texts[place] for place in chosen]
