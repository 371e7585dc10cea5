"""From a request to a batch job: what Slurm is asked for, and what the shim is told."""

from __future__ import annotations

import json
import math
from dataclasses import asdict, dataclass
from typing import Any, Final

from hearth.compute.backend import JobRequest
from hearth.compute.slurm import container
from hearth.compute.slurm.folder import StoreFolder
from hearth.compute.slurm.transport import Submission
from hearth.errors import SpecError
from hearth.resources import SlurmSettings
from hearth.storagesettings import StorageSettings

PLAN: Final = "HEARTH_SLURM_PLAN"  # the environment variable that tells the shim what to do
_MIB: Final = 1 << 20
_SLACK: Final = 60  # seconds for the shim to end what the grace has not
_PATH: Final = "/usr/local/bin:/usr/bin:/bin"


@dataclass(frozen=True, slots=True)
class ShimPlan:
    """What the shim is told, beside the environment that it hands on."""

    folder: str
    name: str
    command: list[str]
    scratch: str
    output: str
    nodes: int
    cpus: int | None
    memory_bytes: int | None
    time_limit: float
    grace: float
    restart_budget: int
    auto_resume: bool
    heartbeat: float

    @classmethod
    def parse(cls, text: str) -> ShimPlan:
        """Read what `dump` wrote."""
        data: dict[str, Any] = json.loads(text)
        return cls(**data)

    def dump(self) -> str:
        """As JSON."""
        return json.dumps(asdict(self))


def submission_of(
    request: JobRequest,
    settings: SlurmSettings,
    folder: StoreFolder,
    storage: StorageSettings,
    image: str | None = None,
) -> Submission:
    """Return the batch job that runs a request.

    The command's environment travels as the batch job's: Slurm hands it from the controller to the
    node, again after a restart, and shows it in neither the script nor `scontrol show job`.

    Args:
        request: what to run.
        settings: the cluster.
        folder: the job's, in the store.
        storage: the store.
        image: what the environment runs in, where the nodes have no interpreter for it.

    Raises:
        SpecError: the profile names no such environment, the cluster has no such hardware, or
            several nodes have no folder in common.
    """
    python = settings.environments.get(request.environment)
    if python is None and image is None:
        known = ", ".join(sorted(settings.environments)) or "none"
        message = (
            f"job {request.name}: environment {request.environment!r}: the profile's "
            f"compute.slurm.environments has none of that name, and images neither: choose from "
            f"{known}"
        )
        raise SpecError(message)
    resources = request.resources
    if resources.efa:
        message = (
            f"job {request.name}: resources.efa = {resources.efa}: Slurm does not hand out "
            "adapters: choose a partition that has them, and ask for none"
        )
        raise SpecError(message)
    output = str(settings.scratch / f"hearth-{folder.slurm_name}.out")
    scratch = settings.workplace(f"job {request.name}", resources.nodes)
    plan = ShimPlan(
        folder=folder.store.uri,
        name=request.name,
        command=list(request.command),
        scratch=str(scratch),
        output=output,
        nodes=resources.nodes,
        cpus=resources.cpus,
        memory_bytes=resources.memory_bytes,
        time_limit=request.time_limit,
        grace=request.grace,
        restart_budget=request.restart_budget,
        auto_resume=settings.auto_resume,
        heartbeat=settings.heartbeat_seconds,
    )
    if python is not None:
        interpreter = f'"{python}"'
        found = {"PATH": f"{python.parent}:{_PATH}", "VIRTUAL_ENV": str(python.parent.parent)}
    else:
        # The image says what is where in it.
        interpreter = f"{container.words(request, settings, str(image))} python"
        found = {"PATH": _PATH}
    warning = math.ceil(request.grace) + _SLACK
    return Submission(
        name=folder.slurm_name,
        # Isolated: neither the working directory nor a variable may change what is imported.
        script=f"#!/bin/bash\nexec {interpreter} -I -m hearth.compute.slurm.shim\n",
        environment={
            **found,
            "LANG": "C.UTF-8",
            "PYTHONUNBUFFERED": "1",
            "PYTHONSAFEPATH": "1",
            **storage.environment(),
            **request.env,
            PLAN: plan.dump(),
        },
        output=output,
        nodes=resources.nodes,
        cpus=resources.cpus,
        memory_mib=None
        if resources.memory_bytes is None
        else math.ceil(resources.memory_bytes / _MIB),
        gpus=resources.gpus,
        # The shim ends the job at its limit, to the second; Slurm's minutes are for its failing.
        minutes=math.ceil((request.time_limit + warning) / 60) + 1,
        warning_seconds=warning,
        requeue=request.restart_budget > 0,
    )
