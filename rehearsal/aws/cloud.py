"""The state of the emulated account, and what changes in it with time."""

from __future__ import annotations

import json
import logging
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from rehearsal.aws.cluster import FAILURE, PENDING, RUNNING, SHUTTING_DOWN, Cluster, Node
from rehearsal.aws.policy import EVERYTHING

log = logging.getLogger(__name__)


class Cloud:
    """All clusters. Every change happens under `lock`; time passes in threads."""

    def __init__(
        self,
        provision_seconds: float = 0.2,
        hook: Sequence[str] = (),
        key: Path | None = None,
    ) -> None:
        """Begin with an empty account.

        Args:
            key: the file of the one key that KMS has; None: what keys there are, moto has.
            provision_seconds: how long a node takes to start, and a cluster to change.
            hook: a command that is told of every node: its last argument is a JSON object with
                `change` (`started`, `stopped`, `rebooted`), `cluster`, `group`, `slot`, `name`
                (`<group>-<slot>`) and `instance`. The node counts as running once it returned.
        """
        self.lock = threading.RLock()
        self.clusters: dict[tuple[str, str], Cluster] = {}
        self.provision_seconds = provision_seconds
        self.key = key
        self.lag_seconds = 0.0
        self.policy: Mapping[str, Any] = EVERYTHING
        self.denied: set[str] = set()
        self.calls: list[str] = []
        self._hook = tuple(hook)

    def reset(self) -> None:
        """Forget everything."""
        with self.lock:
            self.clusters.clear()
            self.lag_seconds = 0.0
            self.policy = EVERYTHING
            self.denied.clear()
            self.calls.clear()

    def later(self, action: Callable[[], None]) -> None:
        """Do something once a node would have started."""
        timer = threading.Timer(self.provision_seconds, action)
        timer.daemon = True
        timer.start()

    def settle(self, cluster: Cluster, stopped: Sequence[Node] = ()) -> None:
        """Stop nodes that go and start those that wait, then let the cluster be in service."""
        for node in stopped:
            self.tell("stopped", cluster, node)

        def act() -> None:
            with self.lock:
                waiting = [node for node in cluster.nodes if node.status == PENDING]
            for node in waiting:
                self.tell("started", cluster, node)
            with self.lock:
                for node in waiting:
                    if node.status == PENDING:
                        node.status = RUNNING
                cluster.nodes = [node for node in cluster.nodes if node.status != SHUTTING_DOWN]
                if cluster.status in {"Creating", "Updating"}:
                    cluster.status = "InService"
                cluster.show()

        self.later(act)

    def remove(self, cluster: Cluster) -> None:
        """Delete a cluster and all of its nodes."""
        for node in cluster.nodes:
            self.tell("stopped", cluster, node)

        def act() -> None:
            with self.lock:
                self.clusters.pop((cluster.region, cluster.name), None)
                cluster.show(gone=True)

        self.later(act)

    def replace(self, cluster: Cluster, node: Node) -> None:
        """Take a node away and start another in its slot."""
        with self.lock:
            node.status = SHUTTING_DOWN
            cluster.nodes.append(Node(node.group, node.slot, node.instance_type))
            cluster.note("Info", f"replacing {node.id}", node)
            cluster.show()
        self.settle(cluster, [node])

    def reboot(self, cluster: Cluster, node: Node) -> None:
        """Restart a node."""
        with self.lock:
            node.status, node.message = PENDING, ""
            cluster.note("Info", f"rebooting {node.id}", node)
            cluster.show()

        def act() -> None:
            self.tell("rebooted", cluster, node)
            with self.lock:
                node.status = RUNNING
                cluster.show()

        self.later(act)

    def fail(self, name: str, node_id: str, message: str) -> None:
        """Let a node fail, as broken hardware would; `Automatic` recovery replaces it.

        Args:
            name: the cluster's name.
            node_id: an instance id, or `<group>-<slot>`.
            message: what the health monitoring says.
        """
        with self.lock:
            cluster = next(one for one in self.clusters.values() if one.name == name)
            node = next(
                one
                for one in cluster.nodes
                if node_id in {one.id, one.name} and one.status != SHUTTING_DOWN
            )
            node.status, node.message = FAILURE, message
            cluster.note("Error", message, node)
            cluster.show()
        if cluster.settings.get("NodeRecovery", "Automatic") == "Automatic":
            self.later(lambda: self.replace(cluster, node))

    def tell(self, change: str, cluster: Cluster, node: Node) -> None:
        """Run the hook; a hook that fails is logged, and its node comes up all the same."""
        if not self._hook:
            return
        word = {
            "change": change,
            "cluster": cluster.name,
            "group": node.group,
            "slot": node.slot,
            "name": node.name,
            "instance": node.id,
        }
        done = subprocess.run(
            [*self._hook, json.dumps(word)], check=False, capture_output=True, text=True
        )
        if done.returncode:
            log.error("the hook of %s ended with %d: %s", node.name, done.returncode, done.stderr)
