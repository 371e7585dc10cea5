"""Waiting for the supervisor, by way of its observations in the store."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final

from hearth.errors import TransientError
from hearth.rollout.observation import Observation, read_observation
from hearth.storage import Store

_LOOK_SECONDS: Final = 0.3
_STALE: Final = timedelta(seconds=90)
"""Three times as long as a supervisor with nothing to say is silent."""


class Watch:
    """Reads what the supervisor of an endpoint sees."""

    def __init__(self, store: Store, name: str) -> None:
        """Name the endpoint."""
        self._store = store
        self._name = name

    def now(self) -> Observation:
        """Return the last observation.

        Raises:
            TransientError: there is none, or it is so old that nobody can be watching.
        """
        seen = read_observation(self._store, self._name)
        if seen is None or datetime.now(UTC) - seen.at > _STALE:
            last = f"last heard of at {seen.at:%Y-%m-%d %H:%M:%S} UTC" if seen else "never was"
            message = f"endpoint {self._name}: its supervisor {last}: start it with `make up`"
            raise TransientError(message)
        return seen

    def until(
        self, good: Callable[[Observation], bool], timeout: float, wanted: str
    ) -> Observation:
        """Wait until an observation is good.

        Args:
            good: says so.
            timeout: seconds.
            wanted: for the message: what is waited for.

        Raises:
            TransientError: it did not come in time.
        """
        deadline = time.monotonic() + timeout
        while True:
            missing = None
            try:
                seen = self.now()
            except TransientError as error:
                # A supervisor that is just starting takes a moment to say its first word.
                missing = error
            else:
                if good(seen):
                    return seen
            if time.monotonic() > deadline:
                if missing is not None:
                    raise missing
                servers = ", ".join(f"{s.version} {s.state}" for s in seen.servers) or "none"
                message = (
                    f"endpoint {self._name}: waited {timeout:g} s for {wanted}; servers: {servers}"
                )
                raise TransientError(message)
            self.pause()

    def after(
        self, revision: int, timeout: float, *, newer_than: datetime | None = None
    ) -> Observation:
        """Return an observation of the state of `revision` or later, made after `newer_than`."""
        return self.until(
            lambda seen: (
                seen.revision >= revision and (newer_than is None or seen.at >= newer_than)
            ),
            timeout,
            f"revision {revision} of the state to be seen",
        )

    @staticmethod
    def pause() -> None:
        """Wait a moment before the next look."""
        time.sleep(_LOOK_SECONDS)
