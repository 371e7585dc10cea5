"""How a job with several nodes starts something on each of them.

The command runs on the first node. What it finds in its environment says how to go on:

    HEARTH_NODES       how many nodes there are
    HEARTH_LAUNCH      JSON: the words before a command that is to run once on every node;
                       SIGTERM to what they start is SIGTERM to each
    HEARTH_RENDEZVOUS  host:port on the first node, where ranks may meet
"""

from __future__ import annotations

import contextlib
import json
import os
import random
import socket
from typing import Final

from hearth.compute.slurm import each
from hearth.compute.slurm.plan import ShimPlan
from hearth.resources import LAUNCH, NODES, RENDEZVOUS

_PORTS: Final = range(20_000, 30_000)  # below what kernels give to outgoing connections


def variables(plan: ShimPlan) -> dict[str, str]:
    """Return the variables above; nothing where one node is all and Slurm has no part in it."""
    if plan.nodes == 1 and not plan.auto_resume:
        return {}
    srun = ["srun", f"--nodes={plan.nodes}", f"--ntasks={plan.nodes}", "--ntasks-per-node=1"]
    # A step may use what the batch script uses: both are the same job.
    srun += ["--overlap", "--kill-on-bad-exit=1", "--export=ALL"]
    if plan.cpus is not None:
        srun.append(f"--cpus-per-task={plan.cpus}")
    if plan.auto_resume:
        srun.append("--auto-resume=1")
    return {
        NODES: str(plan.nodes),
        LAUNCH: json.dumps(each.words(srun)),
        RENDEZVOUS: f"{os.uname().nodename}:{_free_port()}",
    }


def _free_port() -> int:
    """Return a port of this node that nobody listens on; any, as others may choose just now too."""
    while True:
        number = random.choice(_PORTS)  # noqa: S311 - no secret
        with socket.socket() as probe, contextlib.suppress(OSError):
            probe.bind(("", number))
            return number
