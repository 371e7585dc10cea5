"""The ranks: their device, what of the model each holds, and how their gradients meet."""

from __future__ import annotations

import os
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
import torch.distributed as dist
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, MixedPrecisionPolicy, fully_shard
from torch.distributed.tensor import DTensor
from torch.nn.parallel import DistributedDataParallel

from hearth.errors import HearthError
from hearth.train.run import Request
from hearth.train.sections import Parallelism
from hearth.train.spec import NumericsSection, Precision


def join(threads: int) -> torch.device:
    """Meet the other ranks; return this one's device: its GPU where there is one."""
    torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(mode=True)
    if torch.cuda.is_available():
        device = torch.device("cuda", int(os.environ["LOCAL_RANK"]))
        torch.cuda.set_device(device)
        dist.init_process_group("cpu:gloo,cuda:nccl", device_id=device)
        return device
    dist.init_process_group("gloo")
    return torch.device("cpu")


def share(model: Any, request: Request, device: torch.device) -> nn.Module:
    """Return the model as this rank is to hold it."""
    model.to(device)
    if request.operation.activation_checkpointing:
        model.activation_checkpointing_enable({"use_reentrant": False})
    numerics = request.spec.numerics
    if numerics.parallelism is Parallelism.FSDP:
        return _sharded(model, numerics, device)
    return DistributedDataParallel(
        model,
        gradient_as_bucket_view=True,
        forward_sync_buffers=False,
        # DDP otherwise reorders its buckets after the first step of a process, so that with more
        # than two ranks a resumed run would add up in another order than an uninterrupted one.
        find_unused_parameters=dist.get_world_size() > 2,  # noqa: PLR2004
    )


def _sharded(model: nn.Module, numerics: NumericsSection, device: torch.device) -> nn.Module:
    mesh = init_device_mesh(device.type, (dist.get_world_size(),))
    low = torch.bfloat16 if numerics.precision is Precision.BF16 else None
    policy = MixedPrecisionPolicy(param_dtype=low, reduce_dtype=torch.float32)
    # A layer at a time: its neighbours' weights are not there while it computes.
    for name, module in model.named_modules():
        if isinstance(module, nn.ModuleList) and name.endswith("layers"):
            for layer in module:
                fully_shard(layer, mesh=mesh, mp_policy=policy)
    return fully_shard(model, mesh=mesh, mp_policy=policy)


def check(model: nn.Module, request: Request) -> None:
    """Refuse to run in another mode than asked.

    Raises:
        HearthError: there are more or fewer ranks, or the model is held in another way.
    """
    if dist.get_world_size() != request.ranks:
        message = f"ranks: there are {dist.get_world_size()}, {request.ranks} were asked for"
        raise HearthError(message)
    wanted = request.spec.numerics.parallelism
    if wanted is Parallelism.DDP:
        right = isinstance(model, DistributedDataParallel)
    else:
        moving = [weight for weight in model.parameters() if weight.requires_grad]
        right = isinstance(model, FSDPModule) and all(isinstance(w, DTensor) for w in moving)
    if not right:
        message = f"parallelism: {wanted} was asked for, and the model is a {type(model).__name__}"
        raise HearthError(message)


def inner(model: nn.Module) -> Any:
    """Return the model without DDP around it."""
    return model.module if isinstance(model, DistributedDataParallel) else model


def meet(model: nn.Module, *, last: bool) -> AbstractContextManager[None]:
    """Have gradients meet in the last micro-batch of a step only."""
    if isinstance(model, DistributedDataParallel):
        return nullcontext() if last else model.no_sync()
    if isinstance(model, FSDPModule):
        model.set_requires_gradient_sync(last)
    return nullcontext()


def clip(model: nn.Module, largest: float) -> Tensor:
    """Scale the gradient down to a norm of at most `largest`; return what its norm was."""
    moving = [weight for weight in model.parameters() if weight.requires_grad]
    norm = nn.utils.clip_grad_norm_(moving, largest)
    return norm.full_tensor() if isinstance(norm, DTensor) else norm


def memory(device: torch.device) -> int:
    """Return the most bytes that this rank has held so far."""
    if device.type == "cuda":
        return int(torch.cuda.max_memory_allocated(device))
    import resource  # noqa: PLC0415 - for a CPU only

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
