"""Measures from how many texts a Ray cluster is faster at grouping bands and comparing texts.

From the repository, in the stages' environment, on a quiet machine:

    python -m benchmarks.curate.banding [--texts 100000 1000000] [--runs 3]

Made-up shingles and names of bands, a tenth of the texts near copies of others, as they lie on the
disk after the first pass. Both ways join the same sets; seconds by the clock, in turns, in a
process that has a Ray of this machine's processors running, as curation on Ray has. There is no
bar: what is found is `hearth.curate.banding.ON_RAY`.
"""

from __future__ import annotations

import argparse
import statistics
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

import numpy as np

from hearth.curate import banding
from hearth.curate.choice import ray_executor
from hearth.curate.executor import quiet
from hearth.curate.near import Places, write_bands
from hearth.curate.plan import UnionFind
from hearth.curate.sections import DedupSection
from hearth.curate.sets import Sets
from hearth.shelf import Shelf

_SECTION: Final = DedupSection()
_SHINGLES: Final = 200
"""Of a text: one of 1.2 kB has as many words."""
_CHANGED: Final = 10
_COPIES: Final = 10
"""One text in so many is a near copy."""
_DIFFERENT: Final = 0.5
"""Share of a copy's bands in which it differs from its original."""
_TOGETHER: Final = 4_096


def main() -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--texts", type=int, nargs="+", default=[100_000, 1_000_000])
    parser.add_argument("--runs", type=int, default=3)
    arguments = parser.parse_args()
    quiet()
    banding.ON_RAY = 0  # type: ignore[misc]
    for size in sorted(arguments.texts):
        with tempfile.TemporaryDirectory() as name:
            _compare(Path(name), size, arguments.runs)
    return 0


def _compare(folder: Path, size: int, runs: int) -> None:
    seconds: dict[str, list[float]] = defaultdict(list)
    sets: dict[str, UnionFind] = {}
    with Shelf(folder, "shingles") as shelf, closing(ray_executor()) as executor:
        bands = folder / "bands.parquet"
        write_bands(bands, _SECTION.bands, _made(size, shelf))
        shingles = Sets(shelf, np.arange(size, dtype=np.uint32))
        executor.processors  # noqa: B018 - it starts Ray
        for _ in range(runs):
            for way, each in (("in this process", None), ("on Ray", executor.each)):
                sets[way] = UnionFind(size)
                began = time.perf_counter()
                banding.join(bands, _SECTION, shingles, sets[way], each)
                seconds[way].append(time.perf_counter() - began)
        processors = executor.processors
    here, there = sets.values()
    if not np.array_equal(here.names(), there.names()):
        sys.exit("the two ways found other sets: nothing was measured")
    joined = size - len(np.unique(here.names()))
    said = ", ".join(f"{statistics.median(each):.1f} s {way}" for way, each in seconds.items())
    print(f"{size:,} texts, {joined:,} joined: {said}, {processors} processors", flush=True)


def _made(size: int, shelf: Shelf) -> Iterator[tuple[Places, bytes]]:
    """Put shingles on a shelf; yield places and the names of their bands."""
    draw = np.random.default_rng(0)
    for start in range(0, size, _TOGETHER):
        count = min(_TOGETHER, size - start)
        shingles = draw.integers(0, 1 << 63, (count, _SHINGLES)).astype(np.uint64)
        names = draw.integers(0, 1 << 63, (count, _SECTION.bands)).astype(np.uint64)
        for copy in range(_COPIES - 1, count, _COPIES):
            original = copy - 1 - int(draw.integers(0, _COPIES - 1))
            shingles[copy, _CHANGED:] = shingles[original, _CHANGED:]
            same = draw.random(_SECTION.bands) > _DIFFERENT
            names[copy, same] = names[original, same]
        for own in np.sort(shingles):
            shelf.append(own.tobytes())
        yield np.arange(start, start + count, dtype=np.uint32), names.tobytes()


if __name__ == "__main__":
    sys.exit(main())
