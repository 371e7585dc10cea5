"""Whether nodes are well, and which of them to repair.

A repair is asked for once for each instance: it is noted in the store before SageMaker is asked,
and an instance that was replaced is gone. SageMaker itself refuses a second replacement of the same
instance, so that asking again after a lost answer does no harm.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from hearth.aws import HyperPod, RepairAction, SlurmRole
from hearth.errors import NotFoundError
from hearth.model import FrozenModel
from hearth.storage import Store

_FAULTY: Final = frozenset({"Failure", "NotFound"})
_RUNNING: Final = "Running"

_REBOOT: Final = timedelta(minutes=20)
"""An instance that is there and faulty so long after its repair was taken on is beyond it."""

ALREADY: Final = frozenset({"InstanceIdNotFound", "InvalidInstanceStatus", "InstanceIdInUse"})
"""Refusals of a repair that mean: it is gone, or on its way, already.

https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BatchReplaceClusterNodesError.html
"""


class Node(FrozenModel):
    """An instance of a cluster."""

    id: str
    group: str
    status: str
    message: str = ""
    host: str = ""

    @classmethod
    def of(cls, summary: Mapping[str, Any]) -> Node:
        """Return a node as `ListClusterNodes` has it."""
        status = summary["InstanceStatus"]
        return cls(
            id=str(summary["InstanceId"]),
            group=str(summary["InstanceGroupName"]),
            status=str(status["Status"]),
            message=str(status.get("Message") or ""),
            host=str(summary.get("PrivateDnsHostname") or ""),
        )

    @property
    def faulty(self) -> bool:
        """Whether it will not run again by itself."""
        return self.status in _FAULTY

    def __str__(self) -> str:
        """Name it for people."""
        host = f" ({self.host})" if self.host else ""
        why = f": {self.message}" if self.message else ""
        return f"{self.group} {self.id}{host} {self.status}{why}"


class Health(FrozenModel):
    """How the nodes of a cluster are."""

    running: tuple[Node, ...]
    faulty: tuple[Node, ...]
    moving: tuple[Node, ...]
    missing: int
    """Nodes that were asked for and do not show yet."""

    @property
    def settled(self) -> bool:
        """Nothing is on its way."""
        return not self.moving and not self.missing

    @property
    def well(self) -> bool:
        """Every node that was asked for runs."""
        return self.settled and not self.faulty

    def __str__(self) -> str:
        """Say it in a line."""
        parts = [f"{len(self.running)} running"]
        parts += [f"{len(self.moving) + self.missing} on their way"] if not self.settled else []
        parts += [f"faulty: {'; '.join(map(str, self.faulty))}"] if self.faulty else []
        return ", ".join(parts)


def health_of(
    nodes: Iterable[Node], described: Mapping[str, Any], groups: Sequence[str] = ()
) -> Health:
    """Return how nodes are.

    Args:
        nodes: all of the cluster's.
        described: the cluster, by `DescribeCluster`: it says how many nodes there are to be.
        groups: look at these alone; none: at all.
    """
    mine = [node for node in nodes if not groups or node.group in groups]
    expected = sum(
        int(group.get("TargetCount") or 0)
        for group in described["InstanceGroups"]
        if not groups or group["InstanceGroupName"] in groups
    )
    leaving = sum(node.status == "ShuttingDown" for node in mine)
    return Health(
        running=tuple(node for node in mine if node.status == _RUNNING),
        faulty=tuple(node for node in mine if node.faulty),
        moving=tuple(node for node in mine if node.status != _RUNNING and not node.faulty),
        missing=max(0, expected - (len(mine) - leaving)),
    )


class Repaired(FrozenModel):
    """A repair that was asked for."""

    instance: str
    group: str
    action: RepairAction
    build: str
    reason: str
    asked: datetime
    answered: bool = False
    """SageMaker said that it is under way."""


class Ledger:
    """The repairs of one cluster, in the store."""

    def __init__(self, root: Store, cluster: str) -> None:
        """Name the cluster; nothing is read.

        Args:
            root: the root of the store.
            cluster: its name.
        """
        self._folder = root.sub(f"clusters/{cluster}/repairs")

    def all(self) -> dict[str, Repaired]:
        """Return the repairs, by instance."""
        found = [
            Repaired.model_validate_json(self._folder.get(info.path))
            for info in self._folder.list("")
        ]
        return {repair.instance: repair for repair in found}

    def ask(self, node: Node, action: RepairAction, build: str) -> Repaired:
        """Note that a repair is about to be asked for; return the note that counts."""
        repair = Repaired(
            instance=node.id,
            group=node.group,
            action=action,
            build=build,
            reason=node.message or node.status,
            asked=datetime.now(UTC),
        )
        if self._folder.create(self._name(node.id), repair.model_dump_json().encode()):
            return repair
        return self._read(node.id) or repair

    def answered(self, instance: str) -> None:
        """Note that SageMaker took a repair on."""
        repair = self._read(instance)
        if repair is not None:
            done = repair.model_copy(update={"answered": True})
            self._folder.put(self._name(instance), done.model_dump_json().encode())

    def _read(self, instance: str) -> Repaired | None:
        try:
            return Repaired.model_validate_json(self._folder.get(self._name(instance)))
        except NotFoundError:
            return None

    @staticmethod
    def _name(instance: str) -> str:
        return f"{instance}.json"


class RepairPlan(FrozenModel):
    """What to do about faulty nodes."""

    ask: tuple[Node, ...]
    """Ask SageMaker for these."""
    wait: tuple[Node, ...]
    """Their repair is under way, and does not show yet."""
    refused: tuple[tuple[Node, str], ...]
    """Left to a person, and why."""


def plan_repair(
    faulty: Sequence[Node],
    ledger: Mapping[str, Repaired],
    settings: HyperPod,
    build: str,
    now: datetime,
) -> RepairPlan:
    """Decide what becomes of faulty nodes, within the build's budget."""
    action, budget = settings.repair.action, settings.repair.budget
    controllers = {group.name for group in settings.groups if group.slurm is SlurmRole.CONTROLLER}
    left = budget - sum(repair.build == build for repair in ledger.values())
    ask: list[Node] = []
    wait: list[Node] = []
    refused: list[tuple[Node, str]] = []
    for node in faulty:
        known = ledger.get(node.id)
        if known is not None and known.answered and now - known.asked > _REBOOT:
            again = f"it was asked to {known.action} at {known.asked:%H:%M}, and is faulty still"
            refused.append((node, again))
        elif known is not None:
            (wait if known.answered else ask).append(node)
        elif action is RepairAction.REPLACE and node.group in controllers:
            refused.append((node, "a Slurm controller is not replaced without a person"))
        elif left <= 0:
            refused.append((node, f"the build's budget of {budget} repairs is used up"))
        else:
            left -= 1
            ask.append(node)
    return RepairPlan(ask=tuple(ask), wait=tuple(wait), refused=tuple(refused))
