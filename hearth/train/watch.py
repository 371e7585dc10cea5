"""What happens around the steps: agreeing to stop, losses, validation, checkpoints, pace."""

from __future__ import annotations

import math
import time
from pathlib import Path
from typing import Any, Final

import torch
import torch.distributed as dist
from transformers import (
    PreTrainedModel,
    TrainerCallback,
    TrainerControl,
    TrainerState,
    TrainingArguments,
)

from hearth.errors import DataError
from hearth.train import checkpoint, state
from hearth.train.data import TokenStream
from hearth.train.plan import validation_steps
from hearth.train.run import History, Pace, Request, Validation, Workspace, write_whole
from hearth.train.trainer import HearthTrainer, token_loss

_PACE_SECONDS: Final = 1.0
_TRAINER_STATE: Final = "trainer_state.json"
_VALIDATION_BATCH: Final = 8


class Watch(TrainerCallback):
    """One rank's view of the run; everything that matters is agreed with the others."""

    def __init__(
        self, trainer: HearthTrainer, request: Request, workspace: Workspace, history: History
    ) -> None:
        """Watch a run that has `history` behind it."""
        self.stop_asked = False
        self.stopped = False
        self.saved: int | None = None
        self._trainer = trainer
        self._request = request
        self._workspace = workspace
        self._losses = list(history.losses)
        self._validations = list(history.validations)
        self._due = validation_steps(request.spec.steps, request.spec.validations)
        self._rank = dist.get_rank()
        self._world = dist.get_world_size()
        self._busy = 0.0
        self._steps = 0
        self._mark = self._pace_at = 0.0

    @property
    def history(self) -> History:
        """What the run was like so far."""
        return History(losses=tuple(self._losses), validations=tuple(self._validations))

    @property
    def tokens_per_second(self) -> float | None:
        """Tokens of all ranks per second of training, validation left out, since the start."""
        numbers = self._request.spec
        tokens = self._steps * numbers.numerics.global_batch * numbers.sequence_length
        return tokens / self._busy if self._busy else None

    @property
    def steps(self) -> int:
        """Steps taken since the start or the resumption."""
        return self._steps

    def on_train_begin(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **_: Any
    ) -> None:
        """Take the first validation loss, of the untrained model."""
        del args, control
        if state.global_step == 0:
            self._validate(0)
        self._mark = time.monotonic()

    def on_step_end(
        self, args: TrainingArguments, state: TrainerState, control: TrainerControl, **given: Any
    ) -> None:
        """Agree on loss and stopping; validate, checkpoint and report where that is due."""
        del args
        step = state.global_step
        loss, stop = self._agree()
        if not math.isfinite(loss):
            raise DataError(self._diverged(step, loss))
        self._losses.append(loss)
        self._steps += 1
        self._busy += time.monotonic() - self._mark
        if step in self._due:
            self._validate(step)
        begun = time.monotonic()
        last = step == self._request.spec.steps
        if stop or last or step % self._request.operation.checkpoint_steps == 0:
            self._checkpoint(step, state, given["optimizer"], given["lr_scheduler"])
            self._busy += time.monotonic() - begun
        if stop and not last:
            self.stopped = True
            control.should_training_stop = True
        self._report_pace(step, loss)
        self._mark = time.monotonic()

    def _agree(self) -> tuple[float, bool]:
        """Return the step's mean loss and whether any rank was asked to stop: alike everywhere."""
        shared = torch.stack(
            [self._trainer.step_loss, torch.tensor(float(self.stop_asked))]
        ).double()
        dist.all_reduce(shared)
        self._trainer.step_loss.zero_()
        return shared[0].item() / self._world, shared[1].item() > 0

    def _diverged(self, step: int, loss: float) -> str:
        rate = self._request.spec.optimizer
        kept = checkpoint.sealed_steps(self._workspace.checkpoints)
        return (
            f"loss: is {loss} at step {step}: training diverged. Lower optimizer.learning_rate "
            f"({rate.learning_rate:g}) or matrix_learning_rate ({rate.matrix_learning_rate:g}), "
            "lengthen schedule.warmup_steps, or look for broken text in the corpus. "
            f"Checkpoints before it: {', '.join(map(str, kept)) or 'none'}"
        )

    @torch.no_grad()
    def _validate(self, step: int) -> None:
        model = self._model()
        model.eval()
        losses = {
            language: self._loss_on(language, model) for language in self._request.bytes_per_token
        }
        model.train()
        self._validations.append(
            Validation(
                step=step,
                loss=sum(losses.values()) / len(losses),
                bits_per_byte={
                    language: loss / math.log(2) / self._request.bytes_per_token[language]
                    for language, loss in losses.items()
                },
            )
        )

    def _loss_on(self, language: str, model: PreTrainedModel) -> float:
        length = self._request.spec.sequence_length
        stream = TokenStream(self._workspace.validation(language), length)
        count = min(stream.blocks, self._request.spec.validation_sequences)
        # Spread over the whole split, in its order; ranks take turns.
        blocks = [n * stream.blocks // count for n in range(count)][self._rank :: self._world]
        total = torch.zeros(2, dtype=torch.float64)
        for start in range(0, len(blocks), _VALIDATION_BATCH):
            tokens = torch.from_numpy(stream.read(blocks[start : start + _VALIDATION_BATCH]))
            batch = {"input_ids": tokens[:, :-1], "targets": tokens[:, 1:]}
            total[0] += token_loss(model, batch, reduction="sum").double()
            total[1] += batch["targets"].numel()
        dist.all_reduce(total)
        return float(total[0] / total[1])

    def _model(self) -> PreTrainedModel:
        return self._trainer.model

    def _checkpoint(
        self, step: int, trainer_state: TrainerState, optimizer: Any, scheduler: Any
    ) -> None:
        root = self._workspace.checkpoints
        folder = checkpoint.aside(root, step)
        if self._rank == 0:
            self._write(folder, trainer_state, optimizer, scheduler)
        dist.barrier()
        state.save_generator(folder, self._rank)
        # Only when every rank's part is there may the manifest say that the whole is.
        dist.barrier()
        if self._rank == 0:
            checkpoint.seal(root, step, self._request.identity, self._world)
            checkpoint.prune(root, self._request.operation.keep_checkpoints)
        self.saved = step

    def _write(
        self, folder: Path, trainer_state: TrainerState, optimizer: Any, scheduler: Any
    ) -> None:
        checkpoint.clear(folder)
        trainer_state.save_to_json(str(folder / _TRAINER_STATE))
        state.save(folder, self._model(), optimizer, scheduler, self.history)

    def _report_pace(self, step: int, loss: float) -> None:
        now = time.monotonic()
        due = now - self._pace_at >= _PACE_SECONDS or step == self._request.spec.steps
        if self._rank == 0 and due:
            self._pace_at = now
            rate = self.tokens_per_second or 0.0
            write_whole(self._workspace.pace, Pace(step=step, loss=loss, tokens_per_second=rate))
