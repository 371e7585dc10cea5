"""How ranks are started, on one node and on several."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import psutil
import pytest

from hearth.errors import SpecError
from hearth.resources import GRACE, LAUNCH, NODES, RENDEZVOUS
from hearth.train.launch import kill_descendants, launcher

SLEEP = [sys.executable, "-c", "import time; time.sleep(60)"]
TWO = {NODES: "2", LAUNCH: json.dumps(["srun", "--nodes=2"]), RENDEZVOUS: "first:20001"}


def test_ranks_of_one_node_meet_nobody_else() -> None:
    command = launcher(2, {})
    assert "--standalone" in command
    assert command[command.index("--nproc-per-node") + 1] == "2"


def test_ranks_of_two_nodes_are_dealt_evenly_and_meet_on_the_first() -> None:
    command = launcher(4, TWO)
    assert command[:2] == ["srun", "--nodes=2"]
    assert command[command.index("--nproc-per-node") + 1] == "2"
    assert command[command.index("--rdzv-endpoint") + 1] == "first:20001"
    assert "--standalone" not in command


def test_ranks_that_cannot_be_dealt_evenly_are_refused() -> None:
    with pytest.raises(SpecError, match="3 cannot be dealt to 2"):
        launcher(3, TWO)


def test_ranks_have_the_grace_of_their_job_for_a_last_checkpoint() -> None:
    for environment, seconds in (({}, "30"), ({GRACE: "240"}, "240"), ({**TWO, GRACE: "90"}, "90")):
        command = launcher(2, environment)
        assert command[command.index("--shutdown-timeout") + 1] == seconds


def test_one_node_under_a_launcher_still_uses_it() -> None:
    assert launcher(2, {NODES: "1", LAUNCH: json.dumps(["srun"])})[0] == "srun"


def test_a_rank_that_ended_before_its_turn_keeps_no_other_from_being_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ended, hanging = (subprocess.Popen(SLEEP) for _ in range(2))
    found = [psutil.Process(one.pid) for one in (ended, hanging)]
    ended.kill()
    ended.wait()
    monkeypatch.setattr(psutil.Process, "children", lambda _self, recursive: found)
    kill_descendants(os.getpid())
    assert hanging.wait(10) == -signal.SIGKILL
