"""The folder that a run works in, shared by the program and its ranks: what lies where."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any, Final

from pydantic import Field

from hearth.model import FrozenModel
from hearth.resources import MetricsTarget
from hearth.train.data import Boundary
from hearth.train.operation import TrainOperation
from hearth.train.plan import RankError, best
from hearth.train.spec import TrainSpec

_MIB: Final = 1 << 20


class Group(FrozenModel):
    """Documents that are drawn from with one weight."""

    name: str
    weight: float


class Request(FrozenModel):
    """What the ranks are to do: `request.json`."""

    spec: TrainSpec
    operation: TrainOperation
    identity: str = Field(description="Of the run: a checkpoint of another one is refused.")
    vocabulary: int
    boundary: Boundary
    groups: tuple[Group, ...] = Field(description="The tokens of each lie in the workspace.")
    bytes_per_token: dict[str, float] = Field(
        description="Of each language's validation text, those tokens that are learnt."
    )
    dev: bool = Field(default=False, description="Whether a dev part lies in the workspace.")
    recipe: str = Field("", description="What metrics are named by.")
    metrics: MetricsTarget | None = Field(None, description="By its address, not its name.")

    @property
    def ranks(self) -> int:
        """How many ranks run."""
        return self.operation.ranks or self.spec.numerics.world_size


class DevScores(FrozenModel):
    """The model on the suite's dev part, by language."""

    bits_per_byte: dict[str, float]
    accuracy: dict[str, float]


class Validation(FrozenModel):
    """The model on held-out text after so many steps."""

    step: int
    loss: float = Field(description="Mean over the languages, nats per token.")
    bits_per_byte: dict[str, float]
    dev: DevScores | None = None

    @property
    def judged(self) -> float:
        """What training is ended by, and its best model chosen; the lower the better."""
        bits = self.dev.bits_per_byte.values() if self.dev else ()
        return sum(bits) / len(bits) if bits else self.loss


class History(FrozenModel):
    """What the run was like so far: `history.json`, in every checkpoint and at the end."""

    losses: tuple[float, ...] = Field((), description="Of every step, nats per token.")
    gradient_norms: tuple[float, ...] = Field((), description="Of every step, before clipping.")
    validations: tuple[Validation, ...] = ()

    @property
    def judged(self) -> list[float]:
        """What is to be said of every validation in one number."""
        return [validation.judged for validation in self.validations]

    def published(self, patience: int | None) -> Validation:
        """Return the validation of the model that is published."""
        chosen = best(self.judged) if patience is not None else None
        return self.validations[-1 if chosen is None else chosen]


class Times(FrozenModel):
    """Seconds of training so far, validation left out: no part of a result, so not of a history."""

    now: float = 0.0
    validations: dict[int, float] = Field({}, description="After so many steps → when it was.")

    def between(self, before: int, after: int) -> float | None:
        """Return the seconds of the stretch between two validations; None: they are not known.

        Args:
            before: the steps before the one.
            after: the steps before the other.
        """
        if before not in self.validations or after not in self.validations:
            return None
        return self.validations[after] - self.validations[before]


class Report(FrozenModel):
    """What the ranks say at the end: `report.json`."""

    history: History
    parameters: int
    resumed_from: int | None
    steps: int = Field(description="Taken since the start or the resumption.")
    tokens_per_second: float | None
    utilisation: float | None = Field(None, description="Share of the devices' peak: MFU.")
    memory_bytes: int = Field(0, description="The most that a rank held.")
    stopped: bool = Field(description="Before the last step, because somebody asked.")
    times: Times = Times()


class Pace(FrozenModel):
    """How far the ranks are: `pace.json`."""

    step: int
    loss: float
    tokens_per_second: float
    gradient_norm: float
    mfu: float | None
    memory_bytes: int

    @property
    def metrics(self) -> dict[str, float]:
        """What there is to follow."""
        found = self.model_dump(exclude={"step"}, exclude_none=True)
        return {name: float(value) for name, value in found.items()}

    def __str__(self) -> str:
        """Say it in a line."""
        used = f", MFU {self.mfu:.1%}" if self.mfu is not None else ""
        return (
            f"loss {self.loss:.3f}, gradient norm {self.gradient_norm:.3g}, "
            f"{self.tokens_per_second:,.0f} tokens/s, {self.memory_bytes / _MIB:,.0f} MiB{used}"
        )


class Workspace:
    """Paths below one folder."""

    def __init__(self, root: Path) -> None:
        """Name the paths; nothing is made."""
        self.root = root
        self.request = root / "request.json"
        self.tokenizer = root / "tokenizer.json"
        self.base = root / "base"
        self.dev = root / "dev.json"
        self.checkpoints = root / "checkpoints"
        self.errors = root / "errors"
        self.pace = root / "pace.json"
        self.report = root / "report.json"
        self.model = root / "model"
        self.adapter = root / "adapter"
        self.events = root / "tensorboard"

    def tokens(self, group: int) -> Path:
        """Return where the tokens of a group lie."""
        return self.root / f"train-{group}.tokens"

    def validation(self, language: str) -> Path:
        """Return where the validation text of a language lies, as tokens."""
        return self.root / f"validation-{language}.tokens"

    def rank_errors(self) -> list[RankError]:
        """Return the last words of the ranks that left any."""
        return [
            RankError.model_validate_json(path.read_bytes())
            for path in sorted(self.errors.glob("rank-*.json"))
        ]


def write_whole(path: Path, value: FrozenModel | dict[str, Any]) -> None:
    """Write JSON so that a reader sees the old file or the new one, never a part."""
    text = value.model_dump_json() if isinstance(value, FrozenModel) else json.dumps(value)
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f".{path.name}.{os.getpid()}")
    part.write_text(text, "utf-8")
    part.replace(path)
