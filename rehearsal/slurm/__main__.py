"""`python -m rehearsal.slurm [--home FOLDER] up|down|status|node WORD`.

`node` is told what became of a machine, as the emulated control plane tells it: a JSON object with
`change` (`started`, `stopped`, `rebooted`) and `name`. A machine that is no node is left alone.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from hearth.settings import settings
from rehearsal.slurm.cluster import Cluster


def main() -> int:
    """Do one thing."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal.slurm", description=__doc__)
    parser.add_argument("--home", type=Path, default=settings().home / "slurm")
    verbs = parser.add_subparsers(dest="verb", required=True)
    up = verbs.add_parser("up")
    up.add_argument("--nodes", type=int, default=3)
    up.add_argument("--group", default="worker")
    up.add_argument("--rest-port", type=int, default=settings().slurm_port)
    up.add_argument("--without-nodes", action="store_true", help="somebody else starts them")
    verbs.add_parser("down")
    verbs.add_parser("status")
    verbs.add_parser("node").add_argument("word", type=json.loads)
    options = parser.parse_args()
    if options.verb == "up":
        cluster = Cluster(options.home, options.nodes, options.group)
        cluster.up(nodes=not options.without_nodes, rest_port=options.rest_port)
        sys.stdout.write(f"{cluster.url}\n")
        return 0
    cluster = Cluster(options.home)
    if options.verb == "down":
        cluster.down()
    elif options.verb == "status":
        sys.stdout.write(cluster.run("sinfo", "-N", "-l", check=False) + "\n")
    elif options.word["name"] in cluster.nodes:
        cluster.kill_node(options.word["name"])
        if options.word["change"] != "stopped":
            cluster.start_node(options.word["name"])
    return 0


if __name__ == "__main__":
    sys.exit(main())
