"""The guardian of one local job: `python -m hearth.compute.shim FOLDER LOCK`, started by `submit`.

It is detached from whoever started it, adopts every orphan among the job's processes, and leaves
only when nothing of the job is left: then, and only then, it writes `exit.json`. Its standard input
is the plan (JSON), so that no secret touches a disk or a command line; a plan cut short by a dying
client starts nothing. It closes its standard output once the job can no longer be forgotten. LOCK
is an inherited descriptor that holds the folder's lock, and so says that the shim lives.

Standard library only, to stay small.
"""

from __future__ import annotations

import contextlib
import json
import logging
import os
import subprocess
import sys
import tempfile
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

from hearth.compute import jobdir, process
from hearth.compute.guard import Guard, Inbox, Plan
from hearth.compute.jobdir import JobFolder
from hearth.compute.outcome import Cause, JobState
from hearth.compute.process import ProcessIdentity

log = logging.getLogger(__name__)

_NOT_FOUND: Final = 127  # the shells' codes
_NOT_EXECUTABLE: Final = 126


def _utc() -> str:
    return datetime.now(UTC).isoformat()


def _start(plan: Plan, output: int, scratch: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        plan.command,
        env={**plan.env, jobdir.MARKER: plan.marker, "TMPDIR": scratch},
        cwd=scratch,
        stdin=subprocess.DEVNULL,
        stdout=output,
        stderr=output,
        start_new_session=True,
    )


def run(folder: JobFolder, plan: Plan, inbox: Inbox, scratch: str) -> dict[str, Any]:
    """Run a job to its end in the calling process, its guard; return how it ended."""
    # Appending keeps the lines of many processes apart, and no pipe ties the job to the shim.
    output = os.open(folder.file(jobdir.LOG), os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    try:
        command = _start(plan, output, scratch)
    except OSError as error:
        code = _NOT_FOUND if isinstance(error, FileNotFoundError) else _NOT_EXECUTABLE
        reason = f"{plan.command[0]}: {error.strerror}: name a program of the job's environment"
        return {
            "state": JobState.FAILED,
            "exit_code": code,
            "cause": Cause.NOT_STARTED,
            "reason": reason,
        }
    job = Guard(folder, plan, command, inbox, limit_at=time.monotonic() + plan.time_limit)
    job.run()
    if job.cause is not None:
        with contextlib.suppress(OSError):  # a full disk must not cost us the outcome
            os.write(output, f"hearth: {job.cause}: {job.reason}\n".encode())
    os.close(output)
    return job.outcome()


def _detach() -> None:
    """Leave the client's process tree: it sees an ended child, we see init."""
    if os.fork() != 0:
        os._exit(0)


def _let_go() -> None:
    """Close the pipes to the client, which waits for that."""
    null = os.open(os.devnull, os.O_RDWR)
    os.dup2(null, sys.stdin.fileno())
    os.dup2(null, sys.stdout.fileno())
    os.close(null)


def main(arguments: list[str]) -> int:
    """Guard one job; see the module's docstring."""
    folder = JobFolder(Path(arguments[0]))
    _detach()
    inbox = Inbox()
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    try:
        plan = Plan(**json.load(sys.stdin))
    except ValueError:
        log.warning("the client went away before it had said what to run: nothing was started")
        return 0
    process.become_subreaper()
    if plan.cpus is not None:
        os.sched_setaffinity(0, plan.cpus)
    folder.reserve_exit()
    scratch = str(folder.make_scratch(Path(plan.env.get("TMPDIR") or tempfile.gettempdir())))
    identity = ProcessIdentity.current()
    started = _utc()
    folder.write(
        jobdir.SHIM,
        {
            **identity.to_json(),
            "marker": plan.marker,
            "started": started,
            "scratch": scratch,
            "cpus": plan.cpus,
        },
    )
    _let_go()
    # Should this fail, the shim dies without `exit.json`: whoever asks next finds the job lost.
    outcome = run(folder, plan, inbox, scratch)
    folder.write_exit({**outcome, "started": started, "finished": _utc()})
    folder.remove_scratch(scratch)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
