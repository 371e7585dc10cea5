"""Getting a cluster for a build and giving it back: every step may be taken twice."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator
from typing import Any, Final

from hearth.aws import AwsSettings, HyperPod
from hearth.awsapi import AwsRefused, AwsUnreachable
from hearth.errors import PolicyViolation
from hearth.hyperpod import lease
from hearth.hyperpod.plan import (
    ClusterFailed,
    State,
    counts_of,
    create_request,
    name_of,
    state_of,
    unreached,
    update_request,
)
from hearth.storage import Store
from operators.hyperpod.hook import HyperPodHook

log = logging.getLogger(__name__)

VISIBLE_SECONDS: Final = 30.0
"""So long a cluster may exist without being seen, after an answer that was lost."""

_LOOK_SECONDS: Final = 2.0
_TAKEN: Final = "ResourceInUse"
_CONFLICTS: Final = frozenset({"ConflictException", "ResourceInUse"})

IsActive = Callable[[str], bool | None]
"""Whether a build, by its id, still runs; None if that is not known."""


class Keeper:
    """The cluster that a profile describes."""

    def __init__(
        self, hook: HyperPodHook, aws: AwsSettings, settings: HyperPod, root: Store
    ) -> None:
        """Look after a cluster.

        Args:
            hook: to SageMaker.
            aws: region and network.
            settings: the cluster.
            root: the root of the store that its builds lie in.
        """
        self.hook = hook
        self._aws = aws
        self._settings = settings
        self._root = root

    def name(self, build: str) -> str:
        """Return the name of a build's cluster."""
        return name_of(self._settings, build)

    def acquire(self, build: str) -> State:
        """Take the next step towards a cluster that serves the build.

        Returns:
            `READY`: it does. `CHANGING`: wait until it has settled, then ask again. `GOING`: wait
            until it is gone.

        Raises:
            PolicyViolation: the name is taken by somebody else's cluster.
            ClusterFailed: SageMaker gave up on it.
            AwsRefused: SageMaker refuses what the profile wants.
            AwsUnreachable: not now.
        """
        name = self.name(build)
        described = self.hook.describe(name)
        if described is None:
            self._create(name, build)
            return State.CHANGING
        state = state_of(described)
        if state is State.GOING:
            return state
        tags = self._claim(described, build)
        if state is State.FAILED:
            why = described.get("FailureMessage") or "SageMaker does not say why"
            message = f"cluster {name} failed: {why}: see its events, then clear the task"
            raise ClusterFailed(message)
        if state is State.CHANGING or not self._converge(described, tags):
            return State.CHANGING
        short = unreached(described)
        for group, (current, target) in short.items():
            log.info("cluster %s, group %s: %d of %d nodes", name, group, current, target)
        return State.CHANGING if short else State.READY

    def release(self, build: str) -> bool:
        """Take the next step towards giving a build's cluster back.

        Returns:
            Whether nothing is left to do but what the reaper does.
        """
        name = self.name(build)
        described = self.hook.describe(name)
        if described is None:
            return True
        tags = self.hook.tags(described["ClusterArn"])
        if self._settings.keep:
            self._end_lease(described, tags, build)
            return True
        if lease.read(tags, self._root.uri).build == build:
            self._delete(described)
            return False
        log.warning("cluster %s is not the one of %s: it is left alone", name, build)
        return True

    def going(self, build: str) -> bool:
        """Whether a build's cluster is on its way out."""
        return state_of(self.hook.describe(self.name(build))) in {State.GOING, State.ABSENT}

    def reap(self, is_active: IsActive) -> Iterator[str]:
        """Give back what builds left behind that are over; yield what was done, in words."""
        for name in self.hook.names(self._settings.cluster):
            described = self.hook.describe(name)
            if described is None:
                continue
            tags = self.hook.tags(described["ClusterArn"])
            found = lease.read(tags, self._root.uri)
            if not found.ours:
                continue
            if found.build and is_active(found.build) is False:
                if self._delete(described):
                    yield f"deleted cluster {name} of build {found.build}"
                continue
            if name != self._settings.cluster or not self._settings.keep:
                continue
            over = [build for build in found.builds if is_active(build) is False]
            for build in over:
                self._end_lease(described, tags, build)
                yield f"ended the lease of build {build} on cluster {name}"
            if found.scaled and not over and state_of(described) is State.READY:
                # A scale-down that was refused while another change went on.
                self._converge(described, tags)

    # Steps ------------------------------------------------------------------------------------

    def _create(self, name: str, build: str) -> None:
        request = create_request(
            self._aws, self._settings, build, self._root.uri, self.hook.account
        )
        try:
            self.hook.call("create_cluster", **request)
        except AwsRefused as refused:
            if refused.code != _TAKEN:
                raise
            log.info("cluster %s is there already: adopting it", name)
        except AwsUnreachable as error:
            log.warning("%s: looking whether cluster %s was created all the same", error, name)
            deadline = time.monotonic() + VISIBLE_SECONDS
            while self.hook.describe(name) is None:
                if time.monotonic() >= deadline:
                    raise
                time.sleep(_LOOK_SECONDS)
        else:
            log.info("creating cluster %s", name)

    def _claim(self, described: dict[str, Any], build: str) -> dict[str, str]:
        """Make sure that the cluster may be used, and that its tags say by whom."""
        name, arn = described["ClusterName"], described["ClusterArn"]
        tags = self.hook.tags(arn)
        found = lease.read(tags, self._root.uri)
        free = self._settings.keep and self._settings.adopt and lease.STORE not in tags
        if not (found.ours or free) or (not self._settings.keep and found.build != build):
            message = (
                f"cluster {name}: exists, and is not Hearth's for this store and build: name "
                "another in the profile, or set `adopt: true` to use one that somebody else made"
            )
            raise PolicyViolation(message)
        if not self._settings.keep:
            return tags
        wanted = {
            lease.STORE: lease.value_of(self._root.uri),
            lease.key_of(build): "1",
            lease.SCALED: "1",
        }
        if not wanted.keys() <= tags.keys():
            self.hook.tag(arn, wanted)
        return tags | wanted

    def _converge(self, described: dict[str, Any], tags: dict[str, str]) -> bool:
        """Bring the groups' counts to what the leases want; whether nothing had to change."""
        found = lease.read(tags, self._root.uri)
        leased = bool(found.needed_by)
        if not leased and not found.scaled:
            return True
        counts = counts_of(self._settings, leased=leased)
        account = self.hook.account
        request = update_request(self._aws, self._settings, described, counts, account)
        if request is not None:
            try:
                self.hook.call("update_cluster", **request)
            except AwsRefused as refused:
                if refused.code not in _CONFLICTS:
                    raise
                log.info("cluster %s is changing already", described["ClusterName"])
                return False
            log.info("cluster %s: %s", described["ClusterName"], counts)
        if not leased:
            arn = described["ClusterArn"]
            again = self.hook.tags(arn)
            if lease.read(again, self._root.uri).needed_by:
                # A build came between the look and the change: it is to find its nodes.
                return self._converge(self.hook.describe(arn) or described, again)
            self.hook.untag(arn, lease.SCALED)
        return request is None

    def _end_lease(self, described: dict[str, Any], tags: dict[str, str], build: str) -> None:
        arn = described["ClusterArn"]
        if tags.pop(lease.key_of(build), None) is not None:
            self.hook.untag(arn, lease.key_of(build))
        if lease.read(tags, self._root.uri).scaled and state_of(described) is State.READY:
            self._converge(described, self.hook.tags(arn))

    def _delete(self, described: dict[str, Any]) -> bool:
        """Ask for the end of a cluster; False while another change goes on."""
        if state_of(described) is State.GOING:
            return False
        try:
            self.hook.call("delete_cluster", ClusterName=described["ClusterName"])
        except AwsRefused as refused:
            if refused.code not in _CONFLICTS:
                raise
            log.info("cluster %s is changing: it goes after that", described["ClusterName"])
            return False
        log.info("deleting cluster %s", described["ClusterName"])
        return True
