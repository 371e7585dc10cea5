"""Having faulty nodes repaired, within the build's budget: each instance is asked for once."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hearth.aws import HyperPod
from hearth.build import EventKind
from hearth.errors import TransientError
from hearth.hyperpod.nodes import ALREADY, Health, Ledger, RepairPlan, plan_repair
from operators.hyperpod.hook import HyperPodHook
from operators.opened import Opened

_RECENT: Final = timedelta(hours=1)


class Mender:
    """Asks SageMaker for repairs, and keeps the ledger of them."""

    def __init__(
        self, hook: HyperPodHook, opened: Opened, settings: HyperPod, cluster: str, log: Any
    ) -> None:
        """Mend a cluster's nodes.

        Args:
            hook: to SageMaker.
            opened: the build on whose account it is done.
            settings: the cluster, as the profile has it.
            cluster: its name.
            log: told of it.
        """
        self.ledger = Ledger(opened.root, cluster)
        self._hook = hook
        self._opened = opened
        self._settings = settings
        self._cluster = cluster
        self._log = log

    def plan(self, health: Health) -> RepairPlan:
        """Decide what becomes of the faulty nodes; nothing is asked for."""
        build, now = self._opened.record.id, datetime.now(UTC)
        return plan_repair(health.faulty, self.ledger.all(), self._settings, build, now)

    def ask(self, plan: RepairPlan) -> None:
        """Ask for the repairs of a plan."""
        if not plan.ask:
            return
        action, build = self._settings.repair.action, self._opened.record.id
        for node in plan.ask:
            for event in self._hook.events(self._cluster, datetime.now(UTC) - _RECENT, node.id):
                self._log.info("%s", event)
            self.ledger.ask(node, action, build)
        try:
            done, failed = self._hook.repair(self._cluster, action, [node.id for node in plan.ask])
        except TransientError as error:
            # It may have had its effect: the next look says so, and asking again does no harm.
            self._log.warning("%s", error)
            return
        for id_, code in failed.items():
            self._log.info("%s of %s: %s", action, id_, code)
        for id_ in (*done, *(id_ for id_, code in failed.items() if code in ALREADY)):
            self.ledger.answered(id_)
        for node in plan.ask:
            if node.id in done:
                self._log.info("%s: %s", action, node)
                self._opened.build.append(
                    EventKind.CLUSTER, cluster=self._cluster, what=f"{action} {node}"
                )
