"""What workers of a cluster find of near-duplicates is what one process finds."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hearth.curate import banding
from hearth.curate.database import Database
from hearth.curate.near import SMALL, buckets, linked, write_bands
from hearth.curate.plan import UnionFind

_TEXTS, _BANDS, _THRESHOLD = 400, 3, 0.8


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
    bands, database = tmp_path / "bands.parquet", Database(tmp_path / "spilled")
    write_bands(bands, _BANDS, [(places, np.ascontiguousarray(names[places]).tobytes())])
    monkeypatch.setattr(banding, "_NAMES", at_once)
    monkeypatch.setattr(banding, "_SENT", at_once * 40)

    here, there = UnionFind(_TEXTS), UnionFind(_TEXTS)
    small = buckets(database, bands, _BANDS, most=SMALL)
    assert list(linked(small, shingles, _THRESHOLD, here))
    banding.link(each, bands, _BANDS, shingles, _THRESHOLD, there)
    assert there.names().tolist() == here.names().tolist()
    assert [len(bucket) for bucket in buckets(database, bands, _BANDS, least=SMALL + 1)] == [
        int((names[:, -1] == 7).sum())
    ]


def test_texts_without_company_are_compared_with_nobody(tmp_path: Path) -> None:
    bands, sets = tmp_path / "bands.parquet", UnionFind(3)
    names = np.arange(6, dtype=np.uint64)
    write_bands(bands, 2, [(np.arange(3, dtype=np.uint32), names.tobytes())])
    banding.link(each, bands, 2, [], _THRESHOLD, sets)
    assert sets.names().tolist() == [0, 1, 2]
