"""What happens around the steps: stopping, losses, validation, checkpoints, curves, pace."""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final

import torch
import torch.distributed as dist
from torch import Tensor

from hearth.errors import DataError
from hearth.train import checkpoint, state
from hearth.train.asking import Asking
from hearth.train.batches import batch_of
from hearth.train.curves import Curves, Interval
from hearth.train.data import IGNORED, TokenStream
from hearth.train.dev import DevPart
from hearth.train.loop import Loop
from hearth.train.parallel import memory
from hearth.train.plan import (
    Divergence,
    before_window,
    best,
    exhausted,
    utilisation,
    validation_steps,
)
from hearth.train.run import History, Pace, Request, Times, Validation, Workspace, write_whole
from hearth.train.saving import Saver

_PACE_SECONDS: Final = 1.0
_VALIDATION_BATCH: Final = 8


class Watch:
    """One rank's view of the run; everything that matters is agreed with the others."""

    def __init__(
        self, loop: Loop, request: Request, workspace: Workspace, history: History
    ) -> None:
        """Watch a run that has `history` behind it; every rank has to make its own."""
        self.stop_asked = False
        self.stopped = False
        self.parameters = sum(weight.numel() for weight in loop.model.parameters())
        self.steps = 0
        self._loop = loop
        self._request = request
        self._operation = request.operation
        self._workspace = workspace
        self._losses = list(history.losses)
        self._norms = list(history.gradient_norms)
        self._validations = list(history.validations)
        self._due = validation_steps(request.spec.steps, request.spec.validations)
        self._divergence = Divergence(self._operation.divergence, history.losses)
        self._rank = dist.get_rank()
        self._world = dist.get_world_size()
        self.saver = Saver(workspace, request.identity, self._operation.keep_checkpoints)
        self._curves = Curves(request, workspace, len(self._losses)) if self._rank == 0 else None
        self._asking = _asking(request, workspace)
        self._best: state.Weights | None = None
        self._stop = False
        self._before = Times()
        self._taken: dict[int, float] = {}
        self._busy = self._counted = 0.0
        self._mark = self._pace_at = 0.0

    @property
    def history(self) -> History:
        """What the run was like so far."""
        return History(
            losses=tuple(self._losses),
            gradient_norms=tuple(self._norms),
            validations=tuple(self._validations),
        )

    @property
    def times(self) -> Times:
        """How long it took so far, to the last checkpoint of those before it and since then."""
        validations = {**self._before.validations, **self._taken}
        return Times(now=self._before.now + self._busy, validations=validations)

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens of all ranks per second of training, validation left out, since the start."""
        return self.steps * self._step_tokens / self._busy if self._busy else None

    @property
    def utilisation(self) -> float | None:
        """The share of the devices' peak that training uses, if the peak is known."""
        return self._used(self.tokens_per_second)

    @property
    def exhausted(self) -> bool:
        """Whether validation says to end early; the same on all ranks, and after a restart."""
        spec = self._request.spec
        return exhausted(self.history.judged, spec.patience, spec.min_delta)

    def resume(self, found: Path) -> None:
        """Take up the state of a checkpoint, which has the history that the watch was made with."""
        if self._keeps_best and len(self._validations) > 1:
            self._best = state.copied(self._loop.model)
        state.load(found, self._loop.model, self._loop.optimizer, self._best)
        self._before = state.load_times(found)
        if self._curves is not None:
            self._curves.resume(found)

    def end(self) -> None:
        """Give the model the weights that are to be published, and say what metrics were lost."""
        if self._best is not None:
            state.restore(self._loop.model, self._best)
        if self._curves is not None:
            self._curves.close()

    def begin(self) -> None:
        """Take the first validation loss, of the model before its first step."""
        if not self._losses:
            self._validate(0)
        self._mark = time.monotonic()
        self._report_pace(len(self._losses))

    def agree(self, step: int, loss: Tensor, norm: Tensor) -> None:
        """Share a step's loss, stopping and writing; stop before a bad gradient moves a weight.

        Raises:
            DataError: training has diverged.
        """
        flags = [float(self.stop_asked), float(self.saver.written)]
        shared = torch.tensor([loss.item(), *flags], dtype=torch.float64)
        dist.all_reduce(shared)
        mean, stop, written = shared.tolist()
        size = norm.item()
        self._stop = stop > 0
        if not (math.isfinite(mean) and math.isfinite(size)) or self._divergence.see(mean):
            self.saver.settle()
            raise DataError(self._diverged(step, mean, size))
        if written == self._world:
            self.saver.seal()
        self._losses.append(mean)
        self._norms.append(size)

    def after(self, step: int) -> bool:
        """Validate, checkpoint and report where that is due; say whether to go on."""
        self.steps += 1
        self._busy += time.monotonic() - self._mark
        if step in self._due:
            self._validate(step)
        last = step == self._request.spec.steps or self.exhausted
        # Before the checkpoint, which takes the curves along.
        if step % self._operation.interval_steps == 0 or last:
            self._interval(step)
        begun = time.monotonic()
        if self._stop or last or step % self._operation.checkpoint_steps == 0:
            self.saver.begin(step, self._loop, self.history, self.times, self._best)
        if self._stop or last:
            self.saver.settle()
        self._busy += time.monotonic() - begun
        self.stopped = self._stop and not last
        self._report_pace(step)
        self._mark = time.monotonic()
        return not (self.stopped or last)

    @property
    def _keeps_best(self) -> bool:
        return self._request.spec.patience is not None

    @property
    def _step_tokens(self) -> int:
        return self._request.spec.numerics.global_batch * self._request.spec.sequence_length

    def _used(self, tokens_per_second: float | None) -> float | None:
        peak = self._operation.peak_teraflops
        if peak is None or tokens_per_second is None:
            return None
        return utilisation(self.parameters, tokens_per_second, self._world, peak)

    def _diverged(self, step: int, loss: float, norm: float) -> str:
        rate = self._request.spec.optimizer
        kept = checkpoint.sealed_steps(self._workspace.checkpoints)
        # A loss that is no number is noticed at once, one that rises only by the mean of many.
        at_once = not (math.isfinite(loss) and math.isfinite(norm))
        good = max(kept, default=None) if at_once else before_window(kept, step)
        since = [one for one in kept if good is None or one > good]
        return (
            f"loss: is {loss:.4g}, with a gradient of norm {norm:.4g}, at step {step}: training "
            f"diverged. Lower optimizer.learning_rate ({rate.learning_rate:g}) or "
            f"matrix_learning_rate ({rate.matrix_learning_rate:g}), lengthen "
            "schedule.warmup_steps, or look for broken text in the corpus. "
            f"Last good checkpoint: {_steps([good])}"
            + (f"; among the losses that say so: {_steps(since)}" if since else "")
        )

    @torch.no_grad()
    def _validate(self, step: int) -> None:
        model = self._loop.model
        model.eval()
        losses = {language: self._loss_on(language) for language in self._request.bytes_per_token}
        dev = self._asking(lambda batch: -self._loop.by_row(batch)) if self._asking else None
        model.train()
        validation = Validation(
            step=step,
            loss=sum(losses.values()) / len(losses),
            bits_per_byte={
                language: loss / math.log(2) / self._request.bytes_per_token[language]
                for language, loss in losses.items()
            },
            dev=dev,
        )
        self._validations.append(validation)
        self._taken[step] = self._before.now + self._busy
        if self._keeps_best and best(self.history.judged) == len(self._validations) - 1:
            self._best = state.copied(model)
        if self._curves is not None:
            self._curves.validation(validation)

    def _loss_on(self, language: str) -> float:
        length = self._request.spec.sequence_length
        stream = TokenStream(self._workspace.validation(language), length)
        count = min(stream.blocks, self._request.spec.validation_sequences)
        # Spread over the whole split, in its order; ranks take turns.
        blocks = [n * stream.blocks // count for n in range(count)]
        mine = blocks[self._rank :: self._world]
        # Ranks that share a model compute together, so each needs as many blocks as the others.
        spare = -(-count // self._world) - len(mine)
        mine += blocks[:spare]
        total = torch.zeros(2, dtype=torch.float64)
        for start in range(0, len(mine), _VALIDATION_BATCH):
            batch = batch_of(stream.read(mine[start : start + _VALIDATION_BATCH]))
            if spare and start + _VALIDATION_BATCH >= len(mine):
                batch["targets"][-spare:] = IGNORED
            total[0] += self._loop.summed(batch).double().cpu()
            total[1] += (batch["targets"] != IGNORED).sum()
        dist.all_reduce(total)
        return float(total[0] / total[1])

    def _interval(self, step: int) -> None:
        """Add a point to the curves: of the steps since the last one, its pace."""
        seconds = self._busy - self._counted
        self._counted = self._busy
        steps = step % self._operation.interval_steps or self._operation.interval_steps
        rate = min(steps, self.steps) * self._step_tokens / seconds if seconds else None
        if self._curves is not None:
            interval = Interval(
                loss=self._losses[-1],
                gradient_norm=self._norms[-1],
                learning_rate=self._loop.optimizer.param_groups[-1]["lr"],
                tokens_per_second=rate,
                mfu=self._used(rate),
                memory_bytes=float(memory(self._loop.device)),
            )
            self._curves.interval(step, interval)

    def _report_pace(self, step: int) -> None:
        now = time.monotonic()
        due = now - self._pace_at >= _PACE_SECONDS or step == self._request.spec.steps
        if self._rank == 0 and due:
            self._pace_at = now
            pace = Pace(
                step=step,
                loss=self._losses[-1] if self._losses else 0.0,
                gradient_norm=self._norms[-1] if self._norms else 0.0,
                tokens_per_second=self.tokens_per_second or 0.0,
                mfu=self.utilisation,
                memory_bytes=memory(self._loop.device),
            )
            write_whole(self._workspace.pace, pace)


def _steps(steps: Iterable[int | None]) -> str:
    return ", ".join(f"step {step}" for step in steps if step is not None) or "none"


def _asking(request: Request, workspace: Workspace) -> Asking | None:
    if not request.dev:
        return None
    part = DevPart.model_validate_json(workspace.dev.read_bytes())
    spec = request.spec
    return Asking(part, spec.numerics.micro_batch * spec.sequence_length)
