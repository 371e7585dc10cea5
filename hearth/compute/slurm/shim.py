"""What a batch job runs on its first node: `python -I -m hearth.compute.slurm.shim`.

Two processes. The outer one, which Slurm knows, adopts what the inner one leaves should that die,
ends it and says so; and it passes on Slurm's signals. The inner one guards the command as the shim
of a local job does, in a folder on the node, and talks to the job's folder in the store.

The command runs once: `start.json` is created before it, and whoever finds another job's there
leaves. A restart of the same job after a lost node takes it over, within the restart budget.
"""

from __future__ import annotations

import logging
import os
import pwd
import random
import secrets
import shutil
import signal
import sys
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from hearth.compute import process, shim
from hearth.compute.backend import JobStatus
from hearth.compute.guard import TIME_IS_UP, Inbox, Plan
from hearth.compute.jobdir import JobFolder
from hearth.compute.outcome import Cause, JobState
from hearth.compute.process import ProcessIdentity
from hearth.compute.slurm import launch
from hearth.compute.slurm.folder import START, STOP, Start, StoreFolder
from hearth.compute.slurm.link import Link
from hearth.compute.slurm.plan import PLAN, ShimPlan
from hearth.errors import TransientError
from hearth.storage import Store

log = logging.getLogger(__name__)

_SWEEP_SECONDS: Final = 10.0
_TRIES: Final = 60
_PAUSE: Final = 5.0
_SIGNAL_BASE: Final = 128
_FORWARDED: Final = (signal.SIGTERM, signal.SIGINT, TIME_IS_UP)

Answer = TypeVar("Answer")


def main() -> int:
    """Run the job that the environment describes; return the command's exit code, as shells do."""
    logging.basicConfig(format="%(asctime)s %(levelname)s %(message)s", level=logging.INFO)
    environment = dict(os.environ)
    plan = ShimPlan.parse(environment.pop(PLAN))
    process.become_subreaper()
    # Held back until the guard can tell what a signal means.
    signal.pthread_sigmask(signal.SIG_BLOCK, _FORWARDED)
    guard = os.fork()
    if guard == 0:
        os._exit(_guarded(plan, environment))
    for number in _FORWARDED:
        signal.signal(number, lambda received, _: os.kill(guard, received))
    signal.pthread_sigmask(signal.SIG_UNBLOCK, _FORWARDED)
    while True:
        ended, status = os.waitpid(-1, 0)
        if ended == guard:
            break
    code = os.waitstatus_to_exitcode(status)
    if code < 0:
        _bury(plan, -code)
    Path(plan.output).unlink(missing_ok=True)
    return code if code >= 0 else _SIGNAL_BASE - code


def _guarded(plan: ShimPlan, environment: dict[str, str]) -> int:
    """Guard the job; return the exit code, whatever happens."""
    try:
        return _run(plan, environment)
    except BaseException:
        log.exception("the shim failed")
        os.kill(os.getpid(), signal.SIGKILL)  # the outer process says so in the store
        raise


def _run(plan: ShimPlan, environment: dict[str, str]) -> int:
    process.become_subreaper()
    inbox = Inbox()
    folder = StoreFolder(Store.at(plan.folder.rpartition("/")[0]), plan.name)
    mine = Start(
        job=int(environment["SLURM_JOB_ID"]),
        restart=int(environment.get("SLURM_RESTART_COUNT", "0")),
        node=environment.get("SLURMD_NODENAME", ""),
        guard=ProcessIdentity.current().to_json(),
    )
    why_not = _patiently(lambda: refusal(folder, mine, plan.restart_budget))
    if why_not:
        log.info("%s", why_not)
        return 0
    # By the store too: job ids begin anew with every cluster. A restart may meet what it left here.
    ours = f"hearth-{folder.slurm_name}.{mine.job}"
    for left in Path(plan.scratch).glob(f"{ours}.*"):
        shutil.rmtree(left, ignore_errors=True)
    local = JobFolder(Path(plan.scratch) / f"{ours}.{mine.restart}")
    local.create()
    scratch = str(local.make_scratch(Path(plan.scratch)))
    link = Link(folder, local, mine, plan.heartbeat)
    link.start()
    started = datetime.now(UTC)
    try:
        outcome = shim.run(local, _plan(plan, environment), inbox, scratch)
    finally:
        link.finish()
        local.remove_scratch(scratch)
        shutil.rmtree(local.path, ignore_errors=True)
    status = JobStatus.model_validate(
        {**outcome, "started": started, "finished": datetime.now(UTC)}
    )
    if not link.superseded:
        _patiently(lambda: folder.settle(status))
    code = status.exit_code or 0
    return code if code >= 0 else _SIGNAL_BASE - code


def refusal(folder: StoreFolder, mine: Start, budget: int) -> str:
    """Claim the right to run the command; return why not, or nothing."""
    if folder.exit() is not None:
        return "the job has ended: this copy has nothing to do"
    if not folder.create(START, mine.model_dump(mode="json")):
        other = folder.start()
        if other is not None and other.job != mine.job:
            return f"Slurm job {other.job} runs it: this copy has nothing to do"
        if mine.restart > budget:
            reason = f"lost its node {mine.restart} times, the restart budget is {budget}"
            folder.settle(JobStatus(state=JobState.LOST, cause=Cause.NODE_FAILED, reason=reason))
            return reason
        folder.write(START, mine.model_dump(mode="json"))
    wish = folder.read(STOP)
    if wish is not None:
        now = datetime.now(UTC)
        reason = str(wish["reason"])
        folder.settle(
            JobStatus(state=JobState.CANCELLED, cause=Cause.CANCELLED, reason=reason, finished=now)
        )
        return reason
    return ""


def _plan(plan: ShimPlan, environment: dict[str, str]) -> Plan:
    user = pwd.getpwuid(os.getuid())
    here = sorted(os.sched_getaffinity(0))
    # Where Slurm binds jobs to their CPUs there is nothing left to choose.
    narrow = plan.cpus is not None and plan.cpus < len(here)
    chosen = sorted(random.sample(here, plan.cpus)) if narrow and plan.cpus else None
    if chosen is not None:
        os.sched_setaffinity(0, chosen)
    return Plan(
        command=plan.command,
        env={
            "HOME": user.pw_dir,
            "USER": user.pw_name,
            "LOGNAME": user.pw_name,
            **environment,
            **launch.variables(plan),
        },
        # Not by its numbers: on one machine two clusters may have given the same.
        marker=f"{plan.name}.{secrets.token_hex(8)}",
        cpus=chosen,
        memory_bytes=plan.memory_bytes,
        time_limit=plan.time_limit,
        grace=plan.grace,
    )


def _bury(plan: ShimPlan, number: int) -> None:
    """End what a dead guard left, and write down how the job ended."""
    process.kill_all(lambda: process.descendants([os.getpid()]), _SWEEP_SECONDS)
    folder = StoreFolder(Store.at(plan.folder.rpartition("/")[0]), plan.name)
    status = JobStatus(
        state=JobState.LOST,
        cause=Cause.LOST,
        reason=f"its guard was ended by signal {number}",
        finished=datetime.now(UTC),
    )
    _patiently(lambda: folder.settle(status))


def _patiently(act: Callable[[], Answer]) -> Answer:
    """Do something with the store, which may be away for some minutes."""
    for _ in range(_TRIES):
        try:
            return act()
        except TransientError as error:
            log.warning("%s", error)
            time.sleep(_PAUSE)
    return act()


if __name__ == "__main__":
    sys.exit(main())
