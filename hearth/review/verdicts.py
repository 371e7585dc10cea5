"""What reviewers write into a sample's file, read back: nothing of a file that is not whole."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Collection, Iterable, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from hearth.errors import DataError
from hearth.model import FrozenModel
from hearth.review.sample import VERDICT, Sample

_NAMED: Final = 5


class Verdict(StrEnum):
    """What a reviewer says of a document."""

    ACCEPT = "accept"
    REJECT = "reject"


_WORDS: Final = {
    "accept": Verdict.ACCEPT,
    "reject": Verdict.REJECT,
    "合格": Verdict.ACCEPT,
    "不合格": Verdict.REJECT,
}


class Judged(FrozenModel):
    """One verdict."""

    doc_key: str
    verdict: Verdict
    category: str = Field(default="", description="Why it is rejected.")
    reviewer: str = Field(min_length=1, description="A person, or a program and its version.")
    note: str = ""


def read_verdicts(
    path: Path, sample: Sample, *, reviewer: str | None = None, categories: Collection[str] = ()
) -> tuple[Judged, ...]:
    """Read a file that reviewers filled in; lines without a verdict are left out.

    Args:
        path: a `.csv` or `.jsonl` file that `hand_out` wrote.
        sample: the sample that it is about.
        reviewer: who judged, where a line does not say.
        categories: the ids that a rejection may name; empty: any.

    Raises:
        DataError: an item is not in the sample or comes twice, or a verdict is not whole. Nothing
            of the file counts then.
    """
    known = {item.doc_key for item in sample.items}
    verdicts: dict[str, Judged] = {}
    for line, row in _rows(path):
        where = f"{path.name}, line {line}"
        key = _plain(row, "doc_key")
        if key not in known:
            message = f"{where}: {key!r} is not an item of sample {sample.id}: review that sample"
            raise DataError(message)
        if not _plain(row, "verdict"):
            continue
        if key in verdicts:
            message = f"{where}: {key} was judged before in this file: keep one of the two"
            raise DataError(message)
        verdicts[key] = _judged(where, key, row, reviewer, categories)
    return tuple(verdicts.values())


def _judged(
    where: str, key: str, row: Mapping[str, Any], reviewer: str | None, categories: Collection[str]
) -> Judged:
    said, category = _plain(row, "verdict"), _plain(row, "category")
    verdict = _WORDS.get(said.casefold())
    who = _plain(row, "reviewer") or reviewer
    if verdict is None:
        message = f"{where}: verdict {said!r} of {key}: must be one of {', '.join(_WORDS)}"
    elif verdict is Verdict.REJECT and not category:
        message = f"{where}: {key} is rejected without a category: say why"
    elif verdict is Verdict.REJECT and categories and category not in categories:
        some = ", ".join(sorted(categories))
        message = f"{where}: category {category!r} of {key}: must be one of {some}"
    elif not who:
        message = f"{where}: {key} has a verdict and no reviewer: fill it in, or give --reviewer"
    else:
        return Judged(
            doc_key=key, verdict=verdict, category=category, reviewer=who, note=_plain(row, "note")
        )
    raise DataError(message)


def _plain(row: Mapping[str, Any], name: str) -> str:
    text = str(row.get(name) or "").strip()
    # What `hand_out` put before a cell that a spreadsheet would have taken for a formula.
    return text[1:] if name not in VERDICT and text.startswith("'") else text


def _rows(path: Path) -> Iterable[tuple[int, dict[str, Any]]]:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except OSError as error:
        message = f"{path}: {error.strerror}"
        raise DataError(message) from error
    except UnicodeDecodeError as error:
        message = f"{path}: is not UTF-8 ({error}): save it as CSV UTF-8, or as JSONL"
        raise DataError(message) from error
    try:
        if path.suffix == ".jsonl":
            rows = [
                (number, dict(json.loads(line)))
                for number, line in enumerate(text.split("\n"), start=1)
                if line.strip()
            ]
        else:
            reader = csv.DictReader(io.StringIO(text, newline=""))
            rows = [(reader.line_num, dict(row)) for row in reader]
    except (ValueError, TypeError, csv.Error) as error:
        message = f"{path}: is not the file that `hearth sample` wrote ({error})"
        raise DataError(message) from error
    missing = {"doc_key", "verdict"} - {name for _, row in rows[:_NAMED] for name in row}
    if missing:
        message = f"{path}: has no column {', '.join(sorted(missing))}: start from `hearth sample`"
        raise DataError(message)
    return rows
