"""What the watch starts again, when, and what it leaves alone."""

from __future__ import annotations

import os
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hearth.stack.alone import alone
from hearth.stack.daemon import MARK, Daemon
from hearth.stack.watch import Watch

SLEEPS = "import time; time.sleep(600)"


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Callable[[str], Daemon]]:
    made: list[Daemon] = []
    mark = uuid.uuid4().hex

    def build(name: str) -> Daemon:
        made.append(
            Daemon(
                name=name,
                command=[sys.executable, "-c", SLEEPS],
                environment={"PATH": os.defpath, MARK: mark},
                state=tmp_path / "run",
                logs=tmp_path / "logs",
            )
        )
        return made[-1]

    yield build
    for daemon in made:
        daemon.clear()


def test_what_died_is_started_again_and_nothing_else_is(make: Callable[[str], Daemon]) -> None:
    dies, lives, stopped, never = (make(name) for name in ("dies", "lives", "stopped", "never"))
    for daemon in (dies, lives, stopped):
        daemon.start()
    before = lives.identity()
    watch = Watch([dies, lives, stopped, never])
    assert watch.round(0.0) == []
    dies.kill()
    stopped.stop()
    assert watch.round(1.0) == ["dies"]
    assert dies.alive()
    assert lives.identity() == before
    assert [stopped.alive(), never.alive()] == [False, False]
    assert watch.round(2.0) == []


def test_who_falls_again_and_again_waits_longer_each_time(make: Callable[[str], Daemon]) -> None:
    daemon = make("falls")
    daemon.start()
    watch = Watch([daemon])
    waits, now = [], 0.0
    for _ in range(4):
        daemon.kill()
        fell = now
        while not watch.round(now):
            now += 1.0
        waits.append(now - fell)
    assert waits == [0.0, 2.0, 10.0, 30.0]


def test_who_has_run_long_enough_is_started_at_once_again(make: Callable[[str], Daemon]) -> None:
    daemon = make("steady")
    daemon.start()
    watch = Watch([daemon])
    for now in (0.0, 1000.0):
        assert watch.round(now) == []
        daemon.kill()
        assert watch.round(now + 1) == ["steady"]


def test_nothing_is_started_while_the_stack_is_brought_up_or_down(
    make: Callable[[str], Daemon], tmp_path: Path
) -> None:
    daemon = make("held")
    daemon.start()
    watch = Watch([daemon])
    daemon.kill()
    with alone(tmp_path / "run", waiting=None) as held:
        assert held
        assert watch.round(0.0) == []
    assert watch.round(1.0) == ["held"]
