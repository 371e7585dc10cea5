"""The suite's dev part as tokens: what lm-eval would ask of each item, so that scores compare.

https://github.com/EleutherAI/lm-evaluation-harness, 0.4.13: `TemplateLM._encode_pair`,
`get_rolling_token_windows` and `make_disjoint_window`.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from hearth.errors import DataError
from hearth.model import FrozenModel
from hearth.stage.context import Context
from hearth.train.sections import DEV

Encode = Callable[[str], Sequence[int]]

_MANIFEST: Final = "suite.json"


class Kind(StrEnum):
    """What a task measures."""

    BITS_PER_BYTE = "bits_per_byte"
    CLOZE = "cloze"


class Row(FrozenModel):
    """A sequence of tokens, of which the last `scored` are asked for."""

    ids: tuple[int, ...]
    scored: int


class Item(FrozenModel):
    """One item: rows of each of its choices; a passage has one, which is right."""

    choices: tuple[tuple[Row, ...], ...]
    answer: int
    bytes: int


class Task(FrozenModel):
    """One task of the dev part."""

    kind: Kind
    language: str
    items: tuple[Item, ...]


class DevPart(FrozenModel):
    """What the ranks ask at every validation: `dev.json`."""

    tasks: tuple[Task, ...]


class _Task(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")

    task: str
    kind: Kind
    language: str


class _Suite(BaseModel):
    """What training needs to know of a suite: its own reading of `suite.json`."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    max_length: int
    dev: tuple[_Task, ...] = ()


def dev_part(context: Context, encode: Encode, prefix: int) -> DevPart:
    """Return the dev part of the job's suite as tokens. What the gate asks is not even read.

    Args:
        context: of the job.
        encode: text → tokens, as the published tokenizer does it.
        prefix: the token that stands before a passage.

    Raises:
        DataError: the suite has no dev part, or is damaged.
    """
    given = context.input(DEV)
    try:
        suite = _Suite.model_validate_json(given.open(_MANIFEST).read_bytes())
    except ValidationError as error:
        message = f"{_MANIFEST}: is not a suite ({error}): build the suite again"
        raise DataError(message) from error
    if not suite.dev:
        message = f"suite {given.uri}: has no dev part: raise suite.version, or remove suite.dev"
        raise DataError(message)
    return DevPart(
        tasks=tuple(
            Task(
                kind=task.kind,
                language=task.language,
                items=tuple(
                    items_of(
                        given.open(f"data/{task.task}.jsonl"), encode, prefix, suite.max_length
                    )
                ),
            )
            for task in suite.dev
        )
    )


def items_of(path: Path, encode: Encode, prefix: int, window: int) -> Iterator[Item]:
    """Yield the items of a task's data file as tokens."""
    try:
        for line in path.read_text("utf-8").splitlines():
            row = json.loads(line)
            if "text" in row:
                rows = tuple(windows(encode(row["text"]), prefix, window))
                yield Item(choices=(rows,), answer=0, bytes=len(row["text"].encode()))
                continue
            context, choices, answer = row["context"], row["choices"], row["answer"]
            asked = tuple((continued(context, said, encode, window),) for said in choices)
            yield Item(choices=asked, answer=answer, bytes=len(choices[answer].encode()))
    except (ValueError, KeyError, IndexError, TypeError) as error:
        message = f"{path.name}: is not a suite's data ({error!r}): build the suite again"
        raise DataError(message) from error


def windows(ids: Sequence[int], prefix: int, window: int) -> Iterator[Row]:
    """Cut a text into rows that score each of its tokens once, in windows of `window` tokens."""
    whole = [prefix, *ids]
    for begin in range(0, len(ids), window):
        end = min(begin + window, len(ids))
        # The last row of several fills its window up with what was scored before.
        yield Row(ids=tuple(whole[max(0, end - window) : end + 1]), scored=end - begin)


def continued(context: str, choice: str, encode: Encode, window: int) -> Row:
    """Return the row that scores a choice after its context; what is too long loses its start."""
    blanks = len(context) - len(context.rstrip())
    begun = context[: len(context) - blanks]
    given = encode(begun)
    # Where a token of the whole reaches across, what is given is cut as it is without the choice.
    asked = encode(context + choice)[len(given) :]
    return Row(ids=(*given, *asked)[-(window + 1) :], scored=min(len(asked), window))
