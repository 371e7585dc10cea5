"""What the supervisor sees: the processes behind an endpoint, and what clients got from them."""

from __future__ import annotations

from datetime import datetime
from enum import StrEnum

from pydantic import Field

from hearth.errors import NotFoundError
from hearth.model import FrozenModel, parse
from hearth.rollout.traffic import Traffic
from hearth.storage import Store


class ServerState(StrEnum):
    """How far a version's process is."""

    FETCHING = "fetching"
    STARTING = "starting"
    READY = "ready"
    CRASHED = "crashed"
    DRAINING = "draining"


class ServerObservation(FrozenModel):
    """One version's process."""

    version: str
    state: ServerState
    port: int | None = Field(default=None, description="Where it answers on the loopback address.")
    pid: int | None = None
    crashes: int = Field(default=0, ge=0, description="Starts that failed since it last was ready.")
    restarts: int = Field(default=0, ge=0)
    ready_seconds: float | None = Field(default=None, description="From start to ready, last time.")
    last_error: str | None = Field(
        default=None, description="How it ended last, with the end of its log."
    )


class Observation(FrozenModel):
    """What is, as opposed to what should be."""

    endpoint: str
    at: datetime
    revision: int = Field(description="The newest revision of the state that was acted on.")
    serving: str | None
    candidate: str | None
    weight: int = Field(description="Percent of the traffic that goes to the candidate.")
    proxy_port: int
    proxy_running: bool
    proxy_restarts: int = 0
    servers: tuple[ServerObservation, ...] = ()
    traffic: dict[str, Traffic] = {}

    def server(self, version: str) -> ServerObservation | None:
        """Return a version's process; None if there is none."""
        return next((server for server in self.servers if server.version == version), None)

    def ready(self, version: str) -> bool:
        """Say whether a version's process answers."""
        server = self.server(version)
        return server is not None and server.state is ServerState.READY


def observed_path(name: str) -> str:
    """Return where the supervisor's last observation lies in the store."""
    return f"endpoints/{name}/observed.json"


def read_observation(store: Store, name: str) -> Observation | None:
    """Return what the supervisor last saw; None if none ever ran."""
    path = observed_path(name)
    try:
        return parse(Observation, store.get(path), store.url(path), "an observation")
    except NotFoundError:
        return None
