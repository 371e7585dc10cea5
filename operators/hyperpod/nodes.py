"""What operators of a cluster's nodes have in common."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final, NamedTuple

from airflow.sdk import Context

from hearth.aws import HyperPod
from hearth.hyperpod.nodes import Health
from hearth.hyperpod.plan import name_of
from operators.aws import FromProfile
from operators.hyperpod.triggers import NodesTrigger, Until, look
from operators.opened import Opened, open_build

POLL_SECONDS: Final = 30.0


class Looked(NamedTuple):
    """A build and its cluster."""

    opened: Opened
    settings: HyperPod
    cluster: str


class OfNodes(FromProfile):
    """A sensor or an operator that looks at the nodes of the build's cluster."""

    poll_seconds: float
    deferrable: bool
    groups: Sequence[str]
    log: Any
    profile: str

    def _open(self, context: Context) -> Looked | None:
        opened = open_build(context)
        aws = opened.record.profile.aws
        if aws is None or aws.hyperpod is None:
            self.log.info("profile %s names no cluster: nothing to do", self.profile)
            return None
        self.use(aws)
        return Looked(opened, aws.hyperpod, name_of(aws.hyperpod, opened.record.id))

    def _look(self, looked: Looked) -> Health:
        this: Any = self  # the hook is a final property of the class that this is mixed into
        return look(this.hook, looked.cluster, list(self.groups))

    def _trigger(self, looked: Looked, until: Until, seconds: float) -> NodesTrigger:
        return NodesTrigger(
            cluster=looked.cluster,
            until=until,
            poll_seconds=self.poll_seconds,
            seconds=seconds,
            groups=list(self.groups),
            hook=self.hook_arguments,
        )
