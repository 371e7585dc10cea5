"""Which backend has which name."""

from __future__ import annotations

import sys
from pathlib import Path

from hearth.compute.backend import Backend
from hearth.compute.local import LocalBackend
from hearth.profile import Settings
from hearth.resources import BackendName


def open_backend(name: BackendName, settings: Settings) -> Backend:
    """Return the backend that a profile names, for this machine.

    Args:
        name: as the profile's `compute.backend` has it.
        settings: of this machine; jobs lie below its `home`.
    """
    match name:
        case BackendName.LOCAL:
            environments = {"stages": settings.stages_python, "airflow": Path(sys.executable)}
            return LocalBackend(settings.home / "jobs", environments)
