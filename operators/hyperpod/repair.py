"""The repair of a cluster's nodes."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from airflow.sdk import Context

from hearth.hyperpod.nodes import Health, Ledger, RepairPlan
from hearth.hyperpod.plan import ClusterFailed
from operators.aws import AwsOperator
from operators.hyperpod.hook import HyperPodHook
from operators.hyperpod.mend import Mender
from operators.hyperpod.nodes import POLL_SECONDS, Looked, OfNodes
from operators.hyperpod.triggers import Until
from operators.opened import errors_for_airflow


class HyperPodReplaceNodesOperator(OfNodes, AwsOperator[HyperPodHook]):
    """Replaces or reboots the faulty nodes of the build's cluster, and waits for the new ones.

    What it does and how many nodes it may touch is the profile's `repair`. Each instance is asked
    for once, however often the task is tried and whichever answers are lost.
    """

    aws_hook_class = HyperPodHook

    def __init__(
        self,
        *,
        groups: Sequence[str] = (),
        poll_seconds: float = POLL_SECONDS,
        deferrable: bool = True,
        **kwargs: Any,
    ) -> None:
        """Name the nodes.

        Args:
            groups: instance groups; none: all.
            poll_seconds: how often SageMaker is asked.
            deferrable: whether the triggerer waits, and not the worker.
            kwargs: as for `AwsOperator`.
        """
        super().__init__(**kwargs)
        self.groups = groups
        self.poll_seconds = poll_seconds
        self.deferrable = deferrable

    def execute(self, context: Context) -> Any:
        """Repair, and wait."""
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
        seconds = looked.settings.wait_minutes * 60
        mender = Mender(self.hook, looked.opened, looked.settings, looked.cluster, self.log)
        while True:
            health = self._look(looked)
            plan = mender.plan(health)
            mender.ask(plan)
            if not plan.ask and not plan.wait and health.settled:
                return self._end(looked, mender.ledger, health, plan)
            left = began + seconds - time.time()
            if left <= 0:
                message = f"cluster {looked.cluster}: {health}, after {seconds / 60:g} minutes"
                raise ClusterFailed(message)
            if self.deferrable and not plan.ask:
                until = Until.WELL if plan.wait else Until.SETTLED
                self.defer(
                    trigger=self._trigger(looked, until, left),
                    method_name="resume",
                    kwargs={"began": began},
                )
            # What was just asked for may not show yet: the next look is not in the same breath.
            time.sleep(min(self.poll_seconds, left))

    def _end(
        self, looked: Looked, ledger: Ledger, health: Health, plan: RepairPlan
    ) -> dict[str, Any]:
        if plan.refused:
            reasons = "; ".join(f"{node}: {why}" for node, why in plan.refused)
            message = f"cluster {looked.cluster}: nodes are left to a person: {reasons}"
            raise ClusterFailed(message)
        mine = [one for one in ledger.all().values() if one.build == looked.opened.record.id]
        return {"running": len(health.running), "repaired": [one.instance for one in mine]}
