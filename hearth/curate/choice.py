"""Which executor a run takes.

A Ray cluster takes some seconds to start on a small machine, and so does each of its workers; a
corpus of a few megabytes is done in less. Both executors give the same rows.
"""

from __future__ import annotations

import logging
import re
from typing import TYPE_CHECKING, Final

from hearth.curate.executor import InProcessExecutor, Progress, quiet
from hearth.curate.guard import on_ray
from hearth.errors import SpecError
from hearth.raycluster import RAY_ADDRESS, RAY_HERE, RAY_PLACE

if TYPE_CHECKING:
    from hearth.curate.onray import RayExecutor

log = logging.getLogger(__name__)

RAY_ABOVE_BYTES: Final = 16 * 2**20
"""Input, as stored, from which a Ray cluster is started where none is named.

Ray is faster from a third of it on two processors, and takes 1.2 GiB of memory more, which a fifth
of the time has to be worth: `benchmarks/README.md`.
"""


def choose(
    input_bytes: int, cluster: str | None, progress: Progress
) -> InProcessExecutor | RayExecutor:
    """Return the executor for an input of this size, which is to be closed in the end.

    Args:
        input_bytes: What is to be read, as stored.
        cluster: The address of a Ray cluster, which is taken whatever the size.
        progress: Told what has been done.

    Raises:
        SpecError: The address is none.
    """
    quiet()
    if cluster and not re.fullmatch(RAY_PLACE, cluster):
        message = (
            f"{RAY_ADDRESS} = {cluster}: is not understood: name the cluster's head as host:port, "
            f"or {RAY_HERE!r} for a cluster that is started here"
        )
        raise SpecError(message)
    if cluster:
        log.info("on the Ray cluster that was named: %s", cluster)
    elif input_bytes < RAY_ABOVE_BYTES:
        return InProcessExecutor(progress)
    else:
        log.info("%d bytes of input, Ray from %d: on Ray", input_bytes, RAY_ABOVE_BYTES)
    on_ray()
    return ray_executor(progress, cluster or RAY_HERE)


def ray_executor(progress: Progress | None = None, cluster: str = RAY_HERE) -> RayExecutor:
    """Return the executor on a Ray cluster, which reports nothing to Ray's makers."""
    from ray._common.usage.usage_lib import (  # noqa: PLC0415 - no public way to switch it off
        set_usage_stats_enabled_via_env_var,
    )

    from hearth.curate.onray import RayExecutor  # noqa: PLC0415 - slow to import

    set_usage_stats_enabled_via_env_var(False)
    return RayExecutor(progress, cluster)
