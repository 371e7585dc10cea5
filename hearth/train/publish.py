"""The model as others load it: whole, adapters merged, in Hugging Face's files."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
import torch.distributed as dist
from torch import nn

from hearth.train import state, tokenizer
from hearth.train.network import network
from hearth.train.parallel import inner
from hearth.train.run import Request, Workspace
from hearth.train.sections import Parallelism


def publish(model: nn.Module, request: Request, workspace: Workspace) -> None:
    """Write the model's folder, and the adapter's beside it; every rank has to call it."""
    whole = inner(model)
    if request.spec.numerics.parallelism is Parallelism.FSDP:
        weights = state.whole(model)
        if dist.get_rank() == 0:
            whole = network(request, workspace)
            whole.load_state_dict(weights, assign=True)
    if dist.get_rank() == 0:
        _write(whole.to("cpu"), request, workspace)


def _write(model: Any, request: Request, workspace: Workspace) -> None:
    if request.spec.lora is not None:
        # Otherwise PEFT asks a hub whether the base's vocabulary was another.
        model.save_pretrained(workspace.adapter, save_embedding_layers=False)
        # A card that says nothing: ours stands beside the merged model.
        (workspace.adapter / "README.md").unlink(missing_ok=True)
        model = model.merge_and_unload()
    model.generation_config.update(do_sample=True, **request.spec.sampling.model_dump())
    model.config.dtype = torch.float32
    model.save_pretrained(workspace.model)
    if request.spec.base is None:
        tokenizer.save(workspace.tokenizer, workspace.model, request.spec.sequence_length)
    else:
        _copy_tokenizer(workspace.base, workspace.model)


def _copy_tokenizer(base: Path, folder: Path) -> None:
    from transformers import AutoTokenizer  # noqa: PLC0415 - only where there is a base

    AutoTokenizer.from_pretrained(base, local_files_only=True).save_pretrained(folder)
