"""Item scores of made-up models on a made-up suite."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from hearth.evaluate.scores import table
from hearth.suite.manifest import SuiteManifest, TaskInfo, TaskKind
from hearth.suite.spec import Language

ITEMS, GROUPS = 400, 80
Scores = Callable[..., pa.Table]


@pytest.fixture
def suite() -> SuiteManifest:
    return SuiteManifest(
        name="made-up",
        version=1,
        max_length=256,
        dtype="float32",
        tasks=tuple(
            TaskInfo(
                task=f"{kind}_{language}",
                kind=kind,
                language=language,
                items=ITEMS,
                groups=GROUPS,
                baselines=None,
                smallest_detectable=0.05,
            )
            for language in Language
            for kind in TaskKind
        ),
        works=(),
    )


@pytest.fixture
def scores(suite: SuiteManifest) -> Scores:
    def make(
        *,
        worse: float = 0.0,
        accuracy: float = 0.5,
        noise: float = 0.05,
        seed: int = 0,
        groups: int = GROUPS,
    ) -> pa.Table:
        """A model with 2 + `worse` bits per byte; `seed` is of its noise, not of the items'."""
        items, own = np.random.default_rng(99), np.random.default_rng(seed)
        rows: list[dict[str, Any]] = []
        for task in suite.tasks:
            measured = task.kind is TaskKind.BITS_PER_BYTE
            hardness = items.normal(0, 0.3, ITEMS)
            difficulty = items.random(ITEMS)
            for index in range(ITEMS):
                bits = 2 + worse + hardness[index] + own.normal(0, noise)
                rows.append(
                    {
                        "task": task.task,
                        "item": f"{task.task}-{index:04d}",
                        "group": f"group-{index % groups:03d}",
                        "language": task.language.value,
                        "kind": task.kind.value,
                        "loglikelihood": -bits * np.log(2) * 100 if measured else -5.0,
                        "bytes": 100 if measured else 20,
                        "correct": None
                        if measured
                        else bool(difficulty[index] + own.normal(0, noise) < accuracy),
                        "baseline_loglikelihood": -(2.5 + hardness[index]) * np.log(2) * 100
                        if measured
                        else None,
                    }
                )
        return table(rows)

    return make
