"""How long Slurm and Hearth take to start a job, and to notice its end: in poll intervals.

    .venv/airflow/bin/python benchmarks/compute/latency.py [--jobs 5] [--poll 1]

Starts a Slurm of its own, then one job after another, polled as the trigger of a stage polls.
Submit to running: from the call of `submit` to the first poll that sees the job run. Finished to
noticed: from the command's last act to the first poll that sees a final state. Medians, and the
worst. The bar, for both medians: two polls. It ends with 1 if one is missed.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from pydantic import AnyHttpUrl

from hearth.compute.backend import JobRequest, JobResources
from hearth.compute.outcome import JobState
from hearth.compute.registry import open_backend
from hearth.profile import EndpointTarget, Profile, SecretRef
from hearth.resources import BackendName, Compute, SlurmRest, SlurmSettings
from hearth.settings import settings
from hearth.storagesettings import StorageSettings
from operators.triggers import POLL_SECONDS
from rehearsal.slurm import Cluster

BAR = 2.0
"""Polls."""


def profile_of(cluster: Cluster, folder: Path) -> Profile:
    """Return a profile of the cluster, with a folder for a store and the default heartbeat."""
    slurm = SlurmSettings(
        user=cluster.user,
        rest=SlurmRest(url=AnyHttpUrl(cluster.url), api_version="v0.0.38"),
        partition=cluster.partition,
        environments={"airflow": Path(sys.executable)},
        scratch=folder,
    )
    return Profile(
        name="bench",
        storage=StorageSettings(uri=f"file://{folder}/store"),
        compute=Compute(backend=BackendName.SLURM, slurm=slurm),
        endpoint=EndpointTarget(url=AnyHttpUrl("http://127.0.0.1:1")),
        secrets={"slurm_key": SecretRef(file=cluster.key)},
    )


def measure(profile: Profile, folder: Path, number: int, poll: float) -> tuple[float, float]:
    """Return both latencies of one job, in seconds."""
    backend = open_backend(profile, settings())
    end = folder / f"end-{number}"
    # Ends between two polls, each time elsewhere.
    script = f"sleep {3 * poll + number * poll / 5}; date +%s.%N > {end}"
    request = JobRequest(
        name=f"latency-{number}",
        command=("bash", "-c", script),
        environment="airflow",
        time_limit=600,
        resources=JobResources(cpus=1),
    )
    began = time.time()
    handle = backend.submit(request)
    running = None
    while True:
        state = backend.status(handle).state
        now = time.time()
        if running is None and state is JobState.RUNNING:
            running = now - began
        if state.final:
            if running is None:
                sys.exit("a job ended before it was seen to run: give a longer --poll")
            return running, now - float(end.read_text())
        time.sleep(poll)


def main() -> int:
    """Measure, print, and say by the exit code whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=5)
    parser.add_argument("--poll", type=float, default=POLL_SECONDS, help="seconds")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as name:
        folder = Path(name)
        cluster = Cluster(folder / "c")
        try:
            cluster.up()
            profile = profile_of(cluster, folder)
            found = [measure(profile, folder, n, options.poll) for n in range(options.jobs)]
        finally:
            cluster.down()
    print(f"{options.jobs} jobs, polled every {options.poll:g} s")
    middles = []
    for what, column in zip(
        ("submit to running", "finished to noticed"), zip(*found, strict=True), strict=True
    ):
        middle, worst = statistics.median(column) / options.poll, max(column) / options.poll
        middles.append(middle)
        print(
            f"{what:20} median {middle * options.poll:5.2f} s = {middle:4.2f} polls (bar {BAR:g}), "
            f"worst {worst * options.poll:5.2f} s = {worst:4.2f} polls"
        )
    return 0 if max(middles) <= BAR else 1


if __name__ == "__main__":
    sys.exit(main())
