"""transformers' Trainer, with what Hearth does differently: data order, loss, resuming.

Trainer runs the loop: forward, backward, accumulation, clipping, DDP, autocast. Its own
checkpoints are off, because it writes them in place, takes the highest number unchecked and
skips through the data to resume; its hooks for resuming read Hearth's instead.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.utils.data import DataLoader, IterableDataset
from transformers import PrinterCallback, Trainer, TrainingArguments
from transformers.utils.logging import disable_progress_bar

from hearth.train import optimizer, state
from hearth.train.data import TokenStream
from hearth.train.plan import DataOrder, rate_at
from hearth.train.run import Request, Workspace
from hearth.train.spec import Precision

Batch = dict[str, Tensor]


class Batches(IterableDataset[Batch]):
    """The micro-batches of one rank, from a step on, to the last step."""

    def __init__(self, stream: TokenStream, request: Request, rank: int, first_step: int) -> None:
        """Begin at the step numbered `first_step` from 0."""
        self._stream = stream
        self._spec = request.spec
        self._rank = rank
        self._first = first_step

    def __iter__(self) -> Iterator[Batch]:
        """Yield inputs and targets, each of shape (micro_batch, sequence_length)."""
        numerics = self._spec.numerics
        order = DataOrder(self._stream.blocks, self._spec.seed)
        for step in range(self._first, self._spec.steps):
            blocks = order.of_rank(step, numerics.global_batch, self._rank, numerics.world_size)
            for start in range(0, len(blocks), numerics.micro_batch):
                rows = self._stream.read(blocks[start : start + numerics.micro_batch])
                tokens = torch.from_numpy(rows)
                yield {"input_ids": tokens[:, :-1], "targets": tokens[:, 1:]}


def token_loss(model: nn.Module, batch: Batch, reduction: str = "mean") -> Tensor:
    """Return the cross-entropy of predicting each next token, in nats."""
    logits = model(input_ids=batch["input_ids"], use_cache=False).logits
    return functional.cross_entropy(
        logits.flatten(0, 1).float(), batch["targets"].flatten(), reduction=reduction
    )


def arguments(request: Request, workspace: Workspace) -> TrainingArguments:
    """Return what Trainer is told: nothing is saved, logged or evaluated by itself."""
    spec = request.spec
    return TrainingArguments(
        output_dir=str(workspace.root / "trainer"),
        max_steps=spec.steps,
        per_device_train_batch_size=spec.numerics.micro_batch,
        gradient_accumulation_steps=spec.numerics.accumulation,
        average_tokens_across_devices=False,
        max_grad_norm=spec.optimizer.clip,
        seed=spec.seed,
        bf16=spec.numerics.precision is Precision.BF16,
        use_cpu=not torch.cuda.is_available(),
        ddp_backend="gloo",
        # DDP otherwise reorders its buckets after the first step of a process, so that with more
        # than two ranks a resumed run would add up in another order than an uninterrupted one.
        ddp_find_unused_parameters=spec.numerics.world_size > 2,  # noqa: PLR2004
        ignore_data_skip=True,
        logging_nan_inf_filter=False,
        save_strategy="no",
        eval_strategy="no",
        logging_strategy="no",
        report_to=[],
        disable_tqdm=True,
        remove_unused_columns=False,
    )


class HearthTrainer(Trainer):
    """One rank of a run."""

    def __init__(
        self, model: nn.Module, request: Request, workspace: Workspace, stream: TokenStream
    ) -> None:
        """Prepare a run from its first step; `train` may resume it."""
        super().__init__(model=model, args=arguments(request, workspace))
        self.optimizer: torch.optim.Optimizer | None
        self.lr_scheduler: torch.optim.lr_scheduler.LRScheduler | None
        # Progress is the watch's to tell.
        self.remove_callback(PrinterCallback)
        disable_progress_bar()
        self._request = request
        self._stream = stream
        self._first_step = 0
        self.step_loss = torch.zeros(())

    def resume(self, checkpoint: Path, step: int) -> None:
        """Run from a verified checkpoint, taken after `step` steps, to the end."""
        self._first_step = step
        self.train(resume_from_checkpoint=str(checkpoint))

    def get_train_dataloader(self) -> DataLoader[Batch]:
        """Return this rank's batches; they are not Accelerate's to split."""
        batches = Batches(self._stream, self._request, self.args.process_index, self._first_step)
        return DataLoader(batches, batch_size=None)

    def compute_loss(
        self,
        model: nn.Module,
        inputs: Batch,
        return_outputs: bool = False,  # noqa: FBT001, FBT002 - Trainer's signature
        num_items_in_batch: Tensor | int | None = None,
    ) -> Tensor:
        """Return the mean loss of a micro-batch; all are of one size, so means may be averaged."""
        del return_outputs, num_items_in_batch
        return token_loss(model, inputs)

    def training_step(
        self, model: nn.Module, inputs: Batch, num_items_in_batch: Tensor | int | None = None
    ) -> Tensor:
        """Take a micro-batch, and keep its share of the step's loss."""
        loss = super().training_step(model, inputs, num_items_in_batch)
        self.step_loss += loss.detach()
        return loss

    def create_optimizer(self, model: nn.Module | None = None) -> torch.optim.Optimizer:
        """Return the spec's optimizer."""
        if self.optimizer is None:
            self.optimizer = optimizer.build(model or self.model, self._request.spec.optimizer)
        return self.optimizer

    def create_scheduler(
        self, num_training_steps: int, optimizer: torch.optim.Optimizer | None = None
    ) -> torch.optim.lr_scheduler.LRScheduler:
        """Return the spec's schedule."""
        if self.lr_scheduler is None:
            schedule = self._request.spec.schedule
            self.lr_scheduler = torch.optim.lr_scheduler.LambdaLR(
                optimizer or self.optimizer,
                lambda step: rate_at(step, num_training_steps, schedule),
            )
        return self.lr_scheduler

    def floating_point_ops(self, inputs: Batch) -> int:
        """Count nothing: Trainer would walk all parameters in every micro-batch."""
        del inputs
        return 0

    def _load_from_checkpoint(
        self, resume_from_checkpoint: str, model: nn.Module | None = None
    ) -> None:
        state.load_weights(Path(resume_from_checkpoint), model or self.model)

    def _load_optimizer_and_scheduler(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            state.load_optimizer(Path(checkpoint), self.optimizer, self.lr_scheduler)

    def _load_rng_state(self, checkpoint: str | None) -> None:
        if checkpoint is not None:
            state.load_generator(Path(checkpoint), self.args.process_index)
