"""The splits that an earlier corpus assigned: they are kept.

A document, a work or a content that was held out once must not be trained on later, however the
groups have grown since, and what was trained on must not judge later.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import pyarrow as pa
import pyarrow.parquet as pq

from hearth.curate.plan import HELD_OUT, Candidate, Split
from hearth.errors import DataError

_COLUMNS: Final = ("doc_key", "content_id", "work")
_ORDER: Final = (*HELD_OUT, Split.TRAIN)

Token = tuple[str, str]
"""The name of a column, and a value of it."""


def most_held_out(splits: Iterable[Split]) -> Split:
    """Return test before validation before train."""
    return min(splits, key=_ORDER.index)


@dataclass(frozen=True)
class Assigned:
    """What an earlier corpus says of documents, contents and works."""

    splits: Mapping[Token, Split]

    @classmethod
    def none(cls) -> Self:
        """Return what is known where there is no earlier corpus."""
        return cls({})

    @classmethod
    def read(cls, corpus: Path) -> Self:
        """Read the folder `corpus/` of an earlier artifact.

        Raises:
            DataError: It is not that of a corpus.
        """
        found: dict[Token, Split] = {}
        for split in reversed(_ORDER):  # so that the most held-out label is written last
            files = sorted((corpus / f"split={split.value}").glob("*.parquet"))
            if not files:
                message = f"earlier corpus: has no split {split.value}: name another, or none"
                raise DataError(message)
            for path in files:
                try:
                    # Not `read_table`: it takes the folder's name for a column.
                    table = pq.ParquetFile(path).read(columns=list(_COLUMNS))
                except (pa.ArrowException, KeyError, OSError) as error:
                    message = f"earlier corpus: {path.name} is damaged ({error}): name another"
                    raise DataError(message) from error
                for name in table.schema.names:
                    for value in table.column(name).unique().to_pylist():
                        found[name, value] = split
        return cls(found)

    def of(self, candidates: Sequence[Candidate], group_of: Sequence[str]) -> dict[str, Split]:
        """Return the splits of those groups that hold something known.

        A group that grew together from several keeps the most held-out label among theirs.
        """
        labels: dict[str, Split] = {}
        for candidate, group in zip(candidates, group_of, strict=True):
            for name in _COLUMNS:
                known = self.splits.get((name, getattr(candidate, name)))
                if known is not None:
                    labels[group] = most_held_out((known, labels.get(group, known)))
        return labels
