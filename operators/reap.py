"""The reaper's task."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from typing import Any

from airflow.sdk import BaseOperator, Context
from airflow.sdk.exceptions import AirflowRuntimeError

from hearth.aws import AwsSettings, HyperPod
from hearth.build import Run
from hearth.errors import HearthError
from hearth.profile import Profile, load_profile, names_in
from hearth.reap import IsActive, needs_its_cluster, reap
from hearth.settings import settings
from hearth.storage import Store
from hearth.withdrawal.service import end_service

_ACTIVE = frozenset({"queued", "running"})
_OVER = frozenset({"success", "failed"})


class ReapOperator(BaseOperator):
    """Cancels attempts whose owning build is no longer active, in the stores of all profiles.

    Clusters that such builds claimed are given back: deleted, or scaled down. What is revoked and
    serves is taken out of service when its grace is over.
    """

    def execute(self, context: Context) -> None:
        """Reap each store and each cluster once."""
        stores: dict[str, Store] = {}
        served: list[tuple[Profile, Store]] = []
        clusters: list[tuple[AwsSettings, HyperPod, Store]] = []
        for profile, root in self._profiles():
            stores.setdefault(profile.storage.uri, root)
            served.append((profile, root))
            aws = profile.aws
            # An emulated cluster is there only while its own profile is used, and costs nothing.
            elsewhere = profile.name != settings().profile and aws and aws.endpoint_url
            if aws is not None and aws.hyperpod is not None and not elsewhere:
                clusters.append((aws, aws.hyperpod, root))
        states: dict[tuple[str, str], bool | None] = {}

        def is_active(run: Run) -> bool | None:
            key = (run.dag_id, run.run_id)
            if key not in states:
                states[key] = self._is_active(context["ti"], run)
            return states[key]

        for uri, root in stores.items():
            try:
                for name in reap(root, is_active):
                    self.log.info("cancelled %s", name)
            except HearthError as error:
                self.log.warning("%s is passed over: %s", uri, error)
        self._end_service(served)
        for aws, pod, root in clusters:
            try:
                self._reap_cluster(aws, pod, root, is_active)
            except HearthError as error:
                self.log.warning("cluster %s is passed over: %s", pod.cluster, error)

    def _end_service(self, served: Iterable[tuple[Profile, Store]]) -> None:
        for profile, root in served:
            grace = profile.policy.revoked_grace
            try:
                done = end_service(root, profile.endpoint.name, grace, datetime.now(UTC))
            except HearthError as error:
                self.log.warning("endpoint %s is passed over: %s", profile.endpoint.name, error)
            else:
                if done:
                    self.log.warning("%s", done)

    def _profiles(self) -> Iterator[tuple[Profile, Store]]:
        for name in names_in(settings().profiles):
            try:
                profile = load_profile(name)
                yield profile, Store.open(profile.storage)
            except HearthError as error:
                # Others are often for elsewhere, or not filled in: no news every two minutes.
                level = logging.WARNING if name == settings().profile else logging.INFO
                why = str(error).split("\n", 1)[0]
                self.log.log(level, "profile %s is passed over: %s", name, why)

    def _reap_cluster(
        self, aws: AwsSettings, pod: HyperPod, root: Store, is_active: IsActive
    ) -> None:
        # boto3 and the amazon provider are slow to import, and most profiles have no cluster.
        from operators.aws import hook_of  # noqa: PLC0415
        from operators.hyperpod.hook import HyperPodHook  # noqa: PLC0415
        from operators.hyperpod.keeper import Keeper  # noqa: PLC0415

        keeper = Keeper(hook_of(HyperPodHook, aws), aws, pod, root)
        for what in keeper.reap(lambda build: needs_its_cluster(root, build, is_active)):
            self.log.info("%s", what)

    def _is_active(self, ti: Any, run: Run) -> bool | None:
        try:
            count = ti.get_dr_count(dag_id=run.dag_id, run_ids=[run.run_id])
            if count == 0:
                return False  # deleted, which only a person does
            state = ti.get_dagrun_state(dag_id=run.dag_id, run_id=run.run_id)
        except (AirflowRuntimeError, OSError) as error:
            self.log.warning("the state of %s is not known: %s", run.run_id, error)
            return None
        name = str(getattr(state, "value", state))
        return True if name in _ACTIVE else False if name in _OVER else None
