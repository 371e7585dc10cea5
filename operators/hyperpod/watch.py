"""What becomes of a cluster while a job on it has lost a node, or stands still."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

from hearth.aws import AwsSettings, HyperPod
from hearth.hyperpod.nodes import Health
from hearth.hyperpod.plan import name_of
from operators.aws import hook_of
from operators.hyperpod.hook import HyperPodHook
from operators.hyperpod.mend import Mender
from operators.hyperpod.triggers import look
from operators.opened import Opened

_BEFORE: Final = timedelta(minutes=15)
"""So far back events may explain what is seen now."""


class Seen(NamedTuple):
    """What a look at the cluster brought."""

    well: bool
    """Every node runs."""
    mendable: bool
    """There are nodes that are to be repaired, and nobody has asked for that yet."""


class ClusterWatch:
    """Looks at the nodes and events of a build's cluster, and tells what is new of them."""

    def __init__(self, opened: Opened, aws: AwsSettings, settings: HyperPod, log: Any) -> None:
        """Watch the build's cluster; nothing is asked yet.

        Args:
            opened: the build.
            aws: the account.
            settings: the cluster, as the profile has it.
            log: told of what is new.
        """
        self.poll_seconds = settings.poll_seconds
        self._cluster = name_of(settings, opened.record.id)
        self._hook = hook_of(HyperPodHook, aws)
        self._mender = Mender(self._hook, opened, settings, self._cluster, log)
        # Where AWS replaces faulty nodes by itself, a second hand would only be in the way.
        self._mends = settings.node_recovery == "None"
        self._since = datetime.now(UTC) - _BEFORE
        self._told: set[str] = set()
        self._health = ""
        self._log = log

    def look(self) -> Seen:
        """Look once.

        Raises:
            HearthError: there is no such cluster, or AWS does not say.
        """
        health = look(self._hook, self._cluster, [])
        if str(health) != self._health:
            self._health = str(health)
            self._log.info("cluster %s: %s", self._cluster, health)
        for event in self._hook.events(self._cluster, self._since):
            self._tell(f"cluster {self._cluster}: {event}", logging.INFO)
        return Seen(health.well, self._judge(health))

    def mend(self) -> None:
        """Ask for the repair of the nodes that are faulty now."""
        health = look(self._hook, self._cluster, [])
        self._mender.ask(self._mender.plan(health))

    def _judge(self, health: Health) -> bool:
        if not self._mends:
            return False
        plan = self._mender.plan(health)
        for node in plan.wait:
            self._tell(f"its repair is under way: {node}")
        for node, why in plan.refused:
            self._tell(f"a person is to look at {node}: {why}")
        return bool(plan.ask)

    def _tell(self, line: str, level: int = logging.WARNING) -> None:
        if line not in self._told:
            self._told.add(line)
            self._log.log(level, "%s", line)


def watch_of(opened: Opened, log: Any) -> ClusterWatch | None:
    """Return the watch over a build's cluster; None if its profile names none."""
    aws = opened.record.profile.aws
    if aws is None or aws.hyperpod is None:
        return None
    return ClusterWatch(opened, aws, aws.hyperpod, log)
