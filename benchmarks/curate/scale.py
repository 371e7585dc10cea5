"""Measures how curation grows with a corpus: cost, memory and index per document.

From the repository, in the stages' environment:

    python -m benchmarks.curate.scale [--documents 200000 2000000] [--files 8] [--ray]

Each size is curated in a process of its own, with everything but the suite: made-up documents of
1.2 kB, half Chinese, half English, a tenth of them exact and near copies. Printed for each size:
seconds of CPU, by document; peak memory, and how much of that came after everything was imported;
bytes of the index by document, as it is held between the passes. Then the ratios of the largest to
the smallest, beside their bars. With `--ray`, the smallest is also curated on Ray, in seconds of
wall clock for both: the cluster's start is in it.
"""

from __future__ import annotations

import argparse
import json
import logging
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, Final

from benchmarks.curate import corpus

COST: Final = 1.15
MEMORY: Final = 1.3
INDEX: Final = 64
_KB: Final = 1024


def main() -> int:
    """Measure, print, and say by the exit code whether the bars are met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, nargs="+", default=[200_000, 2_000_000])
    parser.add_argument("--files", type=int, default=8)
    parser.add_argument("--ray", action="store_true")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.one:
        print(json.dumps(_curate(arguments.one, ray=arguments.ray)))
        return 0
    found = [_measure(size, arguments.files) for size in sorted(arguments.documents)]
    first, last = found[0], found[-1]
    cost = last["cpu"] / last["documents"] / (first["cpu"] / first["documents"])
    memory, index = last["peak"] / first["peak"], max(one["index"] for one in found)
    print(f"cost by document, largest to smallest: {cost:.3f}, bar {COST}")
    print(f"peak memory, largest to smallest: {memory:.3f}, bar {MEMORY}")
    print(f"index: {index:.1f} bytes a document, bar {INDEX}")
    if arguments.ray:
        there = _measure(first["documents"], arguments.files, ray=True)
        print(f"on Ray {there['wall']:.1f} s, in this process {first['wall']:.1f} s")
    return 0 if cost <= COST and memory <= MEMORY and index <= INDEX else 1


def _measure(size: int, files: int, *, ray: bool = False) -> dict[str, Any]:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        corpus.write(folder / "documents", size, files=files)
        command = [sys.executable, "-m", "benchmarks.curate.scale", "--one", name]
        done = subprocess.run(
            [*command, "--ray"] if ray else command, check=True, stdout=subprocess.PIPE, text=True
        )
    found: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    print(
        f"{size:,} documents: {found['cpu']:.1f} s of CPU, "
        f"{1e3 * found['cpu'] / size:.3f} ms each; {found['wall']:.1f} s; peak "
        f"{found['peak'] >> 20} MiB, {(found['peak'] - found['base']) >> 20} after imports; index "
        f"{found['index']:.1f} bytes each; {found['kept']:,} kept",
        flush=True,
    )
    return found


def _curate(folder: Path, *, ray: bool) -> dict[str, Any]:
    """Curate a folder's documents in this process."""
    from hearth.curate import run  # noqa: PLC0415 - measured apart
    from hearth.curate.executor import InProcessExecutor, quiet, ray_executor  # noqa: PLC0415
    from hearth.curate.keys import ContentKey  # noqa: PLC0415
    from hearth.curate.passes import Pass  # noqa: PLC0415
    from hearth.curate.shards import Shards  # noqa: PLC0415
    from hearth.curate.spec import CurateSpec  # noqa: PLC0415

    quiet()
    told: list[float] = []
    handler = logging.Handler()
    handler.emit = lambda record: told.append(record.args[1])  # type: ignore[method-assign, index]
    run.log.addHandler(handler)
    run.log.setLevel(logging.INFO)
    (folder / "out").mkdir()
    (folder / "scratch").mkdir()
    executor = ray_executor() if ray else InProcessExecutor()
    base, wall, cpu = _peak(), time.perf_counter(), time.process_time()
    metrics, _ = run.curate(
        run.Inputs(sorted((folder / "documents").iterdir())),
        CurateSpec(),
        ContentKey(b"the content key of a benchmark"),
        folder / "out",
        Pass(executor, Shards(folder / "scratch")),
    )
    return {
        "documents": metrics["documents"]["in"],
        "kept": metrics["documents"]["out"],
        "cpu": time.process_time() - cpu,
        "wall": time.perf_counter() - wall,
        "base": base,
        "peak": _peak(),
        "index": told[-1],
    }


def _peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * _KB


if __name__ == "__main__":
    sys.exit(main())
