"""The triggers that wait for a cluster and for its nodes."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from enum import StrEnum
from typing import Any, Final

from airflow.triggers.base import BaseTrigger, TriggerEvent

from hearth.errors import HearthError
from hearth.hyperpod.nodes import Health, health_of
from operators import kill
from operators.aws import AwsTrigger, hook_of
from operators.hyperpod.hook import HyperPodHook
from operators.hyperpod.keeper import Keeper
from operators.opened import open_named

_LONGEST_WAIT: Final = 60.0
GIVEN_UP: Final = frozenset({"failed", "skipped", "removed"})
"""States by which a person says that a task's cluster is not wanted. One that was cleared comes
back for it, and after one that was marked a success the build goes on."""


class Waiter(StrEnum):
    """The waiters in `waiters.json`."""

    SETTLED = "ClusterSettled"
    GONE = "ClusterGone"


class Until(StrEnum):
    """What is waited for."""

    WELL = "well"
    """Every node runs."""
    SETTLED = "settled"
    """Every node runs or is faulty."""


def reached(health: Health, until: Until) -> bool:
    """Whether the wait is over."""
    return health.well if until is Until.WELL else health.settled


class ClusterTrigger(AwsTrigger):
    """Waits for a cluster. If a person gives up its task, the cluster is given back."""

    aws_hook_class = HyperPodHook

    def __init__(
        self,
        *,
        cluster: str,
        waiter: str,
        profile: str,
        build: str,
        endpoint_url: str | None = None,
        **kwargs: Any,
    ) -> None:
        """Name the cluster.

        Args:
            cluster: its name.
            waiter: a `Waiter`.
            profile: the profile that says where the store is.
            build: the id of the build that waits; empty: it is not given back after a kill.
            endpoint_url: an emulator.
            kwargs: as for `AwsTrigger`.
        """
        super().__init__(
            serialized_fields={
                "cluster": cluster,
                "waiter": waiter,
                "profile": profile,
                "build": build,
            },
            endpoint_url=endpoint_url,
            waiter_name=waiter,
            waiter_args={"ClusterName": cluster},
            failure_message=f"cluster {cluster} is not as it should be",
            status_message=f"cluster {cluster}",
            status_queries=["ClusterStatus", "FailureMessage"],
            return_key="cluster",
            return_value=cluster,
            **kwargs,
        )
        self.cluster = cluster
        self.profile = profile
        self.build = build

    async def on_kill(self) -> None:
        """Give the cluster back if a person gave up the task."""
        if self.task_instance is not None and self.build:
            await asyncio.to_thread(self._kill, self.task_instance)

    def _kill(self, task: Any) -> None:
        state = kill.ask(task, kill.TRIGGERER_SECONDS)
        if state not in GIVEN_UP:
            self.log.info("%s", kill.describe(kill.Side.TRIGGERER, state))
            return
        give_back(self.profile, self.build)


def give_back(profile: str, build: str) -> None:
    """Release a build's cluster as far as that goes at once; the reaper does the rest."""
    opened = open_named(profile, build)
    aws = opened.record.profile.aws
    if aws is None or aws.hyperpod is None:
        return
    keeper = Keeper(hook_of(HyperPodHook, aws), aws, aws.hyperpod, opened.root)
    keeper.release(build)


class NodesTrigger(BaseTrigger):
    """Waits for the nodes of a cluster."""

    def __init__(
        self,
        *,
        cluster: str,
        until: str,
        poll_seconds: float,
        seconds: float,
        groups: list[str],
        hook: dict[str, Any],
    ) -> None:
        """Name the nodes.

        Args:
            cluster: the cluster's name.
            until: an `Until`.
            poll_seconds: how often to look.
            seconds: wait no longer than this; what then is the operator's to say.
            groups: look at these alone; none: at all.
            hook: the arguments of `HyperPodHook`.
        """
        super().__init__()  # type: ignore[no-untyped-call]
        self.cluster = cluster
        self.until = until
        self.poll_seconds = poll_seconds
        self.seconds = seconds
        self.groups = groups
        self.hook = hook

    def serialize(self) -> tuple[str, dict[str, Any]]:
        """Return what makes this trigger again."""
        names = ("cluster", "until", "poll_seconds", "seconds", "groups", "hook")
        return (
            "operators.hyperpod.triggers.NodesTrigger",
            {name: getattr(self, name) for name in names},
        )

    async def run(self) -> AsyncIterator[TriggerEvent]:
        """Wait; the event says only that it is time to look."""
        hook = HyperPodHook(**self.hook)
        loop = asyncio.get_running_loop()
        deadline = loop.time() + self.seconds
        wait, said = self.poll_seconds, ""
        while loop.time() < deadline:
            try:
                health = await asyncio.to_thread(look, hook, self.cluster, self.groups)
            except Exception as error:  # noqa: BLE001 - a trigger that dies fails a task that lives
                wait = min(wait * 2, _LONGEST_WAIT)
                self.log.warning("%s; asking again in %g s", error, wait)
            else:
                wait = self.poll_seconds
                if str(health) != said:
                    said = str(health)
                    self.log.info("cluster %s: %s", self.cluster, said)
                if reached(health, Until(self.until)):
                    break
            await asyncio.sleep(wait)
        yield TriggerEvent({"cluster": self.cluster})  # type: ignore[no-untyped-call]


def look(hook: HyperPodHook, cluster: str, groups: list[str]) -> Health:
    """Return how the nodes of a cluster are.

    Raises:
        HearthError: there is no such cluster, or AWS does not say.
    """
    described = hook.describe(cluster)
    if described is None:
        message = f"cluster {cluster}: there is none: was its task `cluster` run?"
        raise HearthError(message)
    return health_of(hook.nodes(cluster), described, groups)
