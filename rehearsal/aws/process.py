"""The emulator as a process of its own, and how to give it orders."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

import httpx

from rehearsal.aws.faults import Fault, FaultKind
from rehearsal.aws.server import CONTROL

_STOP_SECONDS: Final = 5.0


class Emulator:
    """An emulated AWS at a URL."""

    def __init__(self, url: str) -> None:
        """Speak to the one at `url`."""
        self.url = url

    def fault(self, operation: str, kind: FaultKind, times: int = 1) -> None:
        """Let an operation fail the next `times` times.

        Args:
            operation: by AWS's name, such as `CreateCluster`.
            kind: how.
            times: how often.
        """
        self._order("faults", Fault(operation=operation, kind=kind, times=times).model_dump())

    def lag(self, seconds: float) -> None:
        """Let readers see everything so much later."""
        self._order("lag", {"seconds": seconds})

    def deny(self, *actions: str) -> None:
        """Let policy simulation deny these actions, and no others; `*` stands for anything."""
        self._order("deny", {"actions": list(actions)})

    def policy(self, document: Mapping[str, Any]) -> None:
        """Let whoever asks have this policy; by default one that allows everything."""
        self._order("policy", document)

    def fail_node(self, cluster: str, node: str, message: str = "GPU fell off the bus") -> None:
        """Let a node fail.

        Args:
            cluster: the cluster's name.
            node: an instance id, or `<group>-<slot>`.
            message: what the health monitoring says.
        """
        self._order("fail", {"cluster": cluster, "node": node, "message": message})

    def calls(self, operation: str | None = None) -> list[str]:
        """Return the operations that were asked for, in order; or only one's."""
        answer: list[str] = httpx.get(f"{self.url}{CONTROL}calls", trust_env=False).json()
        return [call for call in answer if operation in {None, call}]

    def reset(self) -> None:
        """Forget all clusters, faults, denials and calls, and all that moto holds."""
        self._order("reset", {})
        httpx.post(f"{self.url}/moto-api/reset", trust_env=False).raise_for_status()

    def _order(self, what: str, body: Mapping[str, Any]) -> None:
        answer = httpx.post(f"{self.url}{CONTROL}{what}", json=body, trust_env=False)
        answer.raise_for_status()


@contextmanager
def emulator(
    port: int = 0, provision_seconds: float = 0.2, hook: Sequence[str] = ()
) -> Iterator[Emulator]:
    """Run an emulator for a while.

    Args:
        port: 0 takes a free one.
        provision_seconds: how long nodes take to start.
        hook: see `rehearsal.aws.cloud.Cloud`.
    """
    command = [sys.executable, "-m", "rehearsal.aws", "--port", str(port), "--hook",
               json.dumps(list(hook)), "--provision-seconds", str(provision_seconds)]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            url = process.stdout.readline().strip() if process.stdout else ""
            if not url:
                message = f"the emulator ended with {process.wait(_STOP_SECONDS)}"
                raise RuntimeError(message)
            yield Emulator(url)
        finally:
            process.terminate()
            try:
                process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
