"""A job in a container: Pyxis, a plugin of Slurm's, starts it from the image by Enroot.

Never tried on a cluster: no machine of ours has either.
"""

from __future__ import annotations

import shlex

from hearth.compute.backend import JobRequest
from hearth.errors import SpecError
from hearth.resources import SlurmSettings


def words(request: JobRequest, settings: SlurmSettings, image: str) -> str:
    """Return the words of a batch script that, before a command, run it in an image.

    By `srun` and not by an option of the batch job's: slurmrestd takes no options of plugins.

    Raises:
        SpecError: it would have to start other nodes, and there is no Slurm inside the image.
    """
    if request.resources.nodes > 1 or settings.auto_resume:
        message = (
            f"job {request.name}: in an image it can use one node, without auto_resume: for more, "
            f"name an interpreter on the nodes in compute.slurm.environments.{request.environment}"
        )
        raise SpecError(message)
    srun = ["srun", "--nodes=1", "--ntasks=1", "--overlap", "--export=ALL"]
    if request.resources.cpus is not None:
        srun.append(f"--cpus-per-task={request.resources.cpus}")
    folders = ",".join(f"{folder}:{folder}" for folder in (settings.scratch, *settings.mounts))
    srun += [
        f"--container-image={enroot(image)}",
        f"--container-mounts={folders}",
        "--no-container-mount-home",
    ]
    return shlex.join(srun)


def enroot(reference: str) -> str:
    """Return an image's reference as Enroot writes it: `#` ends the registry, `:` begins a digest.

    https://github.com/NVIDIA/enroot/blob/master/doc/cmd/import.md, and its `src/docker.sh`, which
    takes a digest where a tag stands.
    """
    host, _, rest = reference.partition("/")
    return f"{host}#{rest.replace('@', ':')}"
