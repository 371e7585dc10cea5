"""Muon in fp32, with AdamW for what is no matrix of a layer.

torch has a Muon of its own, which orthogonalises in bf16: on a CPU without bf16 instructions
that takes longer than the whole backward pass, and the bits depend on the instruction set. This
one computes in the precision of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any, Final

import torch
from torch import Tensor, nn
from torch.distributed.tensor import DTensor, distribute_tensor

from hearth.train.spec import OptimizerKind, OptimizerSection

# Keller Jordan, https://kellerjordan.github.io/posts/muon/: the quintic's coefficients that rise
# fastest at zero; after five rounds singular values lie between about 0.7 and 1.2.
_QUINTIC: Final = (3.4445, -4.7750, 2.0315)
_ROUNDS: Final = 5
_EPSILON: Final = 1e-8


def orthogonalise(matrix: Tensor) -> Tensor:
    """Return about the nearest matrix whose singular values are all 1 (Newton-Schulz)."""
    a, b, c = _QUINTIC
    x = matrix.T if matrix.size(0) > matrix.size(1) else matrix
    x = x / (x.norm() + _EPSILON)
    for _ in range(_ROUNDS):
        gram = x @ x.T
        x = torch.addmm(x, torch.addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if matrix.size(0) > matrix.size(1) else x


def _whole(part: Tensor) -> Tensor:
    """Return a matrix of which the ranks may hold rows each: only a whole one has its values."""
    return part.full_tensor() if isinstance(part, DTensor) else part


def _like(whole: Tensor, weight: Tensor) -> Tensor:
    """Return what this rank holds of a matrix that every rank has computed alike."""
    if isinstance(weight, DTensor):
        mesh, placements = weight.device_mesh, weight.placements
        return distribute_tensor(whole, mesh, placements, src_data_rank=None)
    return whole


class Muon(torch.optim.Optimizer):
    """Momentum, orthogonalised, for groups with `matrix=True`; AdamW for the others."""

    def __init__(self, groups: Iterable[dict[str, Any]], section: OptimizerSection) -> None:
        """Optimise groups of parameters, each with `matrix`, `lr` and `weight_decay`."""
        defaults = {"momentum": section.momentum, "betas": section.betas}
        super().__init__(groups, defaults)

    @torch.no_grad()
    def step(self, closure: Callable[[], float] | None = None) -> float | None:
        """Take one step."""
        loss = closure() if closure is not None else None
        for group in self.param_groups:
            move = self._matrix if group["matrix"] else self._vector
            for weight in group["params"]:
                if weight.grad is not None:
                    weight.mul_(1 - group["lr"] * group["weight_decay"])
                    move(weight, group)
        return loss

    def _matrix(self, weight: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["momentum"] = torch.zeros_like(weight)
        state["momentum"].lerp_(weight.grad, 1 - group["momentum"])
        update = _whole(torch.lerp(weight.grad, state["momentum"], group["momentum"]))
        update = _like(orthogonalise(update), weight)
        scale = math.sqrt(max(1.0, weight.size(0) / weight.size(1)))
        weight.add_(update, alpha=-group["lr"] * scale)

    def _vector(self, weight: Tensor, group: dict[str, Any]) -> None:
        state = self.state[weight]
        if not state:
            state["step"] = 0
            state["mean"], state["square"] = torch.zeros_like(weight), torch.zeros_like(weight)
        state["step"] += 1
        first, second = group["betas"]
        state["mean"].lerp_(weight.grad, 1 - first)
        state["square"].mul_(second).addcmul_(weight.grad, weight.grad, value=1 - second)
        size = group["lr"] / (1 - first ** state["step"])
        bottom = (state["square"] / (1 - second ** state["step"])).sqrt_().add_(_EPSILON)
        weight.addcdiv_(state["mean"], bottom, value=-size)


def build(model: nn.Module, section: OptimizerSection) -> torch.optim.Optimizer:
    """Return the optimizer of a model: its layers' matrices apart from embeddings and vectors."""
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    for name, weight in model.named_parameters():
        if not weight.requires_grad:
            continue
        inside = weight.ndim == 2 and "embed" not in name and "lm_head" not in name  # noqa: PLR2004
        (matrices if inside else others).append(weight)
    muon = section.kind is OptimizerKind.MUON
    groups = [
        {
            "params": matrices,
            "lr": section.matrix_learning_rate if muon else section.learning_rate,
            "weight_decay": section.weight_decay,
        },
        {"params": others, "lr": section.learning_rate, "weight_decay": 0.0},
    ]
    if muon:
        kinds = zip((True, False), groups, strict=True)
        return Muon([{**group, "matrix": matrix} for matrix, group in kinds], section)
    return torch.optim.AdamW(groups, betas=section.betas, eps=_EPSILON)
