"""The processes of an endpoint's supervisor, and their end."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from hearth.rollout.child import Child, adopt, spawn

SLEEPS = "import time; time.sleep(600)"
PARENT = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {SLEEPS!r}])"
SUPERVISOR = f"""
import pathlib, sys, time
from hearth.rollout.child import spawn
folder = pathlib.Path(sys.argv[1])
spawn(folder, "left", [sys.executable, "-c", {SLEEPS!r}], 1, cwd=folder, environment={{}})
print(flush=True)
time.sleep(600)
"""


@pytest.fixture
def careless(tmp_path: Path) -> Iterator[Child]:
    """A child that was adopted, and whose parent never reaps it."""
    command = [sys.executable, "-c", SUPERVISOR, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as parent:
        assert parent.stdout is not None
        parent.stdout.readline()
        (child,) = adopt(tmp_path)
        yield child
        child.kill()
        parent.kill()


def test_a_child_goes_with_all_that_it_started(tmp_path: Path) -> None:
    child = spawn(tmp_path, "one", [sys.executable, "-c", PARENT], 1, cwd=tmp_path, environment={})
    process = psutil.Process(child.pid)
    deadline = time.monotonic() + 20
    while not (family := process.children(recursive=True)):
        assert time.monotonic() < deadline
        time.sleep(0.01)
    child.kill()
    assert not child.alive
    assert not psutil.pid_exists(child.pid)
    assert not [one for one in family if one.is_running() and one.status() != "zombie"]


def test_a_dead_child_that_nobody_reaps_is_not_waited_for(careless: Child) -> None:
    assert careless.alive
    began = time.monotonic()
    careless.kill()
    assert time.monotonic() - began < 5
    assert not careless.alive
    assert psutil.Process(careless.pid).status() == psutil.STATUS_ZOMBIE
