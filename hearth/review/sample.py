"""Review samples: documents of a final corpus that people, or machines, look at.

Documents are taken in the order of a hash of the seed and their content, so that corpus, size and
seed say which, however the corpus is cut into files; a larger sample begins with the smaller one.
A sample lies in `samples/<id>/`: its record, which holds no text, and the texts, as redacted.
"""

from __future__ import annotations

import csv
import hashlib
import heapq
import json
import math
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

from pydantic import Field

from hearth.artifact import InputRef
from hearth.digest import FileInfo
from hearth.errors import DataError, NotFoundError, SpecError
from hearth.model import FrozenModel, parse
from hearth.storage import Store
from hearth.trace.corpora import Corpus

SAMPLES: Final = "samples"
RECORD: Final = "sample.json"
TEXTS: Final = "sample.jsonl"

VERDICT: Final = ("verdict", "category", "reviewer", "note")
"""The columns that reviewers fill in."""

_SHOWN: Final = ("item", "doc_key", "source", "language", "licence", "split", "text")
_READ: Final = ("doc_key", "content_id", "source", "language", "licence", "split", "characters")
_AT_ONCE: Final = 5_000
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")
_CELL: Final = 32_000
"""Characters that a spreadsheet shows in a cell: Excel cuts at 32,767."""


class Item(FrozenModel):
    """One document of a sample."""

    item: int = Field(ge=1, description="Its place in the order of the hash.")
    doc_key: str
    content_id: str
    source: str
    language: str
    licence: str
    split: str
    characters: int


class Sample(FrozenModel):
    """What was drawn, from what, by whom."""

    schema_version: int = 1
    id: str
    corpus: InputRef
    recipe: str
    wanted: int = Field(ge=1, description="How many documents were asked for.")
    seed: int
    population: int = Field(ge=1, description="Documents of the corpus.")
    items: tuple[Item, ...]
    texts: FileInfo
    drawn: datetime
    by: str


def rank(seed: int, content_id: str) -> bytes:
    """Return where a document stands in the order of a seed."""
    return hashlib.sha256(f"{seed}\0{content_id}".encode()).digest()


def least_of(population: int, share: float) -> int:
    """Return how many documents are at least a share of a population."""
    # 70 × 0.1 is a little over 7 in binary, and 7 is a tenth all the same.
    return math.ceil(round(population * share, 6))


def size_of_share(corpus: Corpus, share: float) -> int:
    """Return how many documents a share of a corpus is, rounded up."""
    return max(1, least_of(population_of(corpus), share))


def population_of(corpus: Corpus) -> int:
    """Return how many documents a corpus has."""
    rows = [output.rows for output in corpus.record.outputs_named("corpus")]
    known = [count for count in rows if count is not None]
    return sum(known) if len(known) == len(rows) else sum(1 for _ in corpus.documents())


def draw(root: Store, corpus: Corpus, wanted: int, seed: int, by: str) -> Sample:
    """Draw a sample and keep it; the same one again is found, not drawn anew.

    Args:
        root: the root of the store.
        corpus: from which.
        wanted: documents; of a smaller corpus, all are taken.
        seed: another seed, another sample.
        by: who draws it.

    Raises:
        DataError: the corpus is empty.
    """
    name = f"{corpus.record.fingerprint[:12]}-{wanted}-{seed}"
    folder = root.sub(f"{SAMPLES}/{name}")
    try:
        return _read(folder)
    except NotFoundError:
        pass
    items, population = _choose(corpus, wanted, seed)
    if not items:
        message = f"{corpus.uri}: holds no document: nothing can be sampled"
        raise DataError(message)
    with TemporaryDirectory(prefix="hearth-") as scratch:
        local = Path(scratch) / TEXTS
        with local.open("w", encoding="utf-8") as file:
            for row in _texts(corpus, items):
                file.write(json.dumps(row, ensure_ascii=False) + "\n")
        texts = folder.upload(local, TEXTS)
    sample = Sample(
        id=name,
        corpus=corpus.artifact.ref(),
        recipe=corpus.record.name,
        wanted=wanted,
        seed=seed,
        population=population,
        items=items,
        texts=texts,
        drawn=datetime.now(UTC),
        by=by,
    )
    if not folder.create(RECORD, sample.model_dump_json(indent=1).encode()):
        return _read(folder)
    return sample


def find_sample(root: Store, name: str) -> Sample:
    """Return a sample by its id.

    Raises:
        NotFoundError: there is none; the error names those that there are.
    """
    try:
        return _read(root.sub(f"{SAMPLES}/{name}"))
    except NotFoundError as error:
        known = ", ".join(root.folders(SAMPLES)) or "none: `hearth sample` draws one"
        message = f"sample {name}: is not in {root.uri}: there are: {known}"
        raise NotFoundError(message) from error


def samples(root: Store) -> Iterator[Sample]:
    """Yield every sample."""
    for name in root.folders(SAMPLES):
        try:
            yield _read(root.sub(f"{SAMPLES}/{name}"))
        except NotFoundError:
            continue  # Its texts are there, and whoever drew it died before the record.


def hand_out(root: Store, sample: Sample, out: Path) -> None:
    """Write a sample for its reviewers, with empty columns for their verdicts.

    Args:
        root: the root of the store.
        sample: which.
        out: a `.csv` or `.jsonl` file that is not there yet.

    Raises:
        DataError: the sample's texts were purged or are damaged.
        SpecError: the file's name ends in neither, or it is there and may hold verdicts.
    """
    writers = {".csv": _write_csv, ".jsonl": _write_jsonl}
    if out.suffix not in writers:
        message = f"{out}: must end in .csv or .jsonl"
        raise SpecError(message)
    if out.exists():
        message = f"{out}: is there already, perhaps with verdicts: name another file with --out"
        raise SpecError(message)
    folder = root.sub(f"{SAMPLES}/{sample.id}")
    with TemporaryDirectory(prefix="hearth-") as scratch:
        local = Path(scratch) / TEXTS
        folder.download(TEXTS, local, expect=sample.texts)
        with local.open(encoding="utf-8") as file:
            rows = [json.loads(line) | dict.fromkeys(VERDICT, "") for line in file]
    writers[out.suffix](out, rows)


def _write_csv(out: Path, rows: Sequence[dict[str, Any]]) -> None:
    # With a mark of byte order: without one, Excel takes Chinese for another encoding.
    with out.open("x", encoding="utf-8-sig", newline="") as file:
        writer = csv.DictWriter(file, [*_SHOWN, *VERDICT])
        writer.writeheader()
        for row in rows:
            writer.writerow({name: _cell(value) for name, value in row.items()})


def _write_jsonl(out: Path, rows: Sequence[dict[str, Any]]) -> None:
    with out.open("x", encoding="utf-8") as file:
        file.writelines(json.dumps(row, ensure_ascii=False) + "\n" for row in rows)


def _cell(value: Any) -> Any:
    """Return a cell that no spreadsheet takes for a formula: the text is a stranger's."""
    if not isinstance(value, str):
        return value
    if len(value) > _CELL:
        value = f"{value[:_CELL]} […: the rest is in {TEXTS}]"
    return f"'{value}" if value.startswith(_FORMULA) else value


def _choose(corpus: Corpus, wanted: int, seed: int) -> tuple[tuple[Item, ...], int]:
    population = 0

    def ranked() -> Iterator[tuple[bytes, str, dict[str, Any]]]:
        nonlocal population
        for row in corpus.documents(columns=_READ):
            population += 1
            yield rank(seed, row["content_id"]), row["doc_key"], row

    chosen = heapq.nsmallest(wanted, ranked(), key=lambda one: one[:2])
    items = (Item(item=number, **row) for number, (_, _, row) in enumerate(chosen, start=1))
    return tuple(items), population


def _texts(corpus: Corpus, items: Sequence[Item]) -> Iterable[dict[str, Any]]:
    for start in range(0, len(items), _AT_ONCE):
        some = items[start : start + _AT_ONCE]
        rows = corpus.documents({item.doc_key for item in some}, columns=("doc_key", "text"))
        texts = {row["doc_key"]: row["text"] for row in rows}
        for item in some:
            row = item.model_dump() | {"text": texts[item.doc_key]}
            yield {name: row[name] for name in _SHOWN}


def _read(folder: Store) -> Sample:
    return parse(Sample, folder.get(RECORD), folder.url(RECORD), "a sample's record")
