"""Running the ranks: torchrun in a session of its own, its progress, its end, its reasons."""

from __future__ import annotations

import contextlib
import json
import logging
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from typing import Final

import psutil

from hearth.errors import SpecError, TransientError
from hearth.resources import GRACE, LAUNCH, NODES, RENDEZVOUS
from hearth.train.plan import failure_of
from hearth.train.run import Pace, Report, Request, Workspace

log = logging.getLogger(__name__)

_POLL_SECONDS: Final = 0.5
_AFTER_RANKS: Final = 10
"""Seconds that torchrun has to end once its ranks have."""
_STANDING_SECONDS: Final = 600
"""What ranks may take at least before their first step (importing, loading), and after the last."""


class Ranks:
    """The ranks of one run, from start to end."""

    def __init__(self, request: Request, workspace: Workspace) -> None:
        """Start them.

        Args:
            request: what they are to do; it lies in the workspace already.
            workspace: where they work.
        """
        numerics = request.spec.numerics
        self._workspace = workspace
        self._patience = request.operation.hang_seconds
        self._steps = request.spec.steps
        self._told: Pace | None = None
        self._since = time.monotonic()  # that the pace says what it says
        command = [
            *launcher(request.ranks, os.environ),
            *("-m", "hearth.train.worker"),
            *("--workspace", str(workspace.root)),
        ]
        # A session of its own: a signal to the program's group is the program's to pass on.
        self._process = subprocess.Popen(
            command, env=_environment(numerics.threads), start_new_session=True
        )

    def stop(self) -> None:
        """Ask the ranks to checkpoint and end; torchrun passes it on to each of them."""
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGTERM)

    def wait(self, tick: Callable[[Pace | None], None]) -> Report:
        """Wait for the end.

        Args:
            tick: called twice a second with how far the ranks are, and once at the end.

        Returns:
            What the ranks say of the run.

        Raises:
            TransientError: they were stopped, or a rank was killed: resume.
            HearthError: a rank failed; the class is that of its error.
        """
        try:
            while True:
                tick(self._pace())
                self._end_if_hung()
                try:
                    self._process.wait(_POLL_SECONDS)
                    break
                except subprocess.TimeoutExpired:
                    continue
        finally:
            self._end()
        tick(self._pace())
        report = self._report()
        if report is not None and report.stopped:
            message = (
                f"training: stopped on request after step {len(report.history.losses)}, with a "
                "checkpoint there: start it again"
            )
            raise TransientError(message)
        # The report is what a run writes last. With one, all steps are behind it, whatever torchrun
        # says: a request to stop that came too late makes it exit 1.
        if report is None:
            raise failure_of(self._workspace.rank_errors())
        return report

    def _end_if_hung(self) -> None:
        """End ranks that take no step: one that hangs keeps all others waiting for ever.

        Raises:
            TransientError: they were ended.
        """
        told = self._pace()
        if told != self._told:
            # By our own clock: a file's time is that of whoever keeps a shared folder.
            self._told, self._since = told, time.monotonic()
        stepping = told is not None and told.step < self._steps
        quiet = time.monotonic() - self._since
        patience = self._patience if stepping else max(self._patience, _STANDING_SECONDS)
        if quiet <= patience or self._process.poll() is not None:
            return
        kill_descendants(self._process.pid)
        message = (
            f"training: no step for {quiet:.0f} s after step {told.step if told else 0} "
            f"(train.operation.hang_seconds is {self._patience}): a rank hangs; all were ended, "
            "and the next attempt resumes from the newest checkpoint"
        )
        raise TransientError(message)

    def _end(self) -> None:
        """Leave no rank behind when the program goes down before them."""
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(_grace(os.environ) + _AFTER_RANKS)
            except subprocess.TimeoutExpired:
                self._process.kill()

    def _pace(self) -> Pace | None:
        path = self._workspace.pace
        return Pace.model_validate_json(path.read_bytes()) if path.is_file() else None

    def _report(self) -> Report | None:
        path = self._workspace.report
        return Report.model_validate_json(path.read_bytes()) if path.is_file() else None


def kill_descendants(pid: int) -> None:
    """End all that a process started: what is stopped or waits in the kernel, too.

    Whoever launched ranks ends the others when one ends: they may be gone before their turn.
    """
    with contextlib.suppress(psutil.NoSuchProcess):
        for one in psutil.Process(pid).children(recursive=True):
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()


def launcher(ranks: int, environment: Mapping[str, str]) -> list[str]:
    """Return torchrun's command line up to the program, on every node of the job.

    Args:
        ranks: how many there are altogether.
        environment: says how to start something on each node, if there are several.

    Raises:
        SpecError: the ranks cannot be dealt evenly.
    """
    nodes = int(environment.get(NODES, "1"))
    if ranks % nodes:
        message = (
            f"ranks: {ranks} cannot be dealt to {nodes} nodes: choose numerics.world_size, or "
            "operation.ranks, as a multiple of the nodes"
        )
        raise SpecError(message)
    words = json.loads(environment.get(LAUNCH, "[]"))
    command = [*words, sys.executable, *("-m", "torch.distributed.run"), *("--max-restarts", "0")]
    command += ["--nproc-per-node", str(ranks // nodes)]
    # Else torchrun kills ranks after 30 s, whatever their last checkpoint may take.
    command += ["--shutdown-timeout", str(_grace(environment))]
    if nodes == 1:
        return [*command, "--standalone"]
    meeting = environment[RENDEZVOUS]
    command += ["--nnodes", str(nodes), "--rdzv-backend", "c10d"]
    return [*command, "--rdzv-endpoint", meeting, "--rdzv-id", meeting]


def _grace(environment: Mapping[str, str]) -> int:
    """Return the seconds that ranks have for a last checkpoint."""
    return int(environment.get(GRACE, "30"))


def _environment(threads: int) -> dict[str, str]:
    alone = int(os.environ.get(NODES, "1")) == 1
    return {
        **os.environ,
        "OMP_NUM_THREADS": str(threads),
        "MKL_NUM_THREADS": str(threads),
        "TOKENIZERS_PARALLELISM": "false",
        # If all ranks are on this machine, its name need not resolve to anything.
        **({"GLOO_SOCKET_IFNAME": "lo"} if alone else {}),
        "HF_HUB_OFFLINE": "1",
        "PYTHONUNBUFFERED": "1",
    }
