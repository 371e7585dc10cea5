"""Checkpoints beside the training: a copy at once, written and sealed while steps go on."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from hearth.train import checkpoint, state
from hearth.train.run import History


class Saver:
    """One rank's part of every checkpoint. One is under way at a time."""

    def __init__(self, root: Path, identity: str, keep: int) -> None:
        """Save below a folder that all ranks see; every rank has to make its saver.

        Args:
            root: the folder.
            identity: of the run.
            keep: how many checkpoints stay.
        """
        self._root = root
        self._identity = identity
        self._keep = keep
        self._rank = dist.get_rank()
        # What the writers say to each other must not come between the training's own words.
        self._group = dist.new_group(backend="gloo")
        self._thread = ThreadPoolExecutor(1)
        self._step = 0
        self._writing: Future[Any] | None = None
        self._sealing: Future[Any] | None = None

    @property
    def written(self) -> bool:
        """Whether this rank has a share that is written and waits for the others'."""
        return self._writing is not None and self._writing.done()

    def begin(
        self,
        step: int,
        model: nn.Module,
        optimizer: torch.optim.Optimizer,
        history: History,
        best: state.Weights | None = None,
    ) -> None:
        """Take a copy of the state after `step` steps, and begin to write it."""
        self.settle()
        folder = checkpoint.aside(self._root, step)
        if self._rank == 0:
            checkpoint.clear(folder)
            state.save_history(folder, history)
        dist.barrier()
        self._writing = state.save(folder, model, optimizer, self._group, best)
        self._step = step

    def seal(self) -> None:
        """Seal what is written; only when all ranks have said so may the manifest."""
        if self._writing is None:
            return
        state.wait(self._writing)
        self._writing = None
        if self._rank == 0:
            self._sealing = self._thread.submit(self._sealed, self._step, dist.get_world_size())

    def settle(self) -> None:
        """Wait until nothing is under way."""
        if self._writing is not None:
            state.wait(self._writing)
            dist.barrier()
            self.seal()
        if self._sealing is not None:
            self._sealing.result()
            self._sealing = None
        dist.barrier()

    def _sealed(self, step: int, ranks: int) -> None:
        checkpoint.seal(self._root, step, self._identity, ranks)
        checkpoint.prune(self._root, self._keep)
