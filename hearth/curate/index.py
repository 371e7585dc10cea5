"""All documents in the order of their keys: a slim index in memory, the rest on scratch.

What decisions need of every document is held in arrays, some 40 bytes each. Keys, works, spans and
whatever else is only passed through lies in `documents.parquet`, and texts and hashes lie on
shelves. A document's *place* is its number in the order of keys, whatever order the files and the
executor brought it in; its *number* is that of its arrival.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import numpy.typing as npt

from hearth.curate.banding import Each
from hearth.curate.database import Database
from hearth.curate.ledger import Step
from hearth.curate.plan import SPLITS
from hearth.curate.rows import Row
from hearth.parquet import streamed
from hearth.shelf import Shelf

STEPS: Final = ("", *(step.value for step in Step))
"""By their numbers in `Index.step`; 0 is a document that is in."""
_ROWS: Final = 2_048
NONE: Final = np.iinfo(np.uint32).max
"""In place of a place."""


@dataclass
class Index:
    """What is known of all documents.

    Attributes:
        database: Sorts and joins.
        each: Calls functions on a cluster; None where there is none.
        documents: Parquet: what does not change of each document, in the order of places.
        shards: Parquet: what the first pass made, in the order of arrival.
        texts: By number.
        shingles: By number.
        names: By place: key and content id.
        sources: The names of sources, by their numbers.
        languages: Those of languages.
        number: Of each place, as are all that follow.
        step: By its number in `STEPS`: the step that gave the document up.
        source: By its number.
        language: By its number.
        characters: Of the normalised text.
        twin: Whether the text is there in English and in Chinese.
        preferred: The order in which copies are preferred: the lowest stays.
        group: Of splits; `NONE` where there is none.
        split: By its number in `SPLITS`.
        fold: That must not judge it; -1: none.
        size: Characters that the second pass left of its text.
    """

    folder: Path
    database: Database
    documents: Path
    shards: Sequence[Path]
    texts: Shelf
    shingles: Shelf
    names: Shelf
    sources: list[str]
    languages: list[str]
    number: npt.NDArray[np.uint32]
    step: npt.NDArray[np.uint8]
    source: npt.NDArray[np.uint16]
    language: npt.NDArray[np.uint8]
    characters: npt.NDArray[np.uint32]
    twin: npt.NDArray[np.bool_]
    preferred: npt.NDArray[np.uint32]
    each: Each | None = None
    group: npt.NDArray[np.uint32] = field(init=False)
    split: npt.NDArray[np.uint8] = field(init=False)
    fold: npt.NDArray[np.int8] = field(init=False)
    size: npt.NDArray[np.uint32] = field(init=False)

    def __post_init__(self) -> None:
        """Begin without groups."""
        self.group = np.full(len(self), NONE, dtype=np.uint32)
        self.split = np.full(len(self), SPLITS.index("train"), dtype=np.uint8)
        self.fold = np.full(len(self), -1, dtype=np.int8)
        self.size = np.zeros(len(self), dtype=np.uint32)

    def __len__(self) -> int:
        """Return how many documents were read, those that were given up too."""
        return len(self.number)

    @property
    def bytes(self) -> int:
        """Return the bytes that it holds in memory."""
        return sum(v.nbytes for v in vars(self).values() if isinstance(v, np.ndarray))

    @property
    def live(self) -> npt.NDArray[np.bool_]:
        """Return which documents no step has given up."""
        live: npt.NDArray[np.bool_] = self.step == 0
        return live

    def key(self, place: int) -> str:
        """Return a document's key."""
        return self._name(place)[0]

    def content(self, place: int) -> str:
        """Return a document's content id; empty where it has none."""
        return self._name(place)[1]

    def _name(self, place: int) -> tuple[str, str]:
        key, content = json.loads(self.names[int(place)])
        return key, content

    def text(self, row: Row) -> str:
        """Return the redacted text that the first pass left of a document."""
        return self.texts[row.number].decode("utf-8", "surrogatepass")

    def rows(self) -> Iterator[Row]:
        """Yield all documents in the order of places, as they are now."""
        with streamed(self.documents) as file:
            for batch in file.iter_batches(_ROWS):
                yield from map(self._row, batch.to_pylist())

    def _row(self, record: dict[str, Any]) -> Row:
        place = record["place"]
        record["spans"] = tuple((s["kind"], s["start"], s["end"]) for s in record["spans"])
        record["languages"] = tuple((p["language"], p["characters"]) for p in record["languages"])
        first = record["step"]
        record["step"] = STEPS[self.step[place]]
        if not first:
            record["reason"] = record["score"] = None
        split = SPLITS[self.split[place]]
        return Row(twin=bool(self.twin[place]), split=split, **record)


def columns_of(shards: Sequence[Path], *names: str) -> Iterator[tuple[Any, ...]]:
    """Yield the numbers of documents, and columns of the first pass, some documents at a time."""
    for path in shards:
        with streamed(path) as file:
            for batch in file.iter_batches(_ROWS, columns=["number", *names]):
                columns = (batch.column(name).to_pylist() for name in names)
                yield batch.column("number").to_numpy(), *columns
