"""The setup and the teardown of a build's cluster."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any, Final, NamedTuple, NoReturn

from airflow.sdk import Context
from airflow.sdk.exceptions import AirflowFailException

from hearth.build import EventKind
from hearth.errors import HearthError, TransientError
from hearth.execution import Execution
from hearth.hyperpod.plan import ClusterFailed, State
from hearth.judgement import evaluation_plan, references
from hearth.pipeline import stage_plans
from operators import kill
from operators.aws import AwsOperator
from operators.hyperpod.hook import HyperPodHook
from operators.hyperpod.keeper import Keeper
from operators.hyperpod.triggers import GIVEN_UP, ClusterTrigger, Waiter
from operators.opened import Opened, errors_for_airflow, open_build

POLL_SECONDS: Final = 30
_GATE: Final = "gate"


class _Held(NamedTuple):
    opened: Opened
    keeper: Keeper
    task: Any


class _ClusterOperator(AwsOperator[HyperPodHook]):
    aws_hook_class = HyperPodHook
    template_fields: Sequence[str] = AwsOperator.template_fields

    def __init__(
        self, *, poll_seconds: int = POLL_SECONDS, deferrable: bool = True, **kwargs: Any
    ) -> None:
        """Describe the wait.

        Args:
            poll_seconds: how often SageMaker is asked.
            deferrable: whether the triggerer waits, and not the worker.
            kwargs: as for `AwsOperator`.
        """
        super().__init__(**kwargs)
        self.poll_seconds = poll_seconds
        self.deferrable = deferrable
        self._held: _Held | None = None

    def _open(self, context: Context) -> _Held | None:
        opened = open_build(context)
        aws = opened.record.profile.aws
        if aws is None or aws.hyperpod is None:
            self.log.info("profile %s names no cluster: nothing to do", self.profile)
            return None
        self.use(aws)
        keeper = Keeper(self.hook, aws, aws.hyperpod, opened.root)
        self._held = _Held(opened, keeper, context["ti"])
        return self._held

    def _limit(self, held: _Held) -> float:
        aws = held.opened.record.profile.aws
        assert aws is not None  # noqa: S101 - `_open` looked
        assert aws.hyperpod is not None  # noqa: S101 - as above
        return aws.hyperpod.wait_minutes * 60

    def _wait(self, held: _Held, waiter: Waiter, began: float, *, released: bool) -> None:
        """Wait in the triggerer, which ends this call, or here."""
        build = held.opened.record.id
        cluster = held.keeper.name(build)
        left = self._limit(held) - (time.time() - began)
        tries = max(1, int(left / self.poll_seconds))
        if not self.deferrable:
            try:
                self.hook.get_waiter(waiter).wait(
                    ClusterName=cluster,
                    WaiterConfig={"Delay": self.poll_seconds, "MaxAttempts": tries},
                )
            except Exception as error:  # noqa: BLE001 - the next look at the cluster says what is
                self.log.info("%s", error)
            return
        # Never with a timeout: it would fail the task without asking the operator.
        self.defer(
            trigger=ClusterTrigger(
                cluster=cluster,
                waiter=waiter,
                profile=held.opened.record.profile.name,
                build="" if released else build,
                endpoint_url=self.endpoint_url,
                waiter_delay=self.poll_seconds,
                waiter_max_attempts=tries,
                aws_conn_id=self.aws_conn_id,
                region_name=self.region_name,
                verify=self.verify,
                botocore_config=self.botocore_config,
            ),
            method_name="resume",
            kwargs={"began": began},
        )

    def _late(self, held: _Held, began: float) -> bool:
        return time.time() - began > self._limit(held)


class HyperPodClusterOperator(_ClusterOperator):
    """Brings the build's cluster about: created or adopted, updated, scaled up, in service.

    The setup of what runs on it. However often it is tried, there is one cluster, because its name
    follows from the profile and the build. If it cannot be had, it is given back at once; if a
    person gives up the task, likewise; and the reaper gives back what nobody waits for.
    """

    def execute(self, context: Context) -> dict[str, str] | None:
        """Take steps until the cluster serves."""
        with errors_for_airflow():
            held = self._open(context)
            if held is None or self._needless(held):
                return None
            return self._go(held, time.time())

    def resume(
        self, context: Context, event: dict[str, Any], began: float
    ) -> dict[str, str] | None:
        """Go on after a wait: the cluster says how it stands, not the event."""
        del event
        with errors_for_airflow():
            held = self._open(context)
            return self._go(held, began) if held else None

    def on_kill(self) -> None:
        """Give the cluster back if a person gave up the task; else let it come up."""
        if self._held is None:
            return
        opened, keeper, task = self._held
        state = kill.ask(task, kill.WORKER_SECONDS)
        if state in GIVEN_UP:
            keeper.release(opened.record.id)
        else:
            self.log.info("%s", kill.describe(kill.Side.WORKER, state))

    def _needless(self, held: _Held) -> bool:
        """Whether everything that would run on the cluster is there already."""
        record, root = held.opened.record, held.opened.root
        try:
            plans = [
                *stage_plans(record).values(),
                *(
                    evaluation_plan(root, record, version)
                    for version in references(root, record).values()
                ),
            ]
        except HearthError as error:
            self.log.info("what is there already is not known: %s", error)
            return False
        if any(
            Execution.of(root, record, plan.stage, plan.fingerprint).finished() is None
            for plan in plans
        ):
            return False
        self.log.info("every stage is reused: no cluster is started")
        return True

    def _go(self, held: _Held, began: float) -> dict[str, str]:
        build = held.opened.record.id
        name = held.keeper.name(build)
        try:
            while True:
                state = held.keeper.acquire(build)
                if state is State.READY:
                    break
                if self._late(held, began):
                    self._fail_late(held, name)
                waiter = Waiter.GONE if state is State.GOING else Waiter.SETTLED
                self._wait(held, waiter, began, released=False)
        except TransientError:
            raise
        except HearthError:
            self._give_back(held)
            raise
        held.opened.build.append(EventKind.CLUSTER, cluster=name, what="in service")
        self.log.info("cluster %s is in service", name)
        return {"cluster": name}

    def _fail_late(self, held: _Held, name: str) -> NoReturn:
        minutes = self._limit(held) / 60
        events = "; ".join(map(str, self.hook.events(name)[-5:])) or "no events are to be had"
        message = (
            f"cluster {name}: not in service after {minutes:g} minutes, the profile's wait_minutes "
            f"({events}): look for capacity and at the lifecycle script's log, then clear the task"
        )
        raise ClusterFailed(message)

    def _give_back(self, held: _Held) -> None:
        try:
            held.keeper.release(held.opened.record.id)
        except HearthError as error:
            self.log.warning("%s: the reaper gives the cluster back", error)


class HyperPodReleaseOperator(_ClusterOperator):
    """Gives the build's cluster back: deleted, or scaled down if no other build needs it.

    The teardown of `HyperPodClusterOperator`. It runs however the build ends.
    """

    def execute(self, context: Context) -> None:
        """Take steps until nothing of it is paid for."""
        self._release(context, time.time())

    def resume(self, context: Context, event: dict[str, Any], began: float) -> None:
        """Go on after a wait."""
        del event
        self._release(context, began)

    def _release(self, context: Context, began: float) -> None:
        with errors_for_airflow():
            held = self._open(context)
            if held is not None:
                self._go(held, began)
            _end_as_marked(context["ti"])

    def _go(self, held: _Held, began: float) -> None:
        build = held.opened.record.id
        name = held.keeper.name(build)
        while not held.keeper.release(build):
            if self._late(held, began):
                message = f"cluster {name} is still there: delete it by hand, it costs money"
                raise ClusterFailed(message)
            going = held.keeper.going(build)
            self._wait(held, Waiter.GONE if going else Waiter.SETTLED, began, released=True)
        held.opened.build.append(EventKind.CLUSTER, cluster=name, what="given back")
        self.log.info("cluster %s is given back", name)


def _end_as_marked(task: Any) -> None:
    """Fail together with a run that a person marked failed.

    As long as a teardown is to come, Airflow fails what runs, skips what has not begun, and leaves
    the run's own state to its last task, which was skipped: that would make it a success. By itself
    no build skips its gate.

    Raises:
        AirflowFailException: it was marked so.
    """
    states = task.get_task_states(dag_id=task.dag_id, run_ids=[task.run_id]).get(task.run_id, {})
    if states.get(_GATE) == "skipped" and "failed" in states.values():
        message = (
            "nothing is left of the cluster. The run was marked failed, and ends so by this task: "
            "Airflow would call it a success, as what had not begun was skipped"
        )
        raise AirflowFailException(message)
