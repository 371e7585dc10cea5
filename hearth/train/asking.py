"""Ask a model the dev part: each rank some of it, with the same scores on any number of ranks."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import torch
import torch.distributed as dist
from torch import Tensor

from hearth.train.batches import Batch
from hearth.train.data import IGNORED
from hearth.train.dev import DevPart, Item, Kind, Row
from hearth.train.run import DevScores

_FILLER: Final = 0

LogLikelihoods = Callable[[Batch], Tensor]


class Asking:
    """The dev part in batches that do not depend on the number of ranks."""

    def __init__(self, part: DevPart, tokens: int) -> None:
        """Cut it into batches.

        Args:
            part: what is asked.
            tokens: in a batch, at most, where one row is not longer.
        """
        self._part = part
        rows = [
            row
            for task in part.tasks
            for item in task.items
            for choice in item.choices
            for row in choice
        ]
        self._count = len(rows)
        self._batches = list(batches_of(rows, tokens))

    def __call__(self, loglikelihoods: LogLikelihoods) -> DevScores:
        """Return the scores; every rank has to ask, and has all of them.

        Args:
            loglikelihoods: of each row of a batch, in nats.
        """
        rank, world = dist.get_rank(), dist.get_world_size()
        found = torch.zeros(self._count, dtype=torch.float64)
        for turn in range(-(-len(self._batches) // world)):
            number = turn * world + rank
            # Ranks that share a model compute together, so one without a batch takes any.
            places, batch = self._batches[number % len(self._batches)]
            said = loglikelihoods(batch).double().cpu()
            if number < len(self._batches):
                found[places] = said
        # Each number comes from one rank, and the others add zeros: nothing is rounded.
        dist.all_reduce(found)
        return scores(self._part, found.tolist())


def scores(part: DevPart, loglikelihoods: Sequence[float]) -> DevScores:
    """Return the scores that rows' log-likelihoods amount to, in the order of the part."""
    bits: dict[str, float] = {}
    accuracy: dict[str, float] = {}
    rest = iter(loglikelihoods)
    for task in part.tasks:
        said = [[sum(next(rest) for _ in rows) for rows in item.choices] for item in task.items]
        if task.kind is Kind.CLOZE:
            right = sum(_right(item, of) for item, of in zip(task.items, said, strict=True))
            accuracy[task.language] = right / len(task.items)
        else:
            size = sum(item.bytes for item in task.items)
            bits[task.language] = -sum(of[0] for of in said) / math.log(2) / size
    return DevScores(bits_per_byte=bits, accuracy=accuracy)


def _right(item: Item, loglikelihoods: Sequence[float]) -> bool:
    return max(range(len(loglikelihoods)), key=loglikelihoods.__getitem__) == item.answer


def batches_of(rows: Sequence[Row], tokens: int) -> Iterator[tuple[list[int], Batch]]:
    """Yield batches of rows, filled up to one width, and the places of their rows."""
    places: list[int] = []
    # The longest first, so that the rows of a batch are of like length.
    for place in sorted(range(len(rows)), key=lambda n: (-len(rows[n].ids), n)):
        longest = len(rows[places[0]].ids) - 1 if places else 0
        if places and (len(places) + 1) * longest > tokens:
            yield places, _batch([rows[n] for n in places])
            places = []
        places.append(place)
    if places:
        yield places, _batch([rows[n] for n in places])


def _batch(rows: Sequence[Row]) -> Batch:
    width = max(len(row.ids) for row in rows) - 1
    ids = torch.full((len(rows), width), _FILLER)
    targets = torch.full((len(rows), width), IGNORED)
    for number, row in enumerate(rows):
        end = len(row.ids) - 1
        whole = torch.tensor(row.ids)
        ids[number, :end] = whole[:-1]
        targets[number, end - row.scored : end] = whole[end + 1 - row.scored :]
    # What fills a row up stands after all that is scored, where nothing looks at it.
    return {
        "input_ids": ids,
        "targets": targets,
        "position_ids": torch.arange(width).repeat(len(rows), 1),
    }
