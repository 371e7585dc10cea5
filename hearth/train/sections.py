"""What a training starts from and how much of it moves: mode, base, adapters, mixture, replay."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final

from pydantic import Field

from hearth.model import FrozenModel

ALL_LINEAR: Final = "all-linear"

BASE: Final = "base"
"""The mirror plays this part among the inputs of a training that starts from a base."""


DEV: Final = "dev"
"""The suite plays this part among the inputs of a training that its dev part is asked in."""


class Mode(StrEnum):
    """What training is."""

    PRETRAIN = "pretrain"
    """From first weights, with a tokenizer of its own, on the corpus's text."""
    CONTINUE = "continue"
    """Pretraining goes on from a base, with the base's tokenizer, on the corpus's text."""
    SFT = "sft"
    """Supervised fine-tuning: a base learns to answer, from the corpus's conversations."""


class Parallelism(StrEnum):
    """What the ranks share."""

    DDP = "ddp"
    """Each holds the whole model; gradients are averaged."""
    FSDP = "fsdp"
    """Each holds a share of every layer (FSDP2), for a model that does not fit one device."""


class BaseSection(FrozenModel):
    """The model that training starts from."""

    source: str = Field(
        min_length=1, description="The id of the mirrored source whose `model` it is."
    )
    boundary: str | None = Field(
        default=None,
        min_length=1,
        description="The token that stands before every document and after it. None: the "
        "tokenizer's begin-of-text and end-of-text tokens. An instruct model's are those of its "
        "turns, so name the one that its pretraining had.",
    )


class LoraSection(FrozenModel):
    """Low-rank adapters (Hu et al. 2021): only they move; the published model has them merged."""

    rank: int = Field(default=16, ge=1, le=4_096, description="Of each adapter.")
    alpha: float = Field(default=32, gt=0, le=65_536, description="Scale: alpha / rank.")
    dropout: float = Field(default=0.0, ge=0, lt=1, description="Of what enters an adapter.")
    targets: tuple[str, ...] = Field(
        default=(ALL_LINEAR,),
        min_length=1,
        description="Names of the layers that get one, such as q_proj; all-linear: every linear "
        "layer but the one that reads tokens out.",
    )


class ReplaySection(FrozenModel):
    """Text like what the base was trained on, against forgetting."""

    sources: tuple[str, ...] = Field(
        min_length=1, description="Ids of mirrored sources: their documents are the replay."
    )
    share: float = Field(gt=0, lt=1, description="Of the sequences, that are replay.")


Weight = Annotated[float, Field(gt=0, le=1_000_000)]
