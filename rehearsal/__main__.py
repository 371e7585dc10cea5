"""`python -m rehearsal up|stop|status|lose NODE|about`: what `make rehearse` runs."""

from __future__ import annotations

import argparse
import sys
import time

from hearth.errors import EXIT_OK, HearthError
from hearth.settings import settings
from rehearsal.whole import EMULATED, Rehearsal


def main() -> int:
    """Do one thing; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m rehearsal", description=__doc__)
    verbs = parser.add_subparsers(dest="verb", required=True)
    for verb in ("up", "stop", "status", "about"):
        verbs.add_parser(verb)
    verbs.add_parser("lose").add_argument("node", help="such as worker-1")
    options = parser.parse_args()
    began = time.monotonic()

    def say(line: str) -> None:
        sys.stdout.write(f"[rehearsal {time.monotonic() - began:4.0f}s] {line}\n")
        sys.stdout.flush()

    try:
        rehearsal = Rehearsal(settings(), say)
        match options.verb:
            case "up":
                rehearsal.up()
            case "stop":
                rehearsal.stop()
            case "status":
                sys.stdout.write(rehearsal.slurm.run("sinfo", "-N", "-l", check=False) + "\n")
            case "lose":
                rehearsal.lose(options.node)
                say(f"{options.node} is gone")
            case "about":
                sys.stdout.write(_about(rehearsal))
    except (HearthError, RuntimeError) as error:
        sys.stderr.write(f"error: {error}\n")
        return error.exit_code if isinstance(error, HearthError) else 1
    return EXIT_OK


def _about(rehearsal: Rehearsal) -> str:
    """Say what was emulated, and where to look."""
    home, stack = rehearsal.settings.home, rehearsal.stack
    here = f"HEARTH_HOME={home} HEARTH_PROFILE={rehearsal.settings.profile}"
    lines = ["", "What stood for something else:"]
    lines += [f"  {what:9} {how}" for what, how in EMULATED.items()]
    lines += [
        "Where to look:",
        f"  Airflow   {stack.airflow_url}   user admin, password {stack.secrets.admin_password()}",
        f"  Endpoint  {stack.endpoint_url}/v1",
        f"  Slurm     SLURM_CONF={home}/slurm/etc/slurm.conf squeue; its logs in {home}/slurm/log",
        f"  AWS       {rehearsal.aws.url}",
        f"  Builds    {here} .venv/airflow/bin/hearth status",
        "What to try, while a build trains:",
        f"  {here} .venv/airflow/bin/python -m rehearsal lose worker-1",
        "Stop it: make rehearse-stop",
    ]
    return "\n".join([*lines, ""])


if __name__ == "__main__":
    sys.exit(main())
