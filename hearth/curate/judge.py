"""Second pass: cut boilerplate, decontaminate, judge quality."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
from nemo_curator.tasks import DocumentBatch

from hearth.curate.boilerplate import without
from hearth.curate.contamination import SuiteItem
from hearth.curate.cut import Texts
from hearth.curate.exposure import Contamination
from hearth.curate.index import STEPS, Index
from hearth.curate.keywords.lists import Entries
from hearth.curate.labelling import enter_keywords, label, labelling
from hearth.curate.ledger import Action, Ledger, Step
from hearth.curate.passes import BATCH, Pass
from hearth.curate.rows import Row
from hearth.curate.spec import CurateSpec, Domain
from hearth.curate.stages.apart import Apart
from hearth.curate.stages.decontaminate import CutContamination
from hearth.curate.stages.quality import FilterByLanguage, filters_of
from hearth.curate.tables import JUDGED, KEYWORD
from hearth.parquet import streamed

_SHARD_CHARACTERS: Final = 16 << 20
_KEYWORDS: Final = tuple(field.name for field in KEYWORD)


class Chunk(NamedTuple):
    """Consecutive places: a shard of the later passes."""

    first: int
    end: int


def chunks(index: Index, rows: int) -> list[Chunk]:
    """Cut the documents into shards of so many live ones at most."""
    live = np.cumsum(index.live)
    characters = np.cumsum(np.where(index.live, index.characters, 0), dtype=np.int64)
    found, first = [], 0
    while first < len(index):
        before = (live[first - 1], characters[first - 1]) if first else (0, 0)
        end = int(
            min(
                np.searchsorted(live, before[0] + rows, side="right"),
                np.searchsorted(characters, before[1] + _SHARD_CHARACTERS, side="right"),
            )
        )
        found.append(Chunk(first, max(end, first + 1)))
        first = found[-1].end
    return [chunk for chunk in found if index.live[chunk.first : chunk.end].any()]


def places_of(index: Index, chunk: Chunk) -> list[int]:
    """Return the places of a chunk's live documents."""
    return (np.flatnonzero(index.live[chunk.first : chunk.end]) + chunk.first).tolist()


def unlike_prose(spec: CurateSpec) -> frozenset[str]:
    """Return the sources that are not judged as prose."""
    return frozenset(s for s, domain in spec.domains.items() if domain is not Domain.PROSE)


def judge(
    index: Index,
    texts: Texts,
    items: tuple[SuiteItem, ...],
    spec: CurateSpec,
    run: Pass,
    ledger: Ledger,
    contamination: Contamination,
    entries: Entries,
) -> list[Path]:
    """Cut boilerplate from live documents, decontaminate, filter and tag them.

    They are held against lists of keywords too.

    Returns:
        What is left of them, of `JUDGED`, in the order of places.
    """
    stages = [
        CutContamination(items=items, section=spec.decontaminate),
        FilterByLanguage(filters=filters_of(spec.quality), exempt=unlike_prose(spec)),
        *labelling(spec, entries),
    ]

    def read(chunk: Chunk) -> Iterator[DocumentBatch]:
        places = places_of(index, chunk)
        for start in range(0, len(places), BATCH):
            rows = [_entered(place, index, texts) for place in places[start : start + BATCH]]
            yield DocumentBatch(dataset_name="judge", data=pd.DataFrame(rows))

    apart = Apart.of(spec.read, Step.DECONTAMINATE, *stages)
    files = list(run("judge", [apart], chunks(index, run.rows), read, _table))
    rows = (row for row in index.rows() if not row.step)
    for path in files:
        with streamed(path) as file:
            for batch in file.iter_batches(BATCH):
                for record in batch.to_pylist():
                    _enter(next(rows), record, index, ledger, contamination)
    return files


def _entered(place: int, index: Index, texts: Texts) -> dict[str, Any]:
    """Return a document as it enters the pipeline: without the lines that its source repeats."""
    text = texts[place]
    lines = texts.lines.get(int(index.source[place]))
    left, where = without(text, lines) if lines else (text, [])
    gone = bool(where) and not left.strip()
    return {
        "place": place,
        "source": index.sources[index.source[place]],
        "language": index.languages[index.language[place]],
        "before": len(text),
        "lines": tuple(("boilerplate", start, end) for start, end in where),
        "entered": len(left),
        "text": "" if gone else left,
        "step": Step.BOILERPLATE.value if gone else "",
        "reason": "nothing else" if gone else None,
        "score": None,
    }


def _table(_chunk: Chunk, results: Iterable[DocumentBatch]) -> pa.Table:
    frame = pd.concat([task.to_pandas() for task in results], ignore_index=True)
    if "keywords" not in frame:
        frame["keywords"] = [()] * len(frame)
    names = [name for name in JUDGED.names if name != "size"]
    columns: dict[str, list[Any]] = {name: frame[name].tolist() for name in names}
    columns["size"] = [len(text) for text in columns["text"]]
    columns["text"] = [
        "" if step else text for text, step in zip(columns["text"], columns["step"], strict=True)
    ]
    columns["keywords"] = [
        [dict(zip(_KEYWORDS, hit, strict=True)) for hit in hits] for hits in columns["keywords"]
    ]
    columns["topics"] = [topics or () for topics in columns["topics"]]
    for name in ("lines", "cut"):
        columns[name] = [
            [{"kind": kind, "start": start, "end": end} for kind, start, end in spans]
            for spans in columns[name]
        ]
    kept = {field.name: pa.array(columns[field.name], field.type) for field in JUDGED}
    return pa.table(kept, schema=JUDGED)


def _enter(
    row: Row,
    record: dict[str, Any],
    index: Index,
    ledger: Ledger,
    contamination: Contamination,
) -> None:
    """Tell of what became of a document."""
    step, reason, score = record["step"], record["reason"], record["score"]
    index.step[row.place] = STEPS.index(step)
    index.size[row.place] = record["size"]
    row.step = step
    lines, cut = _spans(record["lines"]), _spans(record["cut"])
    before, entered = record["before"], record["entered"]
    if step == Step.BOILERPLATE:
        ledger.add(Step.BOILERPLATE, row.dropped(before, reason, spans=lines))
        return
    action = Action.EDITED if lines else Action.KEPT
    ledger.add(Step.BOILERPLATE, row.kept(before, entered, action=action, spans=lines))
    size = record["size"]
    contamination.add(row, entered, record)
    if step == Step.DECONTAMINATE:
        dropped = row.dropped(entered, reason, score=score, spans=cut)
        ledger.add(Step.DECONTAMINATE, dropped)
        return
    action = Action.EDITED if cut else Action.KEPT
    ledger.add(Step.DECONTAMINATE, row.kept(entered, size, action=action, spans=cut))
    if step == Step.QUALITY:
        ledger.add(Step.QUALITY, row.dropped(size, reason, score=score))
        return
    ledger.add(Step.QUALITY, row.kept(size, size))
    label(row, record)
    enter_keywords(row, record, ledger)


def _spans(spans: Sequence[dict[str, Any]]) -> tuple[tuple[str, int, int], ...]:
    return tuple((span["kind"], span["start"], span["end"]) for span in spans)
