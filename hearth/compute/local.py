"""Jobs as processes of this machine, each under a shim of its own (`hearth.compute.shim`).

The folder of a job decides everything, so any process of the same user may ask about a job or end
it: `exit.json` says how it ended; a living shim, that it runs; a shim that is gone without
`exit.json`, that it is lost. A lost job may have left processes: whoever finds it lost ends them
before saying so.
"""

from __future__ import annotations

import codecs
import contextlib
import fnmatch
import json
import os
import secrets
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import JsonValue

from hearth.compute import jobdir, settle
from hearth.compute.backend import JobHandle, JobRequest, JobStatus, LogChunk
from hearth.compute.jobdir import JobFolder
from hearth.compute.outcome import Cause
from hearth.compute.process import ProcessIdentity
from hearth.errors import SpecError, TransientError

LOG_CHUNK: Final = 1 << 20  # bytes
_START_TIMEOUT: Final = 60.0  # seconds; a shim takes a fifth of one on a quiet machine
_POLL: Final = 0.02

# What a job takes over from the process that submits it. Everything else it is told by its request:
# Airflow's environment holds keys and passwords.
INHERITED: Final = (
    "PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LC_*", "TZ", "TMPDIR", "LD_LIBRARY_PATH",
    "SSL_CERT_*", "*_CA_BUNDLE", "*_PROXY", "*_proxy", "PIP_*", "UV_*", "CUDA_*", "NVIDIA_*",
    "RAY_ADDRESS", "RAY_AUTH_MODE", "RAY_AUTH_TOKEN_PATH",
)  # fmt: skip


@dataclass(frozen=True)
class LocalBackend:
    """Runs jobs on this machine.

    Attributes:
        jobs: the folder of all jobs' folders.
        environments: name → the Python interpreter of a virtual environment.
    """

    jobs: Path
    environments: Mapping[str, Path]
    name: str = "local"

    def submit(self, request: JobRequest) -> JobHandle:
        """Start a job, or find the one that was started under this name; see `Backend.submit`."""
        folder = self._folder(request.name)
        deadline = time.monotonic() + _START_TIMEOUT
        while True:
            folder.create()
            if (known := self._known(folder)) is not None:
                return known
            with folder.try_lock() as lock:
                if lock is not None:
                    return (
                        self._known(folder)
                        or self._cancelled_before(folder)
                        or self._start(folder, request, lock)
                    )
            # Somebody else is starting it, or is dying while doing so.
            if time.monotonic() > deadline:
                message = (
                    f"job {request.name}: is held by another process that does not start it: "
                    f"see {folder.file(jobdir.SHIM_LOG)}"
                )
                raise TransientError(message)
            time.sleep(_POLL)

    def find(self, name: str) -> JobHandle | None:
        """The handle of the job that has this name, or None if there was none."""
        unstarted = JobHandle(backend=self.name, name=name)
        folder = self._folder(unstarted.name)
        if not folder.path.is_dir():
            return None
        return self._known(folder) or unstarted

    def status(self, handle: JobHandle) -> JobStatus:
        """How the job stands; ends what a lost one left."""
        return settle.observe(self._folder(handle.name), handle.data)

    def cancel(self, handle: JobHandle, grace: float = 15.0) -> JobStatus:
        """End the job and wait until nothing of it is left; see `Backend.cancel`."""
        return settle.cancel(self._folder(handle.name), handle.data, grace)

    def logs(self, handle: JobHandle, cursor: str = "") -> LogChunk:
        """The next piece of the log, at most 1 MiB; the cursor is an offset in bytes."""
        folder = self._folder(handle.name)
        offset = int(cursor or 0)
        ended = folder.file(jobdir.EXIT).exists()  # asked first: what is read then is all there is
        try:
            with folder.file(jobdir.LOG).open("rb") as stream:
                stream.seek(offset)
                data = stream.read(LOG_CHUNK)
        except FileNotFoundError:
            data = b""
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        text = decoder.decode(data, final=ended and len(data) < LOG_CHUNK)
        begun = len(decoder.getstate()[0])  # of a character whose other bytes are yet to come
        return LogChunk(text=text, cursor=str(offset + len(data) - begun))

    def _folder(self, name: str) -> JobFolder:
        return JobFolder(self.jobs.absolute() / name)

    def _known(self, folder: JobFolder) -> JobHandle | None:
        """The handle of a job that has started or ended."""
        shim = folder.read(jobdir.SHIM)
        if shim is None and not folder.file(jobdir.EXIT).exists():
            return None
        data: dict[str, JsonValue] = {}
        if shim is not None:
            data = {**ProcessIdentity.from_json(shim).to_json(), "marker": shim["marker"]}
        return JobHandle(backend=self.name, name=folder.name, data=data)

    def _cancelled_before(self, folder: JobFolder) -> JobHandle | None:
        """Close a job whose end was wanted before it began; the lock is ours."""
        wish = folder.read(jobdir.STOP)
        if wish is None:
            return None
        settle.never_start(folder, Cause(wish["cause"]))
        return JobHandle(backend=self.name, name=folder.name)

    def _start(self, folder: JobFolder, request: JobRequest, lock: int) -> JobHandle:
        plan = self._plan(request)
        seen = request.model_dump(mode="json", exclude={"env"})
        folder.write(jobdir.REQUEST, {**seen, "env": sorted(request.env)})
        with folder.file(jobdir.SHIM_LOG).open("ab") as shim_log:
            shim = subprocess.Popen(
                [sys.executable, "-I", "-m", "hearth.compute.shim", str(folder.path), str(lock)],
                env={"PATH": os.environ.get("PATH", os.defpath), "LANG": "C.UTF-8"},
                cwd="/",
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=shim_log,
                pass_fds=(lock,),
                start_new_session=True,
            )
        with contextlib.suppress(subprocess.TimeoutExpired):  # it has the lock, and may start yet
            shim.communicate(json.dumps(plan).encode(), timeout=_START_TIMEOUT)
        if (known := self._known(folder)) is not None:
            return known
        said = folder.file(jobdir.SHIM_LOG).read_text(errors="replace").strip().splitlines()
        why = said[-1] if said else "its shim said nothing"
        message = (
            f"job {request.name}: did not start: {why}: submit it again "
            f"(more in {folder.file(jobdir.SHIM_LOG)})"
        )
        raise TransientError(message)

    def _plan(self, request: JobRequest) -> dict[str, Any]:
        """What the shim is told."""
        python = self.environments.get(request.environment)
        if python is None:
            known = ", ".join(sorted(self.environments)) or "none"
            message = (
                f"job {request.name}: environment {request.environment!r}: "
                f"this machine has none of that name: choose from {known}"
            )
            raise SpecError(message)
        if not python.exists():
            message = (
                f"job {request.name}: environment {request.environment}: {python} is missing: "
                "build it with `make envs`"
            )
            raise SpecError(message)
        self._refuse_what_is_not_here(request)
        inherited = {
            name: value
            for name, value in os.environ.items()
            if any(fnmatch.fnmatchcase(name, pattern) for pattern in INHERITED)
        }
        # Not resolved: a virtual environment is found through the link that its python is.
        folder = str(python.absolute().parent)
        env = {
            **inherited,
            "PATH": os.pathsep.join([folder, inherited.get("PATH", os.defpath)]),
            "VIRTUAL_ENV": str(python.absolute().parent.parent),
            "PYTHONUNBUFFERED": "1",  # lines reach the log when they are said
            "PYTHONSAFEPATH": "1",  # the working directory holds data, not modules
            **request.env,
        }
        return {
            "command": list(request.command),
            "env": env,
            "marker": f"{request.name}.{secrets.token_hex(8)}",
            "cpus": self._choose_cpus(request.resources.cpus),
            "memory_bytes": request.resources.memory_bytes,
            "time_limit": request.time_limit,
            "grace": request.grace,
        }

    def _refuse_what_is_not_here(self, request: JobRequest) -> None:
        resources = request.resources
        here = {"nodes": 1, "gpus": len(list(Path("/dev").glob("nvidia[0-9]*"))), "efa": 0}
        for what, there in here.items():
            wanted = getattr(resources, what)
            if wanted > there:
                message = (
                    f"job {request.name}: resources.{what} = {wanted}: this machine has {there}: "
                    "ask for less, or choose another backend"
                )
                raise SpecError(message)

    def _choose_cpus(self, wanted: int | None) -> list[int] | None:
        """The CPUs that the fewest running jobs have; None for all."""
        here = sorted(os.sched_getaffinity(0))
        if wanted is None or wanted >= len(here):
            return None
        taken: Counter[int] = Counter()
        for folder in settle.folders(self.jobs):
            shim = folder.read(jobdir.SHIM)
            if shim and shim["cpus"] and ProcessIdentity.from_json(shim).alive():
                taken.update(shim["cpus"])
        return sorted(sorted(here, key=lambda cpu: taken[cpu])[:wanted])


def list_jobs(jobs: Path) -> list[tuple[JobHandle, JobStatus]]:
    """Every job in the folder of jobs, by name; ends what lost ones left."""
    backend = LocalBackend(jobs, {})
    handles = [backend.find(folder.name) for folder in settle.folders(jobs)]
    return [(handle, backend.status(handle)) for handle in handles if handle is not None]
