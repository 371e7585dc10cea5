"""What a corpus consists of and what was given up, counted as documents go by."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import numpy as np
import numpy.typing as npt

from hearth.curate.database import parquet, places
from hearth.curate.index import Index
from hearth.curate.ledger import Step
from hearth.curate.plan import SPLITS, Split
from hearth.curate.rows import Row
from hearth.curate.spec import CurateSpec

UNKNOWN: Final = "unknown"
"""In place of a source: what could not be read may have none."""

Counts = dict[str, Counter[str]]


class Stock:
    """Sums over documents; distinct works and groups are counted apart, `Distinct`.

    Attributes:
        total: documents, characters and tokens; `scored` are characters that have a perplexity.
        entered: By language, documents and characters that were read.
        left: By language, those that stay.
        read: By source, what could be read.
        offered: By source, what came, unreadable documents too.
        kept: By source, what stays.
        dropped: By source, documents by the step that gave them up.
        spoken: By source, documents that stay, by language.
        mixed: By language, documents that mix scripts and stay: `documents`.
        parts: By language, their characters by language.
        splits: By split: documents and characters.
        languages: By split, documents by language.
        twins: By language, documents whose text is there in English and in Chinese.
        mixture: By way (language, domain, source), what each part of the corpus holds.
    """

    def __init__(self, spec: CurateSpec) -> None:
        self._spec = spec
        self.documents = 0
        self.total: Counter[str] = Counter()
        self.entered: Counts = defaultdict(Counter)
        self.left: Counts = defaultdict(Counter)
        self.read: Counts = defaultdict(Counter)
        self.offered: Counts = defaultdict(Counter)
        self.kept: Counts = defaultdict(Counter)
        self.dropped: Counts = defaultdict(Counter)
        self.spoken: Counts = defaultdict(Counter)
        self.mixed: Counter[str] = Counter()
        self.parts: Counts = defaultdict(Counter)
        self.splits: Counts = defaultdict(Counter)
        self.languages: Counts = defaultdict(Counter)
        self.twins: Counter[str] = Counter()
        self.mixture: dict[str, Counts] = {
            way: defaultdict(Counter) for way in ("language", "domain", "source")
        }

    def add(self, row: Row) -> None:
        """Count a document."""
        source = row.source or UNKNOWN
        came = {"documents": 1, "characters": row.entered or 0}
        self.documents += 1
        self.entered[row.language].update(came)
        self.offered[source].update(came)
        if row.step != Step.READ:
            self.read[source].update(came)
        if row.twin:
            self.twins[row.language] += 1
        if row.step:
            self.dropped[source][row.step] += 1
        else:
            self._keep(row)

    def _keep(self, row: Row) -> None:
        size = {"documents": 1, "characters": row.size, "tokens": row.tokens}
        if row.split is Split.TRAIN:
            size["train_tokens"] = row.tokens
        split = row.split.value
        self.total.update(size)
        self.left[row.language].update(size)
        self.kept[row.source].update(size)
        self.spoken[row.source][row.language] += 1
        self.splits[split].update(size)
        self.languages[split][row.language] += 1
        if row.languages:
            self.mixed[row.language] += 1
            self.parts[row.language].update(dict(row.languages))
        if row.perplexity is not None:
            self.total["scored"] += row.size
        domain = str(self._spec.domain(row.source))
        for way, part in (("language", row.language), ("domain", domain), ("source", row.source)):
            self.mixture[way][part].update(size)


@dataclass(frozen=True)
class Distinct:
    """How many different groups, works and texts there are.

    Attributes:
        groups: By split, of documents that stay.
        works: By source, of what could be read.
        kept: By source, of what stays.
        twins: Texts that are there in English and in Chinese.
    """

    groups: Mapping[str, int] = field(default_factory=dict)
    works: Mapping[str, int] = field(default_factory=dict)
    kept: Mapping[str, int] = field(default_factory=dict)
    twins: int = 0

    @classmethod
    def of(cls, index: Index) -> Distinct:
        """Count what an index knows."""
        table, live = parquet(index.documents), index.live
        works = (
            "SELECT source, count(*) FROM (SELECT DISTINCT source, work FROM {} "
            "WHERE step <> 'read') GROUP BY source"
        )
        texts = f"SELECT DISTINCT parallel FROM {table} SEMI JOIN among USING (place)"  # noqa: S608
        groups = {}
        for code, split in enumerate(SPLITS):
            seen = np.zeros(len(index), dtype=bool)
            seen[index.group[live & (index.split == code)]] = True
            groups[split.value] = int(seen.sum())
        kept = works.format(f"{table} SEMI JOIN among USING (place)")
        return cls(
            groups,
            _counted(index, works.format(table)),
            _counted(index, kept, live),
            sum(
                batch.num_rows for batch in index.database.batches(texts, among=places(index.twin))
            ),
        )


def _counted(
    index: Index, query: str, among: npt.NDArray[np.bool_] | None = None
) -> dict[str, int]:
    tables = {} if among is None else {"among": places(among)}
    return {
        name: count
        for batch in index.database.batches(query, **tables)
        for name, count in zip(*(column.to_pylist() for column in batch.columns), strict=True)
    }
