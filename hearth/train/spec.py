"""What is trained, and how: everything that can change a weight, and apart from it how to run."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from hearth.model import FrozenModel, StageSpec
from hearth.train.operation import OPERATION, Count, TrainOperation
from hearth.train.sections import (
    BaseSection,
    LoraSection,
    Mode,
    Parallelism,
    ReplaySection,
    Weight,
)

CONTRACT: Final = 3
"""Goes up when equal inputs and an equal spec give other weights."""

END_OF_TEXT: Final = "<|endoftext|>"
"""The one special token of a tokenizer of ours: it stands before every document, and ends what the
model writes."""

BYTES: Final = 256
"""The alphabet of a byte-level tokenizer."""


class Architecture(StrEnum):
    """The model families of transformers that can be trained."""

    QWEN2 = "qwen2"
    LLAMA = "llama"


class Precision(StrEnum):
    """In what the forward pass multiplies; weights and optimizer are fp32 in both."""

    FP32 = "fp32"
    BF16 = "bf16"


class OptimizerKind(StrEnum):
    """What turns gradients into steps."""

    ADAMW = "adamw"
    MUON = "muon"


class ScheduleShape(StrEnum):
    """How the learning rate falls after the warm-up."""

    COSINE = "cosine"
    LINEAR = "linear"


class TokenizerSection(FrozenModel):
    """A byte-level BPE, learnt from the train split."""

    vocabulary: int = Field(
        8192,
        ge=BYTES + 1,
        le=65_536,
        description="Tokens, the 256 bytes and the end of text among them.",
    )


class ModelSection(FrozenModel):
    """The network."""

    architecture: Architecture = Architecture.QWEN2
    layers: int = Field(4, ge=1, le=200)
    hidden: int = Field(192, ge=8, le=16_384, description="Width of the residual stream.")
    intermediate: int = Field(512, ge=8, le=65_536, description="Width inside the MLP.")
    heads: int = Field(3, ge=1, le=256, description="Attention heads; they divide `hidden`.")
    key_value_heads: int = Field(3, ge=1, le=256, description="They divide `heads`.")
    tie_embeddings: bool = Field(default=True, description="One matrix reads and writes tokens.")
    rope_theta: float = Field(10_000.0, gt=1, le=1e8, description="Base of the rotary positions.")
    initializer_range: float = Field(
        0.02, gt=0, le=1, description="Standard deviation of the first weights."
    )

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.hidden % self.heads or (self.hidden // self.heads) % 2:
            message = (
                f"heads: {self.heads} must divide hidden, {self.hidden}, into even widths: "
                "rotary positions turn pairs"
            )
            raise ValueError(message)
        if self.heads % self.key_value_heads:
            message = f"key_value_heads: {self.key_value_heads} must divide heads, {self.heads}"
            raise ValueError(message)
        return self


class ScheduleSection(FrozenModel):
    """The learning rate over the run, as a share of its highest value."""

    shape: ScheduleShape = ScheduleShape.COSINE
    warmup_steps: int = Field(50, ge=0, le=1_000_000)
    floor: float = Field(0.05, ge=0, le=1, description="The share that is left at the last step.")


class OptimizerSection(FrozenModel):
    """How weights move."""

    kind: OptimizerKind = Field(
        OptimizerKind.MUON,
        description="muon: Muon (Jordan et al. 2024) for the matrices of the layers, AdamW for "
        "the rest; adamw: AdamW (Loshchilov and Hutter 2019) for all.",
    )
    learning_rate: float = Field(
        0.01,
        gt=0,
        le=1,
        description="AdamW's highest. The default was chosen beside Muon, not for AdamW alone.",
    )
    matrix_learning_rate: float = Field(0.02, gt=0, le=1, description="Muon's highest.")
    momentum: float = Field(0.95, ge=0, lt=1, description="Muon's.")
    betas: tuple[
        Annotated[float, Field(ge=0, lt=1)],
        Annotated[float, Field(ge=0, lt=1)],
    ] = (0.9, 0.95)
    weight_decay: float = Field(
        0.1, ge=0, le=10, description="Of the layers' matrices; embeddings and vectors have none."
    )
    clip: float = Field(1.0, gt=0, le=1_000, description="Largest norm of a step's gradient.")


class NumericsSection(FrozenModel):
    """What decides the last bits: how a step's sum is split up, and in what it is computed."""

    global_batch: int = Field(16, ge=1, le=1_000_000, description="Sequences in a step.")
    world_size: int = Field(2, ge=1, le=65_536, description="Ranks that share a step.")
    micro_batch: int = Field(8, ge=1, le=65_536, description="Sequences at once in a rank.")
    precision: Precision = Field(
        Precision.FP32,
        description="bf16 pays where the hardware multiplies it; elsewhere it is many times "
        "slower than fp32.",
    )
    threads: int = Field(1, ge=1, le=1_024, description="Threads of a rank's kernels.")
    parallelism: Parallelism = Field(
        Parallelism.DDP,
        description="ddp: each rank holds the whole model; fsdp: a share of every layer, for what "
        "does not fit one device.",
    )

    @model_validator(mode="after")
    def _batch_divides(self) -> Self:
        if self.global_batch % (self.world_size * self.micro_batch):
            message = (
                f"global_batch: {self.global_batch} must be a multiple of world_size × "
                f"micro_batch, {self.world_size} × {self.micro_batch}"
            )
            raise ValueError(message)
        return self


class SamplingSection(FrozenModel):
    """How the model writes where a request does not say: `generation_config.json`."""

    temperature: float = Field(0.8, gt=0, le=2, description="Divides the logits.")
    top_p: float = Field(0.95, gt=0, le=1, description="Share of the likeliest tokens kept.")
    repetition_penalty: float = Field(
        1.1,
        ge=1,
        le=2,
        description="Divides the logits of tokens that were said (Keskar et al. 2019, who use "
        "1.2): small models go round in circles without it. 1 is none.",
    )


class Training(FrozenModel):
    """What can change the result."""

    mode: Mode = Mode.PRETRAIN
    base: BaseSection | None = Field(None, description="What it starts from; none: pretrain.")
    lora: LoraSection | None = Field(None, description="Train adapters only.")
    mixture: dict[str, Weight] | None = Field(
        None,
        description="Weight of each group of documents, by `language` or `language/domain`; a "
        "group that is not named is left out. None: as the corpus says (`curate.mixture`).",
    )
    replay: ReplaySection | None = None
    tokenizer: TokenizerSection = Field(
        TokenizerSection(), description="In pretrain; a base brings its own."
    )
    model: ModelSection = Field(ModelSection(), description="In pretrain; a base brings its own.")
    sequence_length: int = Field(256, ge=8, le=131_072, description="Tokens in a sequence.")
    steps: Count = Field(description="Optimizer steps in the run.")
    schedule: ScheduleSection = ScheduleSection()
    optimizer: OptimizerSection = OptimizerSection()
    numerics: NumericsSection = NumericsSection()
    seed: int = Field(0, ge=0, le=2**31 - 1, description="Of the first weights and the order.")
    sampling: SamplingSection = SamplingSection()
    validations: int = Field(
        6,
        ge=1,
        le=1_000,
        description="How often the validation loss is taken and the suite's dev part is asked, "
        "spread evenly; last at the end, and once more before the first step.",
    )
    patience: int | None = Field(
        None,
        ge=1,
        le=1_000,
        description="Validations in a row that brought nothing, after which training ends early, "
        "by the dev part's mean bits per byte, or the validation loss if the suite has none. The "
        "rate still falls as if all steps were taken. What is published is the best validated "
        "model. None: it takes all steps, and the last model is published.",
    )
    min_delta: float = Field(
        0.0,
        ge=0,
        le=1_000,
        description="What a validation has to be below the lowest before it, to have brought "
        "something: bits per byte, or nats without a dev part.",
    )
    validation_sequences: int = Field(
        64, ge=1, le=1_000_000, description="Sequences of each language in a validation, at most."
    )

    @model_validator(mode="after")
    def _mode_has_what_it_needs(self) -> Self:
        if (self.base is None) != (self.mode is Mode.PRETRAIN):
            message = (
                f"mode: {self.mode} {'takes no base' if self.base else 'needs a base'}: "
                "pretrain starts from first weights, continue and sft from train.base"
            )
            raise ValueError(message)
        if self.base is None:
            if self.lora is not None:
                message = "lora: adapters need a base: name one, and mode continue or sft"
                raise ValueError(message)
            return self
        for name, unset in (("model", ModelSection()), ("tokenizer", TokenizerSection())):
            if getattr(self, name) != unset:
                message = f"{name}: the base brings its own: remove it, or train.base"
                raise ValueError(message)
        if self.optimizer == OptimizerSection():
            message = (
                "optimizer: its default rates are for first weights and would undo a base: give "
                "them, such as {kind: adamw, learning_rate: 1e-4}"
            )
            raise ValueError(message)
        return self

    @model_validator(mode="after")
    def _warms_up_in_time(self) -> Self:
        if self.schedule.warmup_steps >= self.steps:
            message = (
                f"schedule.warmup_steps: {self.schedule.warmup_steps} must be less than steps, "
                f"{self.steps}"
            )
            raise ValueError(message)
        return self


class TrainSection(Training):
    """`train:` in a recipe."""

    operation: TrainOperation = Field(
        TrainOperation(), description="How to run it, which no weight depends on."
    )

    @model_validator(mode="after")
    def _ranks_divide(self) -> Self:
        ranks, numerics = self.operation.ranks, self.numerics
        if ranks is not None and numerics.global_batch % (ranks * numerics.micro_batch):
            message = (
                f"operation.ranks: global_batch, {numerics.global_batch}, must be a multiple of "
                f"ranks × micro_batch, {ranks} × {numerics.micro_batch}"
            )
            raise ValueError(message)
        return self


class TrainSpec(StageSpec, Training):
    """The recipe's section without `operation`."""

    @classmethod
    def of(cls, section: TrainSection, generation: str | None = None) -> Self:
        """Return the spec that a recipe's section asks for."""
        data = section.model_dump(exclude={OPERATION})
        return cls.model_validate({**data, "generation": generation})
