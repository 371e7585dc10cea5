from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from hearth.compute.process import (
    ProcessIdentity,
    boot_id,
    descendants,
    kill_all,
    marked,
    resident_bytes,
)


@contextmanager
def running(*command: str, **env: str) -> Iterator[ProcessIdentity]:
    """A process that is reaped only at the end."""
    process = subprocess.Popen(
        command, env={**os.environ, **env}, stdout=subprocess.PIPE, start_new_session=True
    )
    identity = ProcessIdentity.of(process.pid)
    assert identity is not None
    try:
        yield identity
    finally:
        process.kill()
        process.communicate()


def test_a_process_is_itself() -> None:
    me = ProcessIdentity.current()
    assert me.pid == os.getpid()
    assert me.boot == boot_id()
    assert me.alive()
    assert ProcessIdentity.of(os.getpid()) == me


def test_an_identity_survives_json() -> None:
    me = ProcessIdentity.current()
    assert ProcessIdentity.from_json(json.loads(json.dumps(me.to_json()))) == me


def test_a_zombie_is_dead() -> None:
    with running("/bin/sleep", "100") as process:
        assert process.signal(signal.SIGKILL)
        assert process.wait(10)
        assert ProcessIdentity.of(process.pid) is not None
        assert not process.alive()
        assert not process.signal(signal.SIGKILL)


def test_waiting_ends_with_the_process_or_the_patience() -> None:
    with running("/bin/sleep", "100") as process:
        assert not process.wait(0.01)
        process.signal(signal.SIGTERM)
        assert process.wait(10)
    assert process.wait(10)
    assert not process.alive()


def test_another_process_under_the_same_pid_gets_no_signal() -> None:
    with running("/bin/sleep", "100") as process:
        before = replace(process, ticks=process.ticks - 1)
        elsewhere = replace(process, boot="another boot")
        for other in (before, elsewhere):
            assert not other.alive()
            assert not other.signal(signal.SIGKILL)
            assert other.wait(0)
        assert process.alive()


def test_a_name_full_of_parentheses_confuses_nobody() -> None:
    script = "open('/proc/self/comm', 'w').write(') Z 1 ('); print(flush=True); input()"
    process = subprocess.Popen(
        [sys.executable, "-S", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    process.stdout.readline()
    identity = ProcessIdentity.of(process.pid)
    assert identity is not None
    assert identity.alive()
    process.communicate(b"\n")


def test_grandchildren_are_descendants() -> None:
    with running("/bin/bash", "-c", "setsid bash -c 'sleep 100 & echo; wait' & wait") as process:
        pipe = [one for one in descendants([os.getpid()]) if one == process]
        assert pipe == [process]
        while len(found := descendants([process.pid])) < 2:
            assert process.alive()
        assert process not in found
        assert not kill_all(lambda: descendants([process.pid]), 10)
        assert not [one for one in found if one.alive()]


def test_the_marker_is_inherited() -> None:
    script = "setsid sleep 100 & echo; wait"
    with running("/bin/bash", "-c", script, HEARTH_TEST="this one") as process:
        while len(found := marked("HEARTH_TEST", "this one")) < 2:
            assert process.alive()
        assert process in found
        assert not marked("HEARTH_TEST", "this")
        assert not kill_all(lambda: marked("HEARTH_TEST", "this one"), 10)


def test_nothing_forks_faster_than_it_is_killed() -> None:
    # Every process starts its successor and ends: none of them lives long enough to be aimed at.
    script = 'sleep 0.005; (exec -a chain setsid bash -c "$SCRIPT") &'
    with running("/bin/bash", "-c", script, SCRIPT=script, HEARTH_TEST="chain"):
        assert not kill_all(lambda: marked("HEARTH_TEST", "chain"), 10)
        assert not marked("HEARTH_TEST", "chain")


def test_memory_adds_up() -> None:
    me = ProcessIdentity.current()
    alone = resident_bytes([me])
    assert alone > 1_000_000
    with running("/bin/sleep", "100") as process:
        assert resident_bytes([me, process]) > alone // 2
    assert resident_bytes([process]) == 0
