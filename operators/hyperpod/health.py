"""The health of a cluster's nodes: wait for it, and have it checked."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from hearth.hyperpod.plan import ClusterFailed
from operators.aws import AwsOperator, AwsSensor
from operators.hyperpod.hook import HyperPodHook
from operators.hyperpod.nodes import POLL_SECONDS, Looked, OfNodes
from operators.hyperpod.triggers import Until, reached
from operators.opened import errors_for_airflow


class HyperPodNodeHealthSensor(OfNodes, AwsSensor[HyperPodHook]):
    """Waits until every node of the build's cluster runs, or, `until="settled"`, runs or failed.

    Leaves the number of running nodes and the names of the faulty ones. After the profile's
    `wait_minutes` it fails and names what is not well, with the cluster's events.
    """

    aws_hook_class = HyperPodHook

    def __init__(
        self,
        *,
        groups: Sequence[str] = (),
        until: str = Until.WELL,
        poll_seconds: float = POLL_SECONDS,
        deferrable: bool = True,
        **kwargs: Any,
    ) -> None:
        """Name the nodes.

        Args:
            groups: instance groups; none: all.
            until: an `Until`.
            poll_seconds: how often SageMaker is asked.
            deferrable: whether the triggerer waits, and not the worker.
            kwargs: as for `AwsSensor`.
        """
        super().__init__(**{"poke_interval": poll_seconds, **kwargs})
        self.groups = groups
        self.until = until
        self.poll_seconds = poll_seconds
        self.deferrable = deferrable

    def execute(self, context: Context) -> Any:
        """Look, and wait."""
        with errors_for_airflow():
            return self._go(context, time.time())

    def resume(self, context: Context, event: dict[str, Any], began: float) -> Any:
        """Go on after a wait."""
        del event
        with errors_for_airflow():
            return self._go(context, began)

    def _go(self, context: Context, began: float) -> Any:
        looked = self._open(context)
        if looked is None:
            return None
        until, seconds = Until(self.until), looked.settings.wait_minutes * 60
        while True:
            health = self._look(looked)
            self.log.info("cluster %s: %s", looked.cluster, health)
            if reached(health, until):
                return {
                    "running": len(health.running),
                    "faulty": [node.id for node in health.faulty],
                }
            left = began + seconds - time.time()
            if left <= 0:
                message = (
                    f"cluster {looked.cluster}: {health}, after {seconds / 60:g} minutes: "
                    "run the replacement of nodes, or look at its events"
                )
                raise ClusterFailed(message)
            if self.deferrable:
                self.defer(
                    trigger=self._trigger(looked, until, left),
                    method_name="resume",
                    kwargs={"began": began},
                )
            time.sleep(self.poll_seconds)


class HyperPodHealthCheckOperator(OfNodes, AwsOperator[HyperPodHook]):
    """Starts SageMaker's deep health checks and waits for the nodes to come out of them.

    SageMaker repairs the nodes that fail by itself. Checked nodes run nothing else meanwhile.
    """

    aws_hook_class = HyperPodHook

    def __init__(
        self,
        *,
        groups: Sequence[str],
        checks: Sequence[str] = ("InstanceStress", "InstanceConnectivity"),
        poll_seconds: float = POLL_SECONDS,
        deferrable: bool = True,
        **kwargs: Any,
    ) -> None:
        """Name the nodes.

        Args:
            groups: instance groups.
            checks: which checks.
            poll_seconds: how often SageMaker is asked.
            deferrable: whether the triggerer waits, and not the worker.
            kwargs: as for `AwsOperator`.
        """
        super().__init__(**kwargs)
        self.groups = groups
        self.checks = checks
        self.poll_seconds = poll_seconds
        self.deferrable = deferrable

    def execute(self, context: Context) -> Any:
        """Start them, unless they go on already."""
        with errors_for_airflow():
            looked = self._open(context)
            if looked is None:
                return None
            if not any("HealthCheck" in node.status for node in self._look(looked).moving):
                groups: dict[str, Sequence[str]] = dict.fromkeys(self.groups, ())
                self.hook.check(looked.cluster, groups, self.checks)
            return self._go(looked, time.time())

    def resume(self, context: Context, event: dict[str, Any], began: float) -> Any:
        """Go on after a wait."""
        del event
        with errors_for_airflow():
            looked = self._open(context)
            return self._go(looked, began) if looked else None

    def _go(self, looked: Looked, began: float) -> dict[str, Any]:
        seconds = looked.settings.wait_minutes * 60
        while True:
            health = self._look(looked)
            if health.settled:
                return {
                    "running": len(health.running),
                    "faulty": [node.id for node in health.faulty],
                }
            left = began + seconds - time.time()
            if left <= 0:
                message = f"cluster {looked.cluster}: {health}, after {seconds / 60:g} minutes"
                raise ClusterFailed(message)
            if self.deferrable:
                self.defer(
                    trigger=self._trigger(looked, Until.SETTLED, left),
                    method_name="resume",
                    kwargs={"began": began},
                )
            time.sleep(self.poll_seconds)
