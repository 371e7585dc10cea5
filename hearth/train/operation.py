"""How to run a training: nothing here changes a weight, so none of it is fingerprinted."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import Field

from hearth.model import FrozenModel

OPERATION: Final = "operation"
"""Under this key of a job's settings stands the `TrainOperation`."""

Count = Annotated[int, Field(ge=1, le=1_000_000_000)]


class TrainOperation(FrozenModel):
    """How to run it; none of this changes a weight, so none of it is fingerprinted."""

    checkpoint_steps: Count = Field(100, description="Steps between checkpoints.")
    keep_checkpoints: int = Field(
        2,
        ge=2,
        le=1_000,
        description="The newest ones that stay; two at least, because the newest may be damaged. "
        "Up to two older ones stay besides, for a loss that diverges and is noticed late.",
    )
    ranks: int | None = Field(
        None,
        ge=1,
        le=65_536,
        description="How many ranks run; None: numerics.world_size. Another number takes the same "
        "sequences in every step but adds them up in another order, so bits may differ: the "
        "record says so.",
    )
    activation_checkpointing: bool = Field(
        default=False,
        description="Compute activations again in the backward pass instead of keeping them: less "
        "memory, about a third more time, the same bits.",
    )
    interval_steps: Count = Field(10, description="Steps between two points of the curves.")
    hang_seconds: int = Field(
        1_800, ge=1, le=86_400, description="Ranks that take no step for so long are ended."
    )
    divergence: float = Field(
        2.0,
        gt=0,
        le=100,
        description="Training stops when the mean loss of twenty steps lies so many nats above "
        "the lowest that any twenty had.",
    )
    peak_teraflops: float | None = Field(
        None,
        gt=0,
        description="What one rank's device can do in this precision, by its data sheet: then the "
        "share of it that is used (MFU) is recorded.",
    )
