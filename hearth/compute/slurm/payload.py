"""The two dialects of slurmrestd: v0.0.38, and v0.0.40 and later."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, Final

from hearth.compute.slurm.states import SlurmJob
from hearth.compute.slurm.transport import WARNING, Submission
from hearth.resources import SlurmSettings

OLD: Final = "v0.0.38"
_SLASHED: Final = "v0.0.41"  # from here on a resource is written gres/gpu, and not gres:gpu


def body_of(job: Submission, settings: SlurmSettings, version: str) -> dict[str, Any]:
    """Return what is posted to `job/submit`."""
    wanted: dict[str, Any] = {
        "name": job.name,
        "dependency": "singleton",
        "current_working_directory": "/",
        "standard_output": job.output,
        "tasks": job.nodes,
        "tasks_per_node": 1,
        "cpus_per_task": job.cpus,
        "requeue": job.requeue,
        "partition": settings.partition,
        "account": settings.account,
        "qos": settings.qos,
        "reservation": settings.options.reservation,
        "constraints": settings.options.constraint,
        "wckey": settings.options.wckey,
        "nice": settings.options.nice,
    }
    more = _old(job, settings) if version == OLD else _new(job, settings, version)
    fields = {name: value for name, value in (wanted | more).items() if value is not None}
    if version == OLD:
        return {"script": job.script, "job": fields}
    return {"job": {**fields, "script": job.script}}


def _old(job: Submission, settings: SlurmSettings) -> dict[str, Any]:
    # No warning ahead of the time limit: this version refuses `B:`, and a signal without it goes
    # to steps alone. The shim's own clock ends the job before Slurm does.
    return {
        "environment": job.environment,
        "nodes": [job.nodes, job.nodes],
        "memory_per_node": job.memory_mib,
        "time_limit": job.minutes,
        "open_mode": "append",
        "gres": f"{settings.gpu_resource}:{job.gpus}" if job.gpus else None,
        "exclusive": "exclusive" if job.cpus is None else None,
        "exclude_nodes": settings.options.exclude,
    }


def _new(job: Submission, settings: SlurmSettings, version: str) -> dict[str, Any]:
    gres = "gres/" if version >= _SLASHED else "gres:"
    excluded = settings.options.exclude
    return {
        "environment": [f"{name}={value}" for name, value in job.environment.items()],
        "minimum_nodes": job.nodes,
        "maximum_nodes": job.nodes,
        "memory_per_node": _set(job.memory_mib),
        "time_limit": _set(job.minutes),
        "open_mode": ["APPEND"],
        "tres_per_node": f"{gres}{settings.gpu_resource}:{job.gpus}" if job.gpus else None,
        "exclusive": ["true"] if job.cpus is None else None,
        "excluded_nodes": excluded.split(",") if excluded else None,
        "kill_warning_signal": WARNING,
        "kill_warning_flags": ["BATCH_JOB"],
        "kill_warning_delay": _set(job.warning_seconds),
    }


def live_job(data: Mapping[str, Any]) -> SlurmJob:
    """Read a job as the controller tells it, in either dialect."""
    return SlurmJob(
        id=data["job_id"],
        name=data.get("name") or "",
        user=data.get("user_name") or "",
        state=_state(data["job_state"]),
        reason=data.get("state_reason") or "",
        nodes=data.get("nodes") or "",
        restarts=number(data.get("restart_cnt")) or 0,
        exit_code=_exit_code(data.get("exit_code")),
        started=_time(data.get("start_time")),
        finished=_time(data.get("end_time")),
    )


def accounted_job(data: Mapping[str, Any]) -> SlurmJob:
    """Read a job as accounting tells it, in either dialect."""
    times = data.get("time") or {}
    state = data.get("state") or {}
    current = _state(state.get("current") or "UNKNOWN")
    code = _exit_code(data.get("exit_code"))
    if current == "FAILED" and code == 0:
        code = None  # v0.0.38 says 0 whatever it was
    return SlurmJob(
        id=data["job_id"],
        name=data.get("name") or "",
        user=data.get("user") or "",
        state=current,
        reason=state.get("reason") or "",
        nodes=data.get("nodes") or "",
        exit_code=code,
        started=_time(times.get("start")),
        finished=_time(times.get("end")),
    )


def node_count(data: Mapping[str, Any]) -> int | None:
    """Read how many nodes a partition has, in either dialect."""
    nodes = data.get("nodes")
    return number(nodes.get("total") if isinstance(nodes, dict) else data.get("total_nodes"))


def number(value: Any) -> int | None:
    """Read a number that may be wrapped (`{"set": true, "number": 7}`) or missing."""
    if isinstance(value, dict):
        return int(value["number"]) if value.get("set") else None
    return None if value is None else int(value)


def _set(value: int | None) -> dict[str, Any] | None:
    return None if value is None else {"set": True, "infinite": False, "number": value}


def _state(value: str | list[str]) -> str:
    """One state; the newer dialect gives the state first, and flags after it."""
    if isinstance(value, str):
        return value
    for flag in ("COMPLETING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD"):
        if flag in value:
            return flag
    return value[0]


def _exit_code(value: Any) -> int | None:
    """An exit code; -n if signal n ended it. Both dialects wrap it, and one is a wait status."""
    if isinstance(value, dict):
        signal = value.get("signal") or {}
        by = number(signal.get("id", signal.get("signal_id")))
        return -by if by else number(value.get("return_code"))
    status = number(value)
    if status is None:
        return None
    return -(status & 0x7F) if status & 0x7F else status >> 8


def _time(value: Any) -> datetime | None:
    seconds = number(value)
    return datetime.fromtimestamp(seconds, UTC) if seconds else None
