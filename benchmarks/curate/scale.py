"""Measures how curation grows with a corpus: cost, memory and index per document.

From the repository, in the stages' environment:

    python -m benchmarks.curate.scale [--documents 200000 2000000] [--files 8] [--ray]

Each size is curated in a process of its own, with everything but the suite: made-up documents of
1.2 kB, half Chinese, half English, a tenth of them exact and near copies. Printed for each size:
seconds of CPU, by document; peak memory, and how much of that came after everything was imported;
bytes of the index by document, as it is held between the passes. Then the ratios of the largest to
the smallest, beside their bars. Memory is that of all processes together, looked at twice a second,
a page that several of them hold counted once (proportional set size).

    python -m benchmarks.curate.scale --ray [--documents 5000 20000 50000] [--runs 3]

Compares instead, for each size, the seconds by the clock in this process and on a Ray of its own,
whose start and end are in them, and prints the bytes as stored from which Ray was faster:
`RAY_ABOVE_BYTES`. It wants a quiet machine.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import closing, suppress
from pathlib import Path
from typing import Any, Final

import psutil

from benchmarks.curate import corpus

COST: Final = 1.15
MEMORY: Final = 1.3
INDEX: Final = 64
_SIZES: Final = (200_000, 2_000_000)
_COMPARED: Final = (5_000, 20_000, 50_000)
_LOOK_SECONDS: Final = 0.5


def main() -> int:
    """Measure, print, and say by the exit code whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, nargs="+")
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--runs", type=int, default=3)
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(_curate(arguments.one, ray=arguments.ray)))
        return 0
    if arguments.ray:
        return _compare(sorted(arguments.documents or _COMPARED), arguments.files, arguments.runs)
    sizes = sorted(arguments.documents or _SIZES)
    found = [_measure(size, arguments.files) for size in sizes]
    first, last = found[0], found[-1]
    cost = last["cpu"] / last["documents"] / (first["cpu"] / first["documents"])
    memory, index = last["peak"] / first["peak"], max(one["index"] for one in found)
    print(f"cost by document, largest to smallest: {cost:.3f}, bar {COST}")
    print(f"peak memory, largest to smallest: {memory:.3f}, bar {MEMORY}")
    print(f"index: {index:.1f} bytes a document, bar {INDEX}")
    return 0 if cost <= COST and memory <= MEMORY and index <= INDEX else 1


def _compare(sizes: Sequence[int], files: int, runs: int) -> int:
    """Find the size from which Ray is faster; there is no bar."""
    since: dict[str, Any] | None = None
    for size in sizes:
        walls: dict[bool, list[float]] = {False: [], True: []}
        for _ in range(runs):
            for ray, spent in walls.items():
                found = _measure(size, files, ray=ray)
                spent.append(found["wall"])
        here, there = (statistics.median(spent) for spent in walls.values())
        print(
            f"{size:,} documents, {found['bytes'] / 2**20:.1f} MiB as stored: {here:.1f} s in this "
            f"process, {there:.1f} s on Ray"
        )
        since = (since or found) if there < here else None
    if since is None:
        print("Ray was not faster at the largest")
    else:
        print(f"Ray was faster from {since['documents']:,} documents, {since['bytes']:,} bytes")
    return 0


def _measure(size: int, files: int, *, ray: bool = False) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus.write(folder / "documents", size, files=files)
        command = [sys.executable, "-m", "benchmarks.curate.scale", "--one", name]
        found = _run([*command, "--ray"] if ray else command)
    print(
        f"{size:,} documents: {found['cpu']:.1f} s of CPU, "
        f"{1e3 * found['cpu'] / size:.3f} ms each; {found['wall']:.1f} s; peak "
        f"{found['peak'] >> 20} MiB, {(found['peak'] - found['base']) >> 20} after imports; index "
        f"{found['index']:.1f} bytes each; {found['kept']:,} kept",
        flush=True,
    )
    return found


def _run(command: Sequence[str]) -> dict[str, Any]:
    """What a run found of itself, and its peak of memory."""
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        watched, peak, told = psutil.Process(process.pid), 0, None
        while told is None:
            try:
                told, _ = process.communicate(timeout=_LOOK_SECONDS)
            except subprocess.TimeoutExpired:
                peak = max(peak, _held(watched))
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return {**json.loads(told.splitlines()[-1]), "peak": peak}


def _held(process: psutil.Process) -> int:
    """Bytes that a process and all that it started hold now."""
    held = 0
    with suppress(psutil.NoSuchProcess):
        for one in (process, *process.children(recursive=True)):
            with suppress(psutil.NoSuchProcess):
                held += one.memory_full_info().pss
    return held


def _curate(folder: Path, *, ray: bool) -> dict[str, Any]:
    """Curate a folder's documents in this process."""
    from hearth.curate import run  # noqa: PLC0415 - measured apart
    from hearth.curate.choice import ray_executor  # noqa: PLC0415
    from hearth.curate.executor import InProcessExecutor, quiet  # noqa: PLC0415
    from hearth.curate.keys import ContentKey  # noqa: PLC0415
    from hearth.curate.passes import Pass  # noqa: PLC0415
    from hearth.curate.shards import Shards  # noqa: PLC0415
    from hearth.curate.spec import CurateSpec  # noqa: PLC0415

    quiet()
    told: list[float] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.args[1])  # type: ignore[method-assign, index, arg-type]
    run.log.addHandler(handler)
    run.log.setLevel(logging.INFO)
    (folder / "out").mkdir()
    (folder / "scratch").mkdir()
    files = sorted((folder / "documents").iterdir())
    base, wall, cpu = _held(psutil.Process()), time.perf_counter(), time.process_time()
    with closing(ray_executor() if ray else InProcessExecutor()) as executor:
        metrics, _ = run.curate(
            run.Inputs(files),
            CurateSpec(),
            ContentKey(b"the content key of a benchmark"),
            folder / "out",
            Pass(executor, Shards(folder / "scratch")),
            lambda step: print(f"{time.perf_counter() - wall:8.1f} s: {step}", file=sys.stderr),
        )
    others = resource.getrusage(resource.RUSAGE_CHILDREN)
    return {
        "bytes": sum(path.stat().st_size for path in files),
        "documents": metrics["documents"]["in"],
        "kept": metrics["documents"]["out"],
        "cpu": time.process_time() - cpu + others.ru_utime + others.ru_stime,
        "wall": time.perf_counter() - wall,
        "base": base,
        "index": told[-1],
    }


if __name__ == "__main__":
    sys.exit(main())
