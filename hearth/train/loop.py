"""The loop: forward, backward, accumulate, clip, step. The same for DDP and FSDP2."""

from __future__ import annotations

from typing import Any, Protocol

import torch
import torch.distributed as dist
from torch import Tensor, nn

from hearth.train.batches import Batch, Batches, row_losses, summed_loss
from hearth.train.parallel import clip, meet
from hearth.train.plan import rate_at
from hearth.train.spec import Precision, TrainSpec


class Watcher(Protocol):
    """What is asked around every step."""

    def agree(self, step: int, loss: Tensor, norm: Tensor) -> None:
        """Take a step's loss (this rank's share) and gradient norm, before any weight moves."""

    def after(self, step: int) -> bool:
        """Act on the step being done; say whether to go on."""


class Loop:
    """One rank's part of a run."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        spec: TrainSpec,
        device: torch.device,
    ) -> None:
        """Prepare to train a model that `parallel.share` has made of the ranks'."""
        self.model = model
        self.optimizer = optimizer
        self.device = device
        self._spec = spec
        self._highest = [group["lr"] for group in optimizer.param_groups]

    def run(self, batches: Batches, first_step: int, watcher: Watcher) -> None:
        """Take the steps from the one numbered `first_step` (from 0) to the last."""
        self.model.train()
        for step in range(first_step, self._spec.steps):
            # So that what is dropped out depends on nothing but seed, step and rank.
            torch.manual_seed((self._spec.seed << 32) + step * 65_536 + dist.get_rank())
            loss = self._gradient(*batches.of_step(step))
            norm = clip(self.model, self._spec.optimizer.clip)
            watcher.agree(step + 1, loss, norm)
            self._move(step)
            if not watcher.after(step + 1):
                return

    def _gradient(self, micro: list[Batch], learnt: int) -> Tensor:
        """Add up the gradients of a step; return this rank's share of its mean loss."""
        total = torch.zeros((), device=self.device)
        for number, batch in enumerate(micro, start=1):
            with meet(self.model, last=number == len(micro)):
                # Ranks average their gradients, and each has only its share of the tokens.
                loss = self.summed(batch) / max(1, learnt)
                (loss * dist.get_world_size()).backward()
            total += loss.detach()
        return total

    def summed(self, batch: Batch) -> Tensor:
        """Return the summed loss of a batch, in the spec's precision."""
        with self._precision:
            return summed_loss(self.model, self._on_device(batch))

    def by_row(self, batch: Batch) -> Tensor:
        """Return the summed loss of each row of a batch, in the spec's precision."""
        with self._precision:
            return row_losses(self.model, self._on_device(batch))

    @property
    def _precision(self) -> torch.autocast:
        low = self._spec.numerics.precision is Precision.BF16
        return torch.autocast(self.device.type, torch.bfloat16, enabled=low)

    def _on_device(self, batch: Batch) -> Batch:
        return {name: part.to(self.device) for name, part in batch.items()}

    def _move(self, step: int) -> None:
        share = rate_at(step, self._spec.steps, self._spec.schedule)
        for group, highest in zip(self.optimizer.param_groups, self._highest, strict=True):
            group["lr"] = highest * share
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)


def frozen_and_moving(model: Any) -> tuple[int, int]:
    """Return how many parameters there are, and how many of them move."""
    weights = list(model.parameters())
    return sum(w.numel() for w in weights), sum(w.numel() for w in weights if w.requires_grad)
