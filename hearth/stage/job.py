"""The job of one attempt: what it is to do, and what its program finds in its environment."""

from __future__ import annotations

import os
from pathlib import Path

from pydantic import Field, JsonValue

from hearth.artifact import InputRef
from hearth.model import FrozenModel, Stage
from hearth.profile import SecretRef
from hearth.storagesettings import StorageSettings


class Job(FrozenModel):
    """What one attempt is to do: the contents of `job.json`."""

    stage: Stage
    name: str
    contract: int
    spec: dict[str, JsonValue]
    fingerprint: str
    inputs: dict[str, InputRef]
    attempt: int
    artifact: str
    resume_from: tuple[str, ...] = ()
    build: str
    secrets: dict[str, SecretRef] = {}
    settings: dict[str, JsonValue] = Field(
        default={},
        description="How to run, never what comes out (hosts, intervals): not fingerprinted.",
    )
    lock_digest: str | None = None
    image: str | None = None
    emulated: tuple[str, ...] = Field(
        default=(), description="What is not the real thing where it runs: recorded as unverified."
    )


def environment_for(store: StorageSettings, scratch: Path | None = None) -> dict[str, str]:
    """Return the environment that a stage program needs: how to open the store, where to write."""
    environment = {**store.environment(), "PYTHONUNBUFFERED": "1"}
    if scratch is not None:
        environment["TMPDIR"] = os.fspath(scratch)
    return environment
