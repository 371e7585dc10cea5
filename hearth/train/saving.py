"""Checkpoints beside the training: a copy at once, written and sealed while steps go on."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import torch.distributed as dist

from hearth.train import checkpoint, events, state
from hearth.train.loop import Loop
from hearth.train.run import History, Times, Workspace


class Saver:
    """One rank's part of every checkpoint. One is under way at a time."""

    def __init__(self, workspace: Workspace, identity: str, keep: int) -> None:
        """Save below a folder that all ranks see; every rank has to make its saver.

        Args:
            workspace: the folder.
            identity: of the run.
            keep: how many of the newest checkpoints stay.
        """
        self._root = workspace.checkpoints
        self._events = workspace.events
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
        loop: Loop,
        history: History,
        times: Times,
        best: state.Weights | None = None,
    ) -> None:
        """Take a copy of the state after `step` steps, and begin to write it.

        Args:
            step: how many steps.
            loop: has model and optimizer.
            history: what the run was like so far; its curves' files go with it.
            times: how long it took.
            best: the weights that were best so far, if the run keeps them.
        """
        self.settle()
        folder = checkpoint.aside(self._root, step)
        if self._rank == 0:
            checkpoint.clear(folder)
            state.save_past(folder, history, times)
            events.copy(self._events, folder)
        dist.barrier()
        self._writing = state.save(folder, loop.model, loop.optimizer, self._group, best)
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
