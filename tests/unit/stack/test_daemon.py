from __future__ import annotations

import json
import os
import signal
import sys
import uuid
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hearth.compute.process import ProcessIdentity
from hearth.errors import TransientError
from hearth.stack.daemon import MARK, Daemon, wait_for

Make = Callable[..., Daemon]
WAITS = "import pathlib, sys, time; pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
STUBBORN = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); " + WAITS
PARENT = (
    "import pathlib, subprocess, sys, time\n"
    "subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'])\n"
    "pathlib.Path(sys.argv[1]).touch(); time.sleep(600)"
)


@pytest.fixture
def make(tmp_path: Path) -> Iterator[Make]:
    made = []
    mark = uuid.uuid4().hex

    def build(program: str, *, grace: float = 10.0) -> Daemon:
        daemon = Daemon(
            name=f"daemon{len(made)}",
            command=[sys.executable, "-c", program, str(tmp_path / f"ready{len(made)}")],
            environment={"PATH": os.defpath, MARK: mark},
            state=tmp_path / "run",
            logs=tmp_path / "logs",
            grace=grace,
        )
        made.append(daemon)
        return daemon

    yield build
    for daemon in made:
        daemon.clear()


def started(daemon: Daemon) -> ProcessIdentity:
    identity = daemon.start()
    ready = Path(daemon.command[-1])
    wait_for(lambda: None if ready.exists() else "its file", [daemon], timeout=20, interval=0.01)
    return identity


def test_a_daemon_runs_in_a_session_of_its_own(make: Make) -> None:
    identity = started(make(WAITS))
    assert os.getsid(identity.pid) == identity.pid != os.getsid(0)


def test_another_object_finds_it_by_its_pid_file(make: Make, tmp_path: Path) -> None:
    daemon = make(WAITS)
    identity = started(daemon)
    again = Daemon(daemon.name, (), daemon.environment, daemon.state, daemon.logs)
    assert again.identity() == identity
    again.stop()
    assert not daemon.alive()
    assert not list(daemon.state.iterdir())


def test_stop_ends_also_what_ignores_sigterm(make: Make) -> None:
    daemon = make(STUBBORN, grace=0.2)
    identity = started(daemon)
    daemon.stop()
    assert not identity.alive()


def test_stop_ends_the_children(make: Make) -> None:
    daemon = make(PARENT)
    started(daemon)
    children = daemon.members()
    assert len(children) == 2
    daemon.stop()
    assert not [child for child in children if child.alive()]


def test_what_a_crash_left_is_cleared_before_the_next_start(make: Make) -> None:
    daemon = make(PARENT)
    started(daemon)
    daemon.kill()
    orphans = daemon.members()
    assert len(orphans) == 1
    assert not daemon.alive()
    daemon.start()
    assert not [orphan for orphan in orphans if orphan.alive()]
    assert daemon.alive()


def test_a_stranger_with_an_old_pid_is_left_alone(make: Make) -> None:
    daemon, stranger = make(WAITS), make(WAITS)
    started(daemon)
    other = started(stranger)
    daemon.stop()
    stale = {**other.to_json(), "ticks": other.ticks - 1}
    (daemon.state / f"{daemon.name}.json").write_text(json.dumps(stale))
    assert not daemon.alive()
    assert not other.signal(signal.SIGCONT) or other.alive()


def test_a_pid_of_an_earlier_boot_is_dead(make: Make) -> None:
    daemon = make(WAITS)
    identity = started(daemon)
    old = {**identity.to_json(), "boot": "an earlier one"}
    (daemon.state / f"{daemon.name}.json").write_text(json.dumps(old))
    assert not daemon.alive()
    assert daemon.members() == set()
    daemon.clear()
    assert identity.alive()
    identity.signal(signal.SIGKILL)


def test_waiting_for_a_daemon_that_died_tells_its_last_words(make: Make) -> None:
    daemon = make("import sys; sys.exit('the disk is on fire')")
    daemon.start()
    with pytest.raises(TransientError, match="the disk is on fire"):
        wait_for(lambda: "an answer", [daemon], timeout=20, interval=0.01)


def test_waiting_ends_with_what_is_missing(make: Make) -> None:
    daemon = make(WAITS)
    started(daemon)
    with pytest.raises(TransientError, match="an answer"):
        wait_for(lambda: "an answer", [daemon], timeout=0.0)


def test_only_the_owner_can_read_what_a_daemon_writes(make: Make) -> None:
    daemon = make(WAITS)
    started(daemon)
    assert Path(daemon.command[-1]).stat().st_mode & 0o077 == 0
