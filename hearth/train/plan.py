"""The decisions of training, without a tensor: rates, points in time, order, what a failure is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
import numpy.typing as npt

from hearth.errors import HearthError, TransientError, error_for_exit_code
from hearth.model import FrozenModel
from hearth.train.spec import ScheduleSection, ScheduleShape


def rate_at(step: int, steps: int, schedule: ScheduleSection) -> float:
    """Return the share of the highest learning rate that the step numbered `step` from 0 uses."""
    if step < schedule.warmup_steps:
        return (step + 1) / (schedule.warmup_steps + 1)
    through = (step - schedule.warmup_steps) / max(1, steps - 1 - schedule.warmup_steps)
    match schedule.shape:
        case ScheduleShape.COSINE:
            falling = 0.5 * (1 + math.cos(math.pi * min(1.0, through)))
        case ScheduleShape.LINEAR:
            falling = 1 - min(1.0, through)
    return schedule.floor + (1 - schedule.floor) * falling


def validation_steps(steps: int, times: int) -> frozenset[int]:
    """Return after how many steps the validation loss is taken: 0, then `times` evenly spread."""
    return frozenset({0, *(max(1, steps * n // times) for n in range(1, times + 1))})


class DataOrder:
    """Which block of the token stream is the n-th sequence: a pure function of seed and n.

    Every pass over the blocks has an order of its own. Neither the number of ranks nor a restart
    plays a part, so a resumed run sees what the uninterrupted one would have.
    """

    def __init__(self, blocks: int, seed: int) -> None:
        """Order `blocks` blocks.

        Args:
            blocks: how many there are; at least one.
            seed: the run's.
        """
        self._blocks = blocks
        self._seed = seed
        self._pass = -1
        self._order: npt.NDArray[np.int64] = np.empty(0, np.int64)

    def block(self, sequence: int) -> int:
        """Return the block that the sequence numbered `sequence` from 0 is."""
        number, place = divmod(sequence, self._blocks)
        if number != self._pass:
            self._order = np.random.default_rng([self._seed, number]).permutation(self._blocks)
            self._pass = number
        return int(self._order[place])

    def of_rank(self, step: int, global_batch: int, rank: int, world_size: int) -> list[int]:
        """Return the blocks of one rank in the step numbered `step` from 0."""
        share = global_batch // world_size
        first = step * global_batch + rank * share
        return [self.block(first + n) for n in range(share)]


class RankError(FrozenModel):
    """The last words of one rank: the contents of `errors/rank-<n>.json`."""

    rank: int
    code: int
    error: str
    message: str
    at: float
    lost_peer: bool = False


KILLED: Final = (
    "a training rank was killed by a signal (a lost node, the kernel out of memory, an operator): "
    "the next attempt resumes from the newest checkpoint"
)


def failure_of(errors: Sequence[RankError]) -> HearthError:
    """Return why training failed, which the launcher's own exit code hides.

    A rank that dies takes its peers along: their complaints about a closed connection are not
    the reason. A rank killed by a signal says nothing at all.
    """
    reasons = sorted((e for e in errors if not e.lost_peer), key=lambda error: error.at)
    if not reasons:
        return TransientError(KILLED)
    first = reasons[0]
    return error_for_exit_code(first.code, f"rank {first.rank}: {first.message}")
