"""The batches of a run as tensors, and the loss of one."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from hearth.train.data import IGNORED, TARGET, Tokens, TokenStream, inputs
from hearth.train.plan import DataOrder, Mixture, of_rank
from hearth.train.run import Request

Batch = dict[str, Tensor]


class Batches:
    """What one rank takes in each step: a pure function of the seed and the step."""

    def __init__(self, request: Request, streams: list[Path], rank: int, ranks: int) -> None:
        """Open the tokens of each group.

        Args:
            request: what is trained.
            streams: the groups' tokens.
            rank: this one.
            ranks: of how many.
        """
        spec = request.spec
        self._spec = spec
        self._rank, self._ranks = rank, ranks
        self._streams = [TokenStream(path, spec.sequence_length) for path in streams]
        self._orders = [DataOrder(stream.blocks, spec.seed) for stream in self._streams]
        self._mixture = Mixture([group.weight for group in request.groups], spec.seed)

    def of_step(self, step: int) -> tuple[list[Batch], int]:
        """Return a step's micro-batches, and how many tokens all ranks learn in it."""
        numerics = self._spec.numerics
        mine = of_rank(step, numerics.global_batch, self._rank, self._ranks)
        rows = self._read(mine)
        size = numerics.micro_batch
        micro = [batch_of(rows[at : at + size]) for at in range(0, len(rows), size)]
        return micro, self._learnt(step)

    def _learnt(self, step: int) -> int:
        """Count the targets of a step: every rank can, without asking the others."""
        whole = self._read(of_rank(step, self._spec.numerics.global_batch, 0, 1))
        return int(((whole["marks"][:, 1:] & TARGET) > 0).sum())

    def _read(self, sequences: range) -> Tokens:
        return np.concatenate([self._row(sequence) for sequence in sequences])

    def _row(self, sequence: int) -> Tokens:
        alone = len(self._streams) == 1
        group, number = (0, sequence) if alone else self._mixture.of(sequence)
        return self._streams[group].read([self._orders[group].block(number)])


def batch_of(rows: Tokens) -> Batch:
    """Return rows of tokens, shape (rows, sequence_length + 1), as a model's input and targets."""
    ids, targets, positions = (torch.from_numpy(part.copy()) for part in inputs(rows))
    return {"input_ids": ids, "targets": targets, "position_ids": positions}


def row_losses(model: nn.Module, batch: Batch) -> Tensor:
    """Return the summed cross-entropy of each row of a batch, in nats.

    Logits are made from the first place on that any row has a target in.
    """
    asked = (batch["targets"] != IGNORED).any(0)
    asked[-1] = True  # something has to be asked for
    targets = batch["targets"][:, int(asked.nonzero()[0]) :]
    logits = model(
        input_ids=batch["input_ids"],
        position_ids=batch["position_ids"],
        use_cache=False,
        logits_to_keep=targets.size(1),
    ).logits
    each = functional.cross_entropy(
        logits.float().transpose(1, 2), targets, ignore_index=IGNORED, reduction="none"
    )
    return each.sum(1)


def summed_loss(model: nn.Module, batch: Batch) -> Tensor:
    """Return the summed cross-entropy of the tokens that are learnt, in nats.

    transformers sees from the positions where documents start, and lets no token attend to another
    document's.
    """
    logits = model(
        input_ids=batch["input_ids"], position_ids=batch["position_ids"], use_cache=False
    ).logits
    return functional.cross_entropy(
        logits.flatten(0, 1).float(),
        batch["targets"].flatten(),
        ignore_index=IGNORED,
        reduction="sum",
    )
