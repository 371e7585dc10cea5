"""The decisions of training, without a tensor: rates, points in time, order, what a failure is."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
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
    """Which block of a token stream is the n-th that is taken: a pure function of seed and n.

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

    def block(self, number: int) -> int:
        """Return the block that is taken as the one numbered `number` from 0."""
        passed, place = divmod(number, self._blocks)
        if passed != self._pass:
            self._order = np.random.default_rng([self._seed, passed]).permutation(self._blocks)
            self._pass = passed
        return int(self._order[place])


ROUND: Final = 1_000
"""Sequences in which every group of a mixture has its exact share."""


class Mixture:
    """Of which group the n-th sequence is: a pure function of seed and n.

    In every round of a thousand sequences each group has as many as its weight says; only their
    order differs from round to round. So how many a group gave before any n needs no counting.
    """

    def __init__(self, weights: Sequence[float], seed: int) -> None:
        """Mix groups.

        Args:
            weights: of each; one that is above zero gives at least one sequence in a round.
            seed: the run's.
        """
        self._quotas = quotas(weights, ROUND)
        self._seed = seed
        self._round = -1
        self._groups: npt.NDArray[np.int64] = np.empty(0, np.int64)
        self._numbers: npt.NDArray[np.int64] = np.empty(0, np.int64)

    def of(self, sequence: int) -> tuple[int, int]:
        """Return a sequence's group, and which of that group's it is; all are numbered from 0."""
        turn, place = divmod(sequence, ROUND)
        if turn != self._round:
            self._shuffle(turn)
        return int(self._groups[place]), int(self._numbers[place])

    def _shuffle(self, turn: int) -> None:
        groups = np.repeat(np.arange(len(self._quotas)), self._quotas)
        self._groups = np.random.default_rng([self._seed, turn, ROUND]).permutation(groups)
        self._numbers = np.empty_like(self._groups)
        for group, quota in enumerate(self._quotas):
            self._numbers[self._groups == group] = np.arange(turn * quota, (turn + 1) * quota)
        self._round = turn


def quotas(weights: Sequence[float], total: int) -> list[int]:
    """Return whole numbers in the ratio of weights, by largest remainders, that add up to `total`.

    Args:
        weights: at least one above zero; there are fewer than `total`.
        total: what is shared.
    """
    whole = sum(weights)
    exact = [weight / whole * total for weight in weights]
    shares = [max(int(share), int(share > 0)) for share in exact]
    by_remainder = sorted(range(len(exact)), key=lambda n: (shares[n] - exact[n], n))
    for n in by_remainder[: max(0, total - sum(shares))]:
        shares[n] += 1
    while sum(shares) > total:  # what the least weights got beyond their share
        shares[shares.index(max(shares))] -= 1
    return shares


def of_rank(step: int, global_batch: int, rank: int, ranks: int) -> range:
    """Return the numbers of the sequences that a rank takes in the step numbered from 0."""
    share = global_batch // ranks
    first = step * global_batch + rank * share
    return range(first, first + share)


def exhausted(scores: Sequence[float], patience: int | None, least: float = 0.0) -> bool:
    """Say whether so many validations in a row brought nothing.

    Args:
        scores: of every validation so far, the lower the better; the first of the model before its
            first step.
        patience: how many may; None: any number.
        least: by how much one has to be below the lowest before it, to have brought something.
    """
    if patience is None:
        return False
    lowest, waited = math.inf, -1
    for score in scores:
        if score < lowest - least:
            lowest, waited = score, 0
        else:
            waited += 1
    return waited >= patience


def best(scores: Sequence[float]) -> int | None:
    """Return the place of the lowest score after the first step, of equal ones the first."""
    places = range(1, len(scores))
    return min(places, key=scores.__getitem__) if places else None


DIVERGENCE_STEPS: Final = 20


class Divergence:
    """Whether the mean of the last twenty losses lies far above the lowest that any twenty had."""

    def __init__(self, margin: float, before: Iterable[float] = ()) -> None:
        """Watch losses.

        Args:
            margin: how far is too far, in nats.
            before: the losses of a run that is resumed.
        """
        self._margin = margin
        self._last: deque[float] = deque(maxlen=DIVERGENCE_STEPS)
        self._lowest = math.inf
        for loss in before:
            self.see(loss)

    def see(self, loss: float) -> bool:
        """Take the loss of the next step; say whether training has diverged."""
        self._last.append(loss)
        if len(self._last) < DIVERGENCE_STEPS:
            return False
        mean = sum(self._last) / DIVERGENCE_STEPS
        self._lowest = min(self._lowest, mean)
        return mean > self._lowest + self._margin


def kept(steps: Iterable[int], keep: int) -> frozenset[int]:
    """Return which checkpoints stay: the newest ones, and one that no divergence can spoil.

    A divergence is noticed by the mean of twenty losses, so the weights of the steps among them may
    be bad already. The newest checkpoint from before such a window is kept for that; and the oldest
    one after it, which takes its place when the window has moved on.

    Args:
        steps: after how many steps each was taken.
        keep: how many of the newest stay.
    """
    newest_first = sorted(steps, reverse=True)
    good = before_window(newest_first, newest_first[0]) if newest_first else None
    place = len(newest_first) if good is None else newest_first.index(good)
    return frozenset(newest_first[:keep] + newest_first[max(0, place - 1) : place + 1])


def before_window(steps: Iterable[int], step: int) -> int | None:
    """Return the newest checkpoint from before the losses by which `step` is judged."""
    return max((one for one in steps if one <= step - DIVERGENCE_STEPS), default=None)


def utilisation(parameters: int, tokens_per_second: float, ranks: int, teraflops: float) -> float:
    """Return the share of the devices' peak that training uses: MFU.

    Six operations for each parameter and token (Kaplan et al. 2020; Chowdhery et al. 2022, B);
    attention's own, which a long sequence adds, are left out, so it is a lower bound.
    """
    return 6 * parameters * tokens_per_second / (ranks * teraflops * 1e12)


class RankError(FrozenModel):
    """The last words of one rank: the contents of `errors/rank-<n>.json`."""

    rank: int
    code: int
    error: str
    message: str
    at: float
    lost_peer: bool = False


KILLED: Final = (
    "a training rank was killed by a signal (a lost node, the kernel out of memory, an operator), "
    "or ranks did not find each other, as the log then says: the next attempt resumes from the "
    "newest checkpoint"
)


def failure_of(errors: Sequence[RankError]) -> HearthError:
    """Return why training failed, which the launcher's own exit code hides.

    A rank that dies takes its peers along: their complaints about a closed connection are not
    the reason. A rank killed by a signal says nothing at all, nor does one that never began.
    """
    reasons = sorted((e for e in errors if not e.lost_peer), key=lambda error: error.at)
    if not reasons:
        return TransientError(KILLED)
    first = reasons[0]
    return error_for_exit_code(first.code, f"rank {first.rank}: {first.message}")
