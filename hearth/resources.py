"""Where jobs run and what they may use of it."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from hearth.model import FrozenModel, Stage


class Resources(FrozenModel):
    """What one job may use. It changes where and how fast a stage runs, never its result."""

    nodes: int = Field(default=1, ge=1, description="Machines.")
    processes_per_node: int = Field(default=1, ge=1, description="Processes on each machine.")
    gpus: int = Field(default=0, ge=0, description="GPUs on each machine.")
    cpus: int = Field(default=2, ge=1, description="CPU cores on each machine.")
    memory_gib: float = Field(default=5.0, gt=0, description="Memory on each machine, in GiB.")
    time_limit_minutes: float = Field(default=60.0, gt=0, description="The job ends after this.")


class BackendName(StrEnum):
    """Where jobs can run."""

    LOCAL = "local"


class Compute(FrozenModel):
    """The backend, and what each stage may use of it."""

    backend: BackendName = BackendName.LOCAL
    resources: Resources = Field(
        default=Resources(), description="For every stage without its own."
    )
    stages: dict[Stage, Resources] = Field(default={}, description="Per stage.")

    def resources_of(self, stage: Stage) -> Resources:
        """Return what `stage` may use."""
        return self.stages.get(stage, self.resources)
