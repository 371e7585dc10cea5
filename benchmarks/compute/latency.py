"""How long Slurm and Hearth take to start a job, and to notice its end: in poll intervals.

    .venv/airflow/bin/python benchmarks/compute/latency.py [--jobs 5] [--poll 5]

Starts a Slurm of its own, then one job after another. Submit to running: from the call of `submit`
to the first poll that sees the job run. Finished to noticed: from the command's last act to the
first poll that sees a final state. Medians, and the worst.
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
from hearth.profile import EndpointTarget, Profile, SecretRef, StorageSettings
from hearth.resources import BackendName, Compute, SlurmRest, SlurmSettings
from hearth.settings import settings
from rehearsal.slurm import Cluster


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
    script = f"sleep {2 * poll + number * poll / 5}; date +%s.%N > {end}"
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
            return running or 0.0, now - float(end.read_text())
        time.sleep(poll)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--jobs", type=int, default=5)
    parser.add_argument("--poll", type=float, default=5.0, help="seconds")
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
    for what, column in zip(
        ("submit to running", "finished to noticed"), zip(*found, strict=True), strict=True
    ):
        middle, worst = statistics.median(column), max(column)
        print(
            f"{what:20} median {middle:5.2f} s = {middle / options.poll:4.2f} polls, "
            f"worst {worst:5.2f} s = {worst / options.poll:4.2f} polls"
        )


if __name__ == "__main__":
    main()
