"""The HyperPod nodes are the Slurm nodes: the hook that joins the emulator to the rehearsed Slurm.

Given to the emulator as `python -m rehearsal.nodes HOME`. A node that stops takes its slurmd and
all that ran on it along, and Slurm is told so, as HyperPod tells it; its replacement, in the same
slot, starts another under the same name.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from rehearsal.slurm.cluster import Cluster


def hook(home: Path) -> list[str]:
    """Return the command that the emulator is to run.

    Args:
        home: the folder of the Slurm cluster.
    """
    return [sys.executable, "-m", "rehearsal.nodes", str(home)]


def main() -> int:
    """Do to the Slurm node what happened to its instance; other groups are no Slurm nodes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("home", type=Path)
    parser.add_argument("change", type=json.loads)
    options = parser.parse_args()
    slurm, name = Cluster(options.home), options.change["name"]
    if name not in slurm.nodes:
        return 0
    if options.change["change"] != "started":
        slurm.kill_node(name)
        slurm.take_node(name, f"HyperPod: {options.change['change']}")
    if options.change["change"] != "stopped":
        slurm.start_node(name)
    return 0


if __name__ == "__main__":
    sys.exit(main())
