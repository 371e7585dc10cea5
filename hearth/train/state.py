"""What a checkpoint holds of torch: weights that move and the optimizer, whoever holds which part.

torch.distributed.checkpoint writes it, each rank its share, so that a run goes on with another
number of ranks, or with FSDP instead of DDP. Rates, order and random numbers are functions of the
step, and need no place in it.
"""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

import torch
import torch.distributed as dist
import torch.distributed.checkpoint as dcp
from torch import nn
from torch.distributed.checkpoint.api import CheckpointException
from torch.distributed.checkpoint.state_dict import (
    StateDictOptions,
    get_model_state_dict,
    get_state_dict,
    set_model_state_dict,
    set_state_dict,
)

from hearth.train.run import History, Times

HISTORY: Final = "history.json"
TIMES: Final = "times.json"
_MOVING: Final = StateDictOptions(ignore_frozen_params=True)


Weights = dict[str, Any]


def save(
    folder: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    group: dist.ProcessGroup,
    best: Weights | None = None,
) -> Future[Any]:
    """Take a copy of the state, and begin to write this rank's share of it.

    Args:
        folder: an empty folder that all ranks see.
        model: as the rank holds it.
        optimizer: its optimizer.
        group: in which the writers meet, beside the training.
        best: the weights that were best so far, if the run keeps them.

    Returns:
        What is done when all ranks' shares are written.
    """
    writer = dcp.FileSystemWriter(folder, overwrite=True)
    future: Future[Any] = dcp.async_save(
        _state(model, optimizer, best), storage_writer=writer, process_group=group
    )
    return future


def wait(writing: Future[Any]) -> None:
    """Wait until a checkpoint is written.

    Raises:
        Exception: what went wrong, on whichever rank: that its disk is full, that it was lost.
    """
    try:
        writing.result()
    except CheckpointException as error:  # which is no Exception, and would pass by all handlers
        raise _reason(error) from error


def load(
    folder: Path, model: nn.Module, optimizer: torch.optim.Optimizer, best: Weights | None = None
) -> None:
    """Put a checkpoint's state into a model and its optimizer.

    Args:
        folder: the checkpoint.
        model: as the rank holds it.
        optimizer: its optimizer.
        best: a copy of the model's weights, to be overwritten with the best ones.
    """
    state = _state(model, optimizer, best)
    try:
        dcp.load(state, storage_reader=dcp.FileSystemReader(folder))
    except CheckpointException as error:
        raise _reason(error) from error
    set_state_dict(
        model,
        optimizer,
        model_state_dict=state["model"],
        optim_state_dict=state["optimizer"],
        options=StateDictOptions(strict=False),
    )


def _reason(error: CheckpointException) -> Exception:
    reasons = (failure for failure, _ in error.failures.values())
    return next(
        (reason for reason in reasons if isinstance(reason, Exception)), RuntimeError(str(error))
    )


def whole(model: nn.Module) -> dict[str, torch.Tensor]:
    """Return all weights on the CPU of the first rank; every rank has to ask."""
    options = StateDictOptions(full_state_dict=True, cpu_offload=True)
    weights: dict[str, torch.Tensor] = get_model_state_dict(model, options=options)
    return weights


def save_past(folder: Path, history: History, times: Times) -> None:
    """Write what the run was like up to a checkpoint, and how long it took."""
    (folder / HISTORY).write_text(history.model_dump_json(), "utf-8")
    (folder / TIMES).write_text(times.model_dump_json(), "utf-8")


def load_history(folder: Path) -> History:
    """Return what the run was like up to a checkpoint."""
    return History.model_validate_json((folder / HISTORY).read_bytes())


def load_times(folder: Path) -> Times:
    """Return how long it took up to a checkpoint; nothing if that was not written down."""
    path = folder / TIMES
    return Times.model_validate_json(path.read_bytes()) if path.is_file() else Times()


def copied(model: nn.Module) -> Weights:
    """Return a copy of what this rank holds of the weights that move, beside its device."""
    options = StateDictOptions(ignore_frozen_params=True, cpu_offload=True)
    weights = get_model_state_dict(model, options=options)
    # On a CPU nothing was copied yet.
    return {name: weight.detach().clone() for name, weight in weights.items()}


def restore(model: nn.Module, weights: Weights) -> None:
    """Put `copied` weights back into the model; every rank has to."""
    set_model_state_dict(model, weights, options=StateDictOptions(strict=False))


def _state(
    model: nn.Module, optimizer: torch.optim.Optimizer, best: Weights | None
) -> dict[str, Any]:
    weights, moments = get_state_dict(model, optimizer, options=_MOVING)
    return {
        "model": weights,
        "optimizer": moments,
        **({"best": best} if best is not None else {}),
    }
