"""The curves of a run: to TensorBoard's files and, as StatsD gauges, to whoever is told."""

from __future__ import annotations

from pathlib import Path

from hearth.model import FrozenModel
from hearth.train.events import Events
from hearth.train.gauges import Gauges
from hearth.train.run import Request, Validation, Workspace


class Interval(FrozenModel):
    """What a stretch of steps was like."""

    loss: float
    gradient_norm: float
    learning_rate: float
    tokens_per_second: float | None
    mfu: float | None
    memory_bytes: float


class Curves:
    """Adds points; the first rank has one."""

    def __init__(self, request: Request, workspace: Workspace, first_step: int) -> None:
        """Open files and socket, for the points after `first_step`."""
        self._steps = request.spec.steps
        self._events = Events(workspace.events, first_step)
        target = request.metrics
        self._gauges = Gauges(target, request.recipe) if target else None

    def resume(self, found: Path) -> None:
        """Go on drawing where a checkpoint ended."""
        self._events.resume(found)

    def interval(self, step: int, interval: Interval) -> None:
        """Add the point of an interval that ended with this step."""
        values: dict[str, float | None] = interval.model_dump()
        self._send({"step": step, "steps": self._steps, **values})
        self._events.add(step, {"loss/train": values.pop("loss"), **values})

    def validation(self, validation: Validation) -> None:
        """Add the point of a validation."""
        loss, bits = validation.loss, validation.bits_per_byte
        told = {f"validation.bits_per_byte.{k}": v for k, v in bits.items()}
        drawn = {f"bits_per_byte/{k}": v for k, v in bits.items()}
        if validation.dev is not None:
            for name, values in validation.dev.model_dump().items():
                told |= {f"dev.{name}.{k}": v for k, v in values.items()}
                drawn |= {f"dev_{name}/{k}": v for k, v in values.items()}
        self._send({"validation.loss": loss, **told})
        self._events.add(validation.step, {"loss/validation": loss, **drawn})

    def close(self) -> None:
        """Say what was not sent."""
        if self._gauges is not None:
            self._gauges.close()

    def _send(self, values: dict[str, float | None] | dict[str, float]) -> None:
        if self._gauges is not None:
            self._gauges.send(values)
