"""Laws of the process around curation."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from hearth.errors import EXIT_TRANSIENT

PROGRAM = """
import os, signal, sys, time
from hearth.curate.guard import guarded, on_ray

def work():
    {work}

sys.exit(guarded(work))
"""


def started(work: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-c", PROGRAM.format(work=work)], stdout=subprocess.PIPE, text=True
    )


@pytest.mark.parametrize(
    ("work", "code"),
    [
        ("return 0", 0),
        ("return 65", 65),
        ("os._exit(1)", 1),
        ("on_ray(); os._exit(1)", EXIT_TRANSIENT),
        ("on_ray(); return 70", 70),
        ("on_ray(); return 0", 0),
        ("os.kill(os.getpid(), signal.SIGKILL)", -signal.SIGKILL),
        ("os.kill(os.getpid(), signal.SIGSEGV)", -signal.SIGSEGV),
    ],
)
def test_what_the_child_says_is_what_the_parent_says_but_for_a_death_by_ray(
    work: str, code: int
) -> None:
    assert started(work).wait(30) == code


def test_a_stop_reaches_the_work() -> None:
    work = "signal.signal(15, lambda *_: os._exit(75)); print('up', flush=True); time.sleep(60)"
    process = started(work)
    assert process.stdout is not None
    process.stdout.readline()
    process.terminate()
    assert process.wait(30) == EXIT_TRANSIENT


def test_the_work_does_not_outlive_its_parent() -> None:
    process = started("print(os.getpid(), flush=True); time.sleep(60)")
    assert process.stdout is not None
    child = int(process.stdout.readline())
    process.kill()
    process.wait(30)
    for _ in range(500):
        try:
            os.kill(child, 0)
        except ProcessLookupError:
            return
        if open(f"/proc/{child}/stat").read().split()[2] == "Z":  # noqa: PTH123, SIM115 - nobody reaps it here
            return
        time.sleep(0.02)
    pytest.fail("it lives")
