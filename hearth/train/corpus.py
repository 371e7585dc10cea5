"""What training takes from a curated corpus: texts in a fixed order, and where they are from."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import pyarrow as pa

from hearth.errors import DataError
from hearth.model import FrozenModel
from hearth.parquet import streamed
from hearth.train.sections import ReplaySection

_SAME: Final = 0.01
"""Epochs of two parts that differ by less are taken for equal: shares are rounded."""

MIXTURE: Final = "mixture.json"
"""Where a corpus says how often training should see what."""

ALL: Final = "all"
REPLAY: Final = "replay"

_COLUMNS: Final = ["source", "language", "text", "licence"]
_MORE: Final = ["domain"]

Row = dict[str, Any]


class SourceShare(FrozenModel):
    """What one source gave to the train split."""

    source: str
    licence: str
    language: str
    documents: int
    bytes: int


def texts(
    folder: Path, split: str, wanted: Callable[[Row], bool] = lambda _: True
) -> Iterator[str]:
    """Yield the texts of a split, file by file in the order of their names.

    Args:
        folder: where the corpus lies (it holds `split=train/` and others).
        split: which.
        wanted: whether a document is taken; by default all are.
    """
    for row in _rows(folder, split):
        if wanted(row):
            yield row["text"]


def in_language(language: str) -> Callable[[Row], bool]:
    """Return what takes the documents of one language."""
    return lambda row: bool(row["language"] == language)


def stated_mixture(path: Path) -> dict[str, float] | None:
    """Return the weights that a corpus says of itself, in its `mixture.json`.

    None, if it wants all of its parts as often: then they need not be told apart.

    Raises:
        DataError: the file is none.
    """
    try:
        said = json.loads(path.read_bytes())
        parts = {f"{part['language']}/{part['domain']}": part for part in said["parts"]}
        weights = {name: float(part["share"]) for name, part in parts.items()}
        epochs = {float(part["epochs"]) for part in parts.values()}
    except (ValueError, KeyError, TypeError) as error:
        message = f"{path.name}: is not a corpus's mixture ({error!r}): rebuild from curate"
        raise DataError(message) from error
    if not epochs or max(epochs) - min(epochs) < _SAME:
        return None
    return {name: weight for name, weight in weights.items() if weight > 0}


def groups(
    folder: Path, mixture: Mapping[str, float] | None, replay: ReplaySection | None
) -> dict[str, float]:
    """Return the weight of each group of the train split.

    Args:
        folder: where the corpus lies.
        mixture: the weight of groups, by `language` or `language/domain`; None: all are one.
        replay: which sources are replay, and their share.

    Raises:
        DataError: the corpus has no document of a group.
    """
    found = Counter(group_of(row, mixture, replay) for row in _rows(folder, "train"))
    weights = dict(mixture) if mixture is not None else {ALL: 1.0}
    if replay is not None:
        rest = (1 - replay.share) / sum(weights.values())
        weights = {name: weight * rest for name, weight in weights.items()}
        weights[REPLAY] = replay.share
    for name in weights:
        if not found[name]:
            has = ", ".join(sorted(filter(None, found))) or "none"
            message = (
                f"mixture: the train split has no document of {name!r} (it has {has}): look at "
                "curation's report, or change train.mixture and train.replay"
            )
            raise DataError(message)
    return weights


def group_of(
    row: Row, mixture: Mapping[str, float] | None, replay: ReplaySection | None
) -> str | None:
    """Return the group that a document is drawn with; None: it is left out."""
    if replay is not None and row["source"] in replay.sources:
        return REPLAY
    if mixture is None:
        return ALL
    language, domain = row["language"], row.get("domain")
    return next((name for name in (f"{language}/{domain}", language) if name in mixture), None)


def languages(folder: Path, split: str) -> list[str]:
    """Return the languages of a split, sorted."""
    return sorted({row["language"] for row in _rows(folder, split)})


def shares(folder: Path) -> list[SourceShare]:
    """Return what the train split is made of, the largest first.

    Raises:
        DataError: there is no text in it.
    """
    documents: Counter[tuple[str, str, str]] = Counter()
    size: Counter[tuple[str, str, str]] = Counter()
    for row in _rows(folder, "train"):
        key = (row["source"], row["licence"], row["language"])
        documents[key] += 1
        size[key] += len(row["text"].encode())
    if not sum(size.values()):
        message = (
            "corpus: its train split is empty: look at curation's report for what was dropped, "
            "and why; loosen a rule or add sources"
        )
        raise DataError(message)
    return [
        SourceShare(
            source=source, licence=licence, language=language, documents=documents[key], bytes=count
        )
        for key, count in sorted(size.items(), key=lambda item: (-item[1], item[0]))
        for source, licence, language in [key]
    ]


def _rows(folder: Path, split: str) -> Iterator[Row]:
    for path in sorted((folder / f"split={split}").glob("*.parquet")):
        try:
            with streamed(path) as file:
                columns = [*_COLUMNS, *(c for c in _MORE if c in file.schema_arrow.names)]
                for batch in file.iter_batches(batch_size=2048, columns=columns):
                    yield from batch.to_pylist()
        except (pa.ArrowException, KeyError) as error:
            message = f"{path.name}: is not a shard of a corpus ({error}): rebuild from curate"
            raise DataError(message) from error
