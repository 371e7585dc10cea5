"""The curves of a run as TensorBoard's event files."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tensorboardX import SummaryWriter


class Events:
    """One file of events for each process that trained; TensorBoard shows them as one run."""

    def __init__(self, folder: Path, first_step: int) -> None:
        """Write below `folder`; what a killed run wrote beyond `first_step` is no longer shown."""
        self._writer = SummaryWriter(str(folder), purge_step=first_step or None, flush_secs=10)

    def add(self, step: int, scalars: Mapping[str, float | None]) -> None:
        """Add a point to each curve that has a value."""
        for name, value in scalars.items():
            if value is not None:
                self._writer.add_scalar(name, value, step)

    def flush(self) -> None:
        """Have the file hold all points."""
        self._writer.flush()
