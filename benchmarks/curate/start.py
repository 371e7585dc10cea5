"""Measures what a small corpus pays: the whole program, and Curator's own way of running steps.

From the repository, in the stages' environment:

    python -m benchmarks.curate.start [--documents 400] [--runs 5]

`python -m hearth.curate` is run on made-up documents in a store in a folder, from job to artifact:
every step of curation, the data card and the checks of what was written. Its steps of normalising
and filtering alone (`benchmarks.curate.filters`) are then run in a process of their own, in this
process as the program does it, on Ray as the program does it from 64 MiB, and on Curator's
`RayDataExecutor`, cluster and all. The program misses its bars above 12 s, and where the process
takes longer than `RayDataExecutor`.
Seconds by the clock, since a cluster's start is mostly waiting, and of CPU; medians.
"""

from __future__ import annotations

import argparse
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from benchmarks.curate import corpus
from hearth.curate.spec import CONTENT_KEY, CONTRACT, CurateSpec, TokensSection
from hearth.model import Stage
from hearth.profile import SecretRef
from hearth.storage import Store
from hearth.storagesettings import StorageSettings
from tests.artifacts import claim, publish

BAR: Final = 12.0
_ROOT: Final = Path(__file__).parents[2]


class Spent(NamedTuple):
    """Seconds of one run."""

    wall: float
    cpu: float


def main() -> int:
    """Measure, print, and say by the exit code whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=400)
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--steps", choices=("here", "ray", "data"), help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.steps:
        _steps(arguments.steps, arguments.documents)
        return 0
    steps = [sys.executable, "-m", __spec__.name, "--documents", str(arguments.documents)]
    whole, here, ray, data = [], [], [], []
    for number in range(arguments.runs):
        with tempfile.TemporaryDirectory() as folder:
            whole.append(_program(Path(folder), arguments.documents, number))
        here.append(_timed([*steps, "--steps", "here"]))
        ray.append(_timed([*steps, "--steps", "ray"]))
        data.append(_timed([*steps, "--steps", "data"]))
    walls = []
    for name, runs in (
        ("the whole program", whole),
        ("normalising and filtering, in the process", here),
        ("the same on Ray", ray),
        ("the same on RayDataExecutor", data),
    ):
        wall, cpu = (statistics.median(column) for column in zip(*runs, strict=True))
        print(f"{arguments.documents} documents, {name}: {wall:.1f} s, {cpu:.1f} s of CPU")
        walls.append(wall)
    program, process, _, stock = walls
    print(f"the whole program: {program:.1f} s, bar {BAR}")
    print(f"the process against RayDataExecutor: {process:.1f} s, bar {stock:.1f}")
    return 0 if program <= BAR and process <= stock else 1


def _program(folder: Path, count: int, seed: int) -> Spent:
    settings = StorageSettings(uri=f"file://{folder}/store")
    store = Store.open(settings)
    (path,) = corpus.write(folder / "in", count, seed=seed)
    (folder / "key").write_bytes(b"thirty-two bytes of a secret key")
    attempt = claim(
        store,
        Stage.CURATE,
        CONTRACT,
        CurateSpec(tokens=TokensSection(vocabulary=1_000)),
        {"mirror": publish(store, Stage.MIRROR, {"documents/all.parquet": path})},
        secrets={CONTENT_KEY: SecretRef(file=folder / "key")},
    )
    command = [sys.executable, "-m", "hearth.curate", "--job", attempt.job_uri]
    return _timed(command, settings.environment())


def _timed(command: Sequence[str], more: dict[str, str] | None = None) -> Spent:
    before, started = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
    done = subprocess.run(
        command,
        cwd=_ROOT,
        env={**os.environ, **(more or {})},
        check=False,
        capture_output=True,
        encoding="utf-8",
    )
    wall, after = time.monotonic() - started, resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        message = f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-2_000:]}"
        raise RuntimeError(message)
    return Spent(wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def _steps(where: str, count: int) -> None:
    from nemo_curator.backends.ray_data import RayDataExecutor  # noqa: PLC0415 - not needed above
    from nemo_curator.pipeline import Pipeline  # noqa: PLC0415 - as above

    from benchmarks.curate.filters import batches, ours, texts  # noqa: PLC0415
    from hearth.curate.choice import ray_executor  # noqa: PLC0415
    from hearth.curate.executor import InProcessExecutor  # noqa: PLC0415

    made = {"here": InProcessExecutor, "ray": ray_executor, "data": RayDataExecutor}
    executor = made[where]()
    tasks = batches(list(texts(None, count, long=False)))
    Pipeline(name="steps", stages=ours(slim=True)).run(executor, initial_tasks=tasks)
    if where == "ray":
        executor.close()


if __name__ == "__main__":
    sys.exit(main())
