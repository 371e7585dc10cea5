"""What the folder of a local job says about it, and how a job is brought to its end.

`observe`, `cancel`, `stop_all` and `prune` work on folders alone and need no backend: `make stop`
uses them when nothing else is left.
"""

from __future__ import annotations

import contextlib
import secrets
import shutil
import signal
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

from hearth.compute import jobdir, process
from hearth.compute.backend import JobStatus
from hearth.compute.jobdir import JobFolder
from hearth.compute.outcome import Cause, JobState
from hearth.compute.process import ProcessIdentity

_SWEEP_TIMEOUT: Final = 5.0  # seconds; what it does not reach is swept when asked again
_SHIM_MARGIN: Final = 10.0  # seconds that a shim may take beyond the grace it was given
_GIVE_UP: Final = 10.0  # seconds after which processes that do not die are left to be asked about
_POLL: Final = 0.02
_WISHES: Final = {
    Cause.CANCELLED: "cancelled on request",
    Cause.STOPPED: "stopped with everything else on this machine: it goes on as the next attempt",
}


def folders(jobs: Path) -> list[JobFolder]:
    """The folders of all jobs, by name."""
    if not jobs.is_dir():
        return []
    names = (p for p in jobs.absolute().iterdir() if p.is_dir() and not p.name.startswith("."))
    return [JobFolder(path) for path in sorted(names)]


def observe(folder: JobFolder, handle: Mapping[str, Any]) -> JobStatus:
    """How a job stands.

    Args:
        folder: its folder, which may be gone.
        handle: the data of its handle, which may be empty.
    """
    shim = folder.read(jobdir.SHIM)
    if _is_of_another(handle, shim):
        return _without_folder(folder, handle)
    if (ended := _ended(folder)) is not None:
        return ended
    if shim is None:
        return JobStatus(state=JobState.PENDING)
    started = datetime.fromisoformat(shim["started"])
    if ProcessIdentity.from_json(shim).alive():
        return JobStatus(state=JobState.RUNNING, started=started)
    with folder.try_lock() as lock:
        if lock is not None:
            return _ended(folder) or _bury(folder, shim)
    # Somebody else is ending what it left.
    return JobStatus(state=JobState.RUNNING, started=started, reason="its shim is gone")


def cancel(
    folder: JobFolder, handle: Mapping[str, Any], grace: float, cause: Cause = Cause.CANCELLED
) -> JobStatus:
    """End a job, started or not; return when nothing of it is left.

    Args:
        folder: its folder.
        handle: the data of its handle, which may be empty.
        grace: seconds between SIGTERM and SIGKILL.
        cause: CANCELLED, or STOPPED for a job that may go on as the next attempt.
    """
    deadline = time.monotonic() + grace + _SHIM_MARGIN
    wished = asked = False
    while True:
        status = observe(folder, handle)
        late = time.monotonic() - deadline
        if status.state.final or late > _GIVE_UP:
            return status
        shim = folder.read(jobdir.SHIM)
        if _is_of_another(handle, shim):
            continue  # `observe` is ending what it left
        if not wished:
            folder.create()
            folder.write(jobdir.STOP, {"cause": cause, "grace": grace, "reason": _WISHES[cause]})
            wished = True
        if shim is None:
            with folder.try_lock() as lock:
                if lock is not None and folder.read(jobdir.SHIM) is None:
                    return _ended(folder) or never_start(folder, cause)
            time.sleep(_POLL)  # somebody is starting it just now
            continue
        guardian = ProcessIdentity.from_json(shim)
        asked = asked or guardian.signal(signal.SIGTERM)
        if late > 0:
            guardian.signal(signal.SIGKILL)  # it hangs; what it leaves is ended above
        if guardian.wait(0.5):
            time.sleep(_POLL)


def stop_all(jobs: Path, timeout: float) -> list[str]:
    """Bring every job to an end, as a failure that the next attempt may mend.

    Each gets SIGTERM, so that it can write a checkpoint, and SIGKILL after `timeout` seconds.

    Returns:
        The names of the jobs that had not ended before. When this returns, they have.
    """
    live = [folder for folder in folders(jobs) if not observe(folder, {}).state.final]
    if live:
        with ThreadPoolExecutor(len(live)) as pool:
            list(pool.map(lambda folder: cancel(folder, {}, timeout, Cause.STOPPED), live))
    return [folder.name for folder in live]


def prune(jobs: Path, older_than: timedelta) -> list[str]:
    """Remove the folders of jobs that ended longer ago than `older_than`; return their names."""
    before = datetime.now(UTC) - older_than
    removed = []
    for folder in folders(jobs):
        status = observe(folder, {})
        if status.state.final and status.finished is not None and status.finished < before:
            # Renamed first: a folder is there whole, or not at all.
            with contextlib.suppress(FileNotFoundError):
                folder.path.rename(folder.path.with_name(f".{folder.name}.{secrets.token_hex(4)}"))
                removed.append(folder.name)
    for trash in jobs.glob(".*"):
        shutil.rmtree(trash, ignore_errors=True)
    return removed


def never_start(folder: JobFolder, cause: Cause) -> JobStatus:
    """Close a job that has not started, for good; the lock is ours."""
    now = datetime.now(UTC)
    state = JobState.CANCELLED if cause is Cause.CANCELLED else JobState.FAILED
    status = JobStatus(state=state, cause=cause, reason=_WISHES[cause], finished=now)
    folder.write_exit(status.model_dump(mode="json"))
    return status


def _ended(folder: JobFolder) -> JobStatus | None:
    data = folder.read(jobdir.EXIT)
    return None if data is None else JobStatus.model_validate(data)


def _is_of_another(handle: Mapping[str, Any], shim: Mapping[str, Any] | None) -> bool:
    """Whether the folder is gone since the handle was made, or belongs to a later job."""
    return bool(handle) and (shim is None or shim["marker"] != handle["marker"])


def _without_folder(folder: JobFolder, handle: Mapping[str, Any]) -> JobStatus:
    """How a job stands whose folder is gone, or is another job's by now."""
    guardian = ProcessIdentity.from_json(handle)
    if guardian.alive():
        guardian.signal(signal.SIGKILL)  # without a folder it cannot say how its job ends
        guardian.wait(_SWEEP_TIMEOUT)
    left = process.kill_all(
        lambda: process.marked(jobdir.MARKER, str(handle["marker"])), _SWEEP_TIMEOUT
    )
    return JobStatus(
        state=JobState.RUNNING if left else JobState.LOST,
        cause=Cause.LOST,
        reason=f"{folder.path}: its folder was removed",
    )


def _bury(folder: JobFolder, shim: Mapping[str, Any]) -> JobStatus:
    """End what a dead shim left, and write down how its job ended; the lock is ours."""
    started = datetime.fromisoformat(shim["started"])
    left = process.kill_all(lambda: _leftovers(folder, shim), _SWEEP_TIMEOUT)
    if left:
        pids = sorted(one.pid for one in left)
        reason = f"its shim is gone, and its processes {pids} do not die"
        return JobStatus(state=JobState.RUNNING, started=started, reason=reason)
    folder.remove_scratch(shim["scratch"])
    rebooted = shim["boot"] != process.boot_id()
    state, cause = JobState.LOST, Cause.REBOOTED if rebooted else Cause.LOST
    reason = "the machine was restarted" if rebooted else "its shim died without a word"
    wish = folder.read(jobdir.STOP)
    if wish is not None:
        cause, reason = Cause(wish["cause"]), wish["reason"]
        state = JobState.CANCELLED if cause is Cause.CANCELLED else JobState.FAILED
    status = JobStatus(
        state=state, cause=cause, reason=reason, started=started, finished=datetime.now(UTC)
    )
    folder.write_exit(status.model_dump(mode="json"))
    return status


def _leftovers(folder: JobFolder, shim: Mapping[str, Any]) -> set[ProcessIdentity]:
    """Processes of a job whose shim is gone: marked, or seen by the shim, and their descendants."""
    found = process.marked(jobdir.MARKER, shim["marker"])
    seen = (folder.read(jobdir.FAMILY) or {"processes": []})["processes"]
    found |= {one for one in map(ProcessIdentity.from_json, seen) if one.alive()}
    return found | process.descendants([one.pid for one in found])
