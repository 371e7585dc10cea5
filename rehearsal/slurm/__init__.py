"""A real Slurm on this machine: controller, accounting, REST API with JWT, and several nodes.

Everything runs as the user who starts it, below one folder, on free ports of the loopback, without
root, systemd or cgroups. What a cluster does when a node dies it does here: nodes can be killed.
"""

from __future__ import annotations

from rehearsal.slurm.cluster import Cluster

__all__ = ["Cluster"]
