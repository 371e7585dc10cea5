"""What a checkpoint holds of torch: weights, optimizer, schedule, generators."""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import torch
from safetensors.torch import load_model, save_model
from torch import nn

from hearth.train.run import History

WEIGHTS: Final = "model.safetensors"
OPTIMIZER: Final = "optimizer.pt"
HISTORY: Final = "history.json"


def save(
    folder: Path,
    model: nn.Module,
    optimizer: torch.optim.Optimizer,
    scheduler: Any,
    history: History,
) -> None:
    """Write what all ranks share; one rank does."""
    save_model(model, str(folder / WEIGHTS))
    torch.save(
        {"optimizer": optimizer.state_dict(), "scheduler": scheduler.state_dict()},
        folder / OPTIMIZER,
    )
    (folder / HISTORY).write_text(history.model_dump_json(), "utf-8")


def save_generator(folder: Path, rank: int) -> None:
    """Write what is a rank's own: the state of torch's generator."""
    torch.save({"torch": torch.get_rng_state()}, folder / _generator(rank))


def load_weights(folder: Path, model: nn.Module) -> None:
    """Put a checkpoint's weights into a model."""
    load_model(model, str(folder / WEIGHTS))


def load_optimizer(folder: Path, optimizer: torch.optim.Optimizer, scheduler: Any) -> None:
    """Put a checkpoint's moments and place in the schedule back."""
    state = torch.load(folder / OPTIMIZER, weights_only=True)
    optimizer.load_state_dict(state["optimizer"])
    scheduler.load_state_dict(state["scheduler"])


def load_generator(folder: Path, rank: int) -> None:
    """Put a rank's generator back; one that took no part before keeps its own."""
    path = folder / _generator(rank)
    if path.is_file():
        torch.set_rng_state(torch.load(path, weights_only=True)["torch"])


def load_history(folder: Path) -> History:
    """Return what the run was like up to a checkpoint."""
    return History.model_validate_json((folder / HISTORY).read_bytes())


def _generator(rank: int) -> str:
    return f"generator-{rank}.pt"
