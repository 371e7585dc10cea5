"""What workers of a cluster find of near-duplicates is what one process finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hearth.curate import banding, near
from hearth.curate.near import SMALL, buckets, pairs, write_bands
from hearth.curate.plan import UnionFind
from hearth.curate.sections import DedupSection

_TEXTS, _BANDS = 400, 3
_SECTION = DedupSection(permutations=_BANDS * 8, bands=_BANDS, threshold=0.8)


def each(function: Callable[..., Any], arguments: Iterable[tuple[Any, ...]]) -> Iterator[Any]:
    """Call a function here."""
    return (function(*given) for given in arguments)


@pytest.mark.parametrize("at_once", [1 << 22, 50])
def test_the_sets_are_those_of_one_process(
    at_once: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    draw = np.random.default_rng(5)
    originals = [draw.integers(0, 1 << 63, 40).astype(np.uint64) for _ in range(60)]
    shingles = []
    for place in range(_TEXTS):
        text = originals[place % len(originals)].copy()
        text[: draw.integers(0, 8)] = draw.integers(0, 1 << 63)
        shingles.append(np.unique(text))
    # Most buckets hold a few texts, some of them alike; in the last band one is large.
    names = draw.integers(0, 60, (_TEXTS, _BANDS)).astype(np.uint64)
    names[:, 0] += np.arange(_TEXTS, dtype=np.uint64) % 60 * 100
    names[: SMALL + 30, -1] = 7
    places = draw.permutation(_TEXTS).astype(np.uint32)
    bands = tmp_path / "bands.parquet"
    write_bands(bands, _BANDS, [(places, np.ascontiguousarray(names[places]).tobytes())])
    monkeypatch.setattr(near, "_NAMES", at_once)
    monkeypatch.setattr(banding, "_SENT", at_once * 40)

    monkeypatch.setattr(banding, "ON_RAY", 0)

    here, there = UnionFind(_TEXTS), UnionFind(_TEXTS)
    assert list(pairs(bands, _SECTION, shingles, here))
    large = list(buckets(bands, range(_BANDS), least=SMALL + 1))
    assert list(map(len, large)) == [int((names[:, -1] == 7).sum())]
    banding.join(bands, _SECTION, shingles, there, each)
    assert there.names().tolist() == here.names().tolist()


@pytest.mark.parametrize("on_ray", [0, 4])
def test_texts_without_company_are_compared_with_nobody(
    on_ray: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(banding, "ON_RAY", on_ray)
    bands, sets = tmp_path / "bands.parquet", UnionFind(3)
    names = np.arange(6, dtype=np.uint64)
    write_bands(bands, 2, [(np.arange(3, dtype=np.uint32), names.tobytes())])
    banding.join(bands, DedupSection(bands=2), [], sets, each)
    assert sets.names().tolist() == [0, 1, 2]
