"""A rehearsal as a whole: the stack, a real Slurm behind it, and an emulated AWS before that."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import httpx

from hearth.settings import Settings
from hearth.stack.ports import Port, require_free
from hearth.stack.stack import Stack
from rehearsal.aws.kms import make_key
from rehearsal.aws.process import Emulator
from rehearsal.aws.server import CONTROL
from rehearsal.nodes import hook
from rehearsal.slurm import Cluster
from rehearsal.slurm.daemon import Daemon

_PROVISION_SECONDS: Final = 1.0

EMULATED: Final = {
    "AWS": "moto, with HyperPod before it (rehearsal/aws), after AWS's documentation: that AWS "
    "keeps to it is unverified, as are permissions, quotas and capacity",
    "Machines": "three slurmd on this one machine: a replaced node is another slurmd, and neither "
    "hardware nor images, lifecycle scripts and networks (EFA) are rehearsed",
    "FSx": "this machine's /tmp, where nodes of AWS mount FSx for Lustre",
    "GPUs": "none: training runs on CPU cores, over gloo",
    "KMS": "a key in a file, by which the store encrypts every object (SSE-KMS)",
    "Endpoint": "processes on this machine, not SageMaker's",
}
"""What stands for something else. Slurm, its accounting and REST API, Airflow and the object store
are real."""


class Rehearsal:
    """Everything that the profile `rehearsal` names, on this machine."""

    def __init__(
        self,
        settings: Settings,
        say: Callable[[str], None] = lambda _line: None,
        *,
        watched: bool = True,
    ) -> None:
        """Describe it; nothing is started.

        Args:
            settings: of this machine; their profile names a Slurm and an emulated AWS.
            say: told of each step, one line at a time.
            watched: see `Stack`.
        """
        self.settings = settings
        self.stack = Stack(settings, say, watched=watched)
        self.slurm = Cluster(settings.home / "slurm")
        self.aws = Emulator(f"http://127.0.0.1:{settings.aws_port}")
        self._emulator = Daemon("emulator", settings.home / "aws")
        self._say = say

    def up(self) -> None:
        """Start what does not run. Slurm's nodes come with the cluster that a build asks for."""
        self._start_emulator()  # the store asks it for keys
        with ThreadPoolExecutor(max_workers=1) as beside:
            self._say("starting Slurm: accounting, controller, REST API")
            slurm = beside.submit(self.slurm.up, nodes=False, rest_port=self.settings.slurm_port)
            self.stack.up()
            slurm.result()

    def stop(self) -> None:
        """End all of it, jobs included: what runs on a node ends with the node."""
        self._say("stopping Slurm")
        self.slurm.down()
        self.stack.stop()
        self._emulator.stop()

    def lose(self, node: str) -> None:
        """Let a node die: its slurmd and all that ran on it; AWS's health monitoring says so.

        Args:
            node: such as `worker-1`.
        """
        self.slurm.kill_node(node)
        pod = self.stack.profile.aws and self.stack.profile.aws.hyperpod
        if pod:
            self.aws.fail_node(pod.cluster, node, "the instance does not answer")

    def _start_emulator(self) -> None:
        home = self.settings.home / "aws"
        for name in ("run", "log"):
            (home / name).mkdir(parents=True, exist_ok=True)
        number = self.settings.aws_port
        if self._emulator.identity() is None:
            # Clusters end with the emulator that keeps them, and its nodes with them.
            for node in self.slurm.nodes:
                self.slurm.kill_node(node)
            require_free([Port(number, "the emulated AWS", "HEARTH_AWS_PORT")])
        key = home / "kms-key"
        make_key(key)
        self._say("starting the emulated AWS")
        self._emulator.start(
            [sys.executable, "-m", "rehearsal.aws", f"--port={number}",
             f"--provision-seconds={_PROVISION_SECONDS}", f"--key={key}",
             f"--hook={json.dumps(hook(self.slurm.home))}"],
            self._answers,
        )  # fmt: skip

    def _answers(self) -> bool:
        try:
            return httpx.get(f"{self.aws.url}{CONTROL}health", trust_env=False).is_success
        except httpx.HTTPError:
            return False
