"""The supervisor's mail to and from the store, on a thread: a store that hangs stops nothing."""

from __future__ import annotations

import logging
import threading
import time
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from hearth.errors import DataError, HearthError
from hearth.rollout.observation import Observation, observed_path
from hearth.rollout.state import EndpointState, read_state
from hearth.storage import Store

log = logging.getLogger(__name__)

_LAST_STATE: Final = "state.json"
_LOOK_SECONDS: Final = 0.5
_WATCHED_SECONDS: Final = 1.0
_QUIET_SECONDS: Final = 30.0


class Mail:
    """Keeps `state` as new as the store lets it, and sends observations as they change."""

    def __init__(self, store: Store, name: str, folder: Path) -> None:
        """Begin with the state that was last seen, so that an endpoint comes up without its store.

        Args:
            store: the root of the store.
            name: the endpoint.
            folder: the supervisor's.
        """
        self.state = EndpointState(name=name)
        self._store = store
        self._name = name
        self._kept = folder / _LAST_STATE
        self._observation: Observation | None = None
        self._sent: Observation | None = None
        self._sent_at = 0.0
        self._fault: str | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="mail", daemon=True)

    def start(self) -> None:
        """Read what was kept, and begin."""
        try:
            kept = EndpointState.model_validate_json(self._kept.read_bytes())
        except (OSError, ValidationError):
            kept = None
        if kept is not None and kept.name == self._name:
            self.state = kept
        self._thread.start()

    def send(self, observation: Observation) -> None:
        """Send this, unless a newer one comes before it is sent."""
        self._observation = observation

    def stop(self, last: Observation) -> None:
        """Send a last observation, if the store takes it soon, and end."""
        self._observation = last
        self._stopping.set()
        self._thread.join(timeout=5.0)

    def _run(self) -> None:
        while True:
            over = self._stopping.wait(_LOOK_SECONDS)
            try:
                self._exchange(over=over)
                self._fault = None
            except HearthError as error:
                if str(error) != self._fault:
                    log.warning("keeping the last known state: %s", error)
                self._fault = str(error)
            except Exception:
                log.exception("keeping the last known state")
            if over:
                return

    def _exchange(self, *, over: bool) -> None:
        if not over:
            state = read_state(self._store, self._name)
            if state.revision < self.state.revision:
                # A store that lost its objects must not stop an endpoint that serves.
                message = (
                    f"endpoint {self._name}: the store's state has revision {state.revision}, "
                    f"{self._kept} has {self.state.revision}: restore the store's, or delete the "
                    "file and start again to begin from what the store has"
                )
                raise DataError(message)
            if state != self.state:
                aside = self._kept.with_suffix(".new")
                aside.write_text(state.model_dump_json())
                aside.replace(self._kept)
                self.state = state
        observation = self._observation
        if observation is not None and (over or self._is_due(observation)):
            data = observation.model_dump_json(indent=1).encode()
            self._store.put(observed_path(self._name), data)
            self._sent, self._sent_at = observation, time.monotonic()

    def _is_due(self, observation: Observation) -> bool:
        if self._sent is None or _changed(self._sent, observation):
            return True
        pause = _QUIET_SECONDS if observation.candidate is None else _WATCHED_SECONDS
        return time.monotonic() - self._sent_at >= pause


def _changed(before: Observation, after: Observation) -> bool:
    same = {"at": after.at, "traffic": after.traffic}
    return before.model_copy(update=same) != after
