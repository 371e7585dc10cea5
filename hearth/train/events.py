"""The curves of a run as TensorBoard's event files."""

from __future__ import annotations

import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event
from tensorboardX.proto.summary_pb2 import Summary

_NAME: Final = "events"


def copy(source: Path, target: Path) -> None:
    """Copy the files of events in a folder: into a checkpoint, and back from it."""
    target.mkdir(parents=True, exist_ok=True)
    for path in source.glob(f"{_NAME}.*"):
        shutil.copyfile(path, target / path.name)


class Events:
    """One file of events for each process that trained; TensorBoard shows them as one run.

    Their names sort by the step that each began after, and hold nothing beyond the checkpoint that
    the next one went on from.

    tensorboardX's SummaryWriter writes from a thread of its own, whose queue a flush does not wait
    for: what is uploaded would lack the last points. Its writer of files does not.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        """Write below `folder`; what a killed run left there is gone: a checkpoint has it."""
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True)
        self._folder = folder
        self._writer = EventsWriter(str(folder / f"{_NAME}.{first_step:09d}"))

    def resume(self, found: Path) -> None:
        """Take up the points that lie in a checkpoint."""
        copy(found, self._folder)

    def add(self, step: int, scalars: Mapping[str, float | None]) -> None:
        """Add a point to each curve that has a value; the file has it at once."""
        values = [
            Summary.Value(tag=name, simple_value=value)
            for name, value in scalars.items()
            if value is not None
        ]
        event = Event(wall_time=time.time(), step=step, summary=Summary(value=values))
        self._writer.write_event(event)
        self._writer.flush()
