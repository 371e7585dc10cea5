"""A client of a backend in a process of its own: `client.py RIG VERB ARGUMENTS…`.

RIG is JSON that names a backend, and says by how many seconds the client's clock is wrong; VERB is
one of the functions below; each prints JSON.
"""

from __future__ import annotations

import json
import os
import signal
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path

from hearth.compute.backend import Backend, JobHandle, JobRequest
from hearth.compute.local import LocalBackend
from hearth.compute.registry import open_backend
from hearth.compute.remote import RunnerBackend
from hearth.compute.slurm.backend import SlurmBackend
from hearth.profile import Profile
from hearth.settings import settings


def opened(rig: dict[str, str]) -> Backend:
    """Open the backend that a rig describes; one branch per backend."""
    match rig["backend"]:
        case "local":
            return LocalBackend(Path(rig["jobs"]), {"airflow": Path(sys.executable)})
        case "slurm":
            profile = Profile.model_validate_json(rig["profile"])
            opened = open_backend(profile, settings())
            assert isinstance(opened, SlurmBackend)
            return replace(opened, patience=0.5)
        case "runner":
            return RunnerBackend({"airflow": rig["address"]}, rig["token"])
        case other:
            raise ValueError(other)


def set_clock(seconds: float) -> None:
    """Have this process believe in another time."""
    right = time.time
    time.time = lambda: right() + seconds


def say(text: str) -> None:
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def submit(backend: Backend, request: str) -> None:
    say(backend.submit(JobRequest.model_validate_json(request)).model_dump_json())


def submit_when_told(backend: Backend, request: str) -> None:
    say("ready")
    sys.stdin.readline()
    submit(backend, request)


def submit_and_stay(backend: Backend, request: str) -> None:
    submit(backend, request)
    sys.stdin.read()


def submit_and_die(backend: Backend, request: str, event: str, nth: str, delay: str) -> None:
    """Die by SIGKILL when the interpreter is about to do `event` for the nth time, or later."""
    left = int(nth)

    def die() -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def watch(name: str, _: object) -> None:
        nonlocal left
        if event not in {name, "any"}:
            return
        left -= 1
        if left == 0:
            if float(delay) == 0:
                die()
            threading.Timer(float(delay), die).start()

    sys.addaudithook(watch)
    submit(backend, request)


def status(backend: Backend, handle: str) -> None:
    say(backend.status(JobHandle.model_validate_json(handle)).model_dump_json())


def cancel(backend: Backend, handle: str, grace: str) -> None:
    ended = backend.cancel(JobHandle.model_validate_json(handle), float(grace))
    say(ended.model_dump_json())


if __name__ == "__main__":
    verbs = {verb.__name__: verb for verb in (
        submit, submit_when_told, submit_and_stay, submit_and_die, status, cancel,
    )}  # fmt: skip
    rig = json.loads(sys.argv[1])
    set_clock(rig.get("skew", 0.0))
    verbs[sys.argv[2]](opened(rig), *sys.argv[3:])
