"""The endpoint's supervisor as a daemon: it keeps what serves as the store's state says."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx

from hearth.settings import Settings
from hearth.stack.daemon import Daemon
from hearth.stack.ports import HOST

_GRACE: Final = 30.0  # seconds: answers under way are finished first


def daemon(settings: Settings, environment: Mapping[str, str]) -> Daemon:
    """Return the supervisor's daemon; it runs in the stages' environment."""
    return Daemon(
        name="endpoint",
        command=[str(settings.stages_python), "-m", "hearth.rollout.supervisor"],
        environment=environment,
        state=settings.home / "run",
        logs=settings.home / "logs",
        grace=_GRACE,
    )


def missing(settings: Settings) -> str | None:
    """Say whether the endpoint's port is silent; any answer will do, for nothing may be serving."""
    try:
        httpx.get(f"http://{HOST}:{settings.endpoint_port}/health", timeout=5, trust_env=False)
    except httpx.HTTPError:
        return "the endpoint does not answer"
    return None
