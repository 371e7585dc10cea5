"""What comes of a rollout: its steps as they end, and how it ended as a whole."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from hearth.errors import GateFailed
from hearth.model import FrozenModel

STEP: Final = "step"
"""The name of a step that gave the candidate more traffic."""


class RolloutFailed(GateFailed):
    """The candidate was tried at the endpoint, and refused; what served before still does."""


class RolloutStep(FrozenModel):
    """Something that a rollout did, with its numbers."""

    name: str
    weight: int
    message: str
    numbers: dict[str, float] = {}


class RolloutResult(FrozenModel):
    """How a rollout ended well."""

    endpoint: str
    url: str
    version: str
    replaced: str | None
    changed: bool
    seconds: float
    steps: tuple[RolloutStep, ...]


Report = Callable[[RolloutStep], None]
"""Told of each step as it ends."""
