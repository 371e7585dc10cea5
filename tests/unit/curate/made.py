"""Documents as the first pass leaves them, made up for tests of what comes after it."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate.assigned import Assigned
from hearth.curate.database import Database
from hearth.curate.index import Index
from hearth.curate.indexing import build
from hearth.curate.keys import ContentKey, Domain
from hearth.curate.near import Shingler
from hearth.curate.paragraphs import hashed
from hearth.curate.plan import Split
from hearth.curate.spec import CurateSpec
from hearth.curate.tables import HERE, PREPARED

KEY = ContentKey(b"a key of a test")


@dataclass(frozen=True)
class Made:
    """A document; what is not said is made from the rest."""

    doc_key: str
    text: str = ""
    work: str = ""
    parallel: str | None = None
    language: str = "en"
    content_id: str = ""
    characters: int = 0
    date: str | None = None

    @property
    def source(self) -> str:
        return self.doc_key.partition(":")[0]


def prepared(path: Path, made: Sequence[Made], spec: CurateSpec, number: int = 0) -> Path:
    """Write a shard of documents, any two of which are candidates for copies of each other."""
    shingler = Shingler(spec.dedup, KEY.seed(Domain.SHINGLE))
    bands = bytes(8 * spec.dedup.bands)
    rows: list[dict[str, Any]] = []
    for place, one in enumerate(made):
        text = one.text or one.doc_key
        known = hashed(text, text, spec.dedup.paragraphs, b"key", shingler)
        passages = [(n, len(shingles)) for n, shingles in known.passages]
        characters = one.characters or len(text)
        rows.append(
            {
                "number": number + place,
                "doc_key": one.doc_key,
                "source": one.source,
                "work": one.work or f"work-{one.doc_key}",
                "parallel": one.parallel,
                "language": one.language,
                "licence": "CC0-1.0",
                "date": one.date,
                "content_id": one.content_id or KEY.content_id(text),
                "entered": characters,
                "characters": characters,
                "size": len(text),
                "changed": False,
                "spans": [],
                "languages": [],
                "step": "",
                "text": text,
                "shingles": shingler.shingles(text, one.language).tobytes(),
                "bands": bands,
                "paragraphs": known.digests,
                "passages": np.array(passages, dtype=np.int64).tobytes(),
                "passage_shingles": b"".join(s.tobytes() for _, s in known.passages),
                "passage_bands": bands * len(known.passages),
            }
        )
    pq.write_table(pa.Table.from_pylist(rows, schema=PREPARED), path)
    return path


@contextmanager
def indexed(made: Sequence[Made], spec: CurateSpec) -> Iterator[Index]:
    """An index of documents, in a folder that is gone afterwards."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        yield build([prepared(folder / "shard.parquet", made, spec)], spec, folder)


def hand_on(
    folder: Path,
    dealt: Sequence[tuple[Made, Split]],
    content_key: str,
    earlier: Path | None = None,
) -> None:
    """Write what a corpus of these documents hands on about splits."""
    with tempfile.TemporaryDirectory() as name:
        scratch = Path(name)
        rows = [
            {
                "doc_key": one.doc_key,
                "content_id": one.content_id,
                "work": one.work,
                "parallel": one.parallel,
                "split": split.value,
            }
            for one, split in dealt
        ]
        pq.write_table(pa.Table.from_pylist(rows, schema=HERE), scratch / "here.parquet")
        known = Assigned.read(earlier, content_key, scratch) if earlier else Assigned()
        known.hand_on(Database(scratch / "spilled"), folder, scratch / "here.parquet", content_key)
