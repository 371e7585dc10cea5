"""Which executor an input takes."""

from __future__ import annotations

import pytest

from hearth.curate import choice
from hearth.curate.choice import RAY_ABOVE_BYTES, choose
from hearth.curate.executor import InProcessExecutor
from hearth.errors import SpecError
from hearth.raycluster import RAY_HERE

ELSEWHERE = "head:6379"


def unheard(_stage: str, _count: int) -> None:
    """Progress that nobody looks at."""


@pytest.fixture
def clusters(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The Ray clusters that were asked for; none is started."""
    asked: list[str] = []
    monkeypatch.setattr(choice, "ray_executor", lambda _progress, cluster: asked.append(cluster))
    return asked


def test_a_small_input_stays_in_the_process_and_a_large_one_gets_a_ray(clusters: list[str]) -> None:
    assert isinstance(choose(RAY_ABOVE_BYTES - 1, None, unheard), InProcessExecutor)
    assert clusters == []
    choose(RAY_ABOVE_BYTES, None, unheard)
    assert clusters == [RAY_HERE]


def test_a_cluster_that_was_named_is_taken_whatever_the_size(clusters: list[str]) -> None:
    choose(0, ELSEWHERE, unheard)
    assert clusters == [ELSEWHERE]


def test_a_place_that_is_none_is_refused_and_what_to_write_is_said() -> None:
    with pytest.raises(SpecError, match="host:port"):
        choose(0, "http://head", unheard)
