"""The curves of a run as TensorBoard's event files."""

from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

from tensorboardX.event_file_writer import EventsWriter
from tensorboardX.proto.event_pb2 import Event, SessionLog
from tensorboardX.proto.summary_pb2 import Summary


class Events:
    """One file of events for each process that trained; TensorBoard shows them as one run.

    tensorboardX's SummaryWriter writes from a thread of its own, whose queue a flush does not wait
    for: what is uploaded would lack the last points. Its writer of files does not.
    """

    def __init__(self, folder: Path, first_step: int) -> None:
        """Write below `folder`; what a killed run wrote beyond `first_step` is no longer shown."""
        folder.mkdir(parents=True, exist_ok=True)
        self._writer = EventsWriter(str(folder / "events"))
        if first_step:
            begun = SessionLog(status=SessionLog.START)
            self._writer.write_event(
                Event(wall_time=time.time(), step=first_step, session_log=begun)
            )

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
