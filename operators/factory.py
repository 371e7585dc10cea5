"""The one graph of a build. Schedules and forms differ; what happens does not."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any, Final

from airflow.sdk import (
    DAG,
    BaseOperator,
    ExceptionRetryPolicy,
    RetryAction,
    RetryRule,
    TriggerRule,
    chain,
)

from hearth.aws import AwsSettings
from hearth.errors import HearthError
from hearth.gate.decision import Reference
from hearth.model import Stage
from hearth.profile import load_profile, names_in
from hearth.settings import settings
from operators.approve import ApproveOperator
from operators.evaluate import EvaluateReferenceOperator
from operators.form import build_form, profile_field
from operators.gate import GateOperator
from operators.notify import FailureNotifier
from operators.preflight import PreflightOperator
from operators.reap import ReapOperator
from operators.resolve import ResolveOperator
from operators.rollout import RolloutOperator
from operators.stage import StageOperator
from operators.train import TrainOperator

_START: Final = datetime(2026, 1, 1, tzinfo=UTC)
_BUILDS_AT_ONCE: Final = 4

RETRY_TRANSIENT: Final = ExceptionRetryPolicy(
    rules=[
        RetryRule(
            exception=[
                "hearth.errors.TransientError",
                # Airflow's own: its API server or a triggerer was away.
                "airflow.sdk.exceptions.AirflowRuntimeError",
                "airflow.sdk.exceptions.TaskDeferralError",
                "builtins.ConnectionError",
                "builtins.TimeoutError",
            ],
            action=RetryAction.RETRY,
        )
    ],
    default=RetryAction.FAIL,
)
"""Trying again helps against what passes; anything else fails at once and says why."""

DEFAULTS: Final[dict[str, Any]] = {
    "owner": "hearth",
    "retries": 4,
    "retry_delay": timedelta(seconds=5),
    "retry_exponential_backoff": True,
    "max_retry_delay": timedelta(minutes=10),
    "retry_policy": RETRY_TRANSIENT,
    "on_failure_callback": FailureNotifier(),
}


def build_dag(
    dag_id: str,
    *,
    doc: str,
    schedule: str | None = None,
    recipe: str | None = None,
    paused: bool = False,
) -> DAG:
    """Return the DAG that builds, judges and rolls out a model.

    Args:
        dag_id: its id.
        doc: what its page says, in Markdown.
        schedule: a cron expression or preset; None: only by hand.
        recipe: the only recipe; None: the form lists all.
        paused: whether a person must switch it on first.
    """
    here = settings()
    recipes = [recipe] if recipe else names_in(here.recipes)
    with DAG(
        dag_id,
        description=doc.strip().split("\n", 1)[0],
        doc_md=doc,
        schedule=schedule,
        start_date=_START,
        catchup=False,
        is_paused_upon_creation=paused,
        max_active_runs=_BUILDS_AT_ONCE,
        params=build_form(recipes, names_in(here.profiles), here.profile),
        default_args=DEFAULTS,
        tags={"hearth"},
    ) as dag:
        mirror, suite, curate, evaluate = (
            StageOperator(task_id=stage, stage=stage)
            for stage in (Stage.MIRROR, Stage.SUITE, Stage.CURATE, Stage.EVALUATE)
        )
        train = TrainOperator(task_id=Stage.TRAIN)
        rivals = [
            EvaluateReferenceOperator(task_id=f"evaluate_{one}", reference=one)
            for one in (Reference.SERVING, Reference.ANCHOR)
        ]
        # The first build has no rival, and those tasks are skipped: the gate is not.
        gate = GateOperator(task_id="gate", trigger_rule=TriggerRule.NONE_FAILED)
        resolve = ResolveOperator(task_id="resolve")
        if (aws := _aws()) is not None:
            _add_cluster(aws, resolve, mirror, [evaluate, *rivals])
        chain(
            resolve,
            mirror,
            suite,
            curate,
            train,
            [evaluate, *rivals],
            gate,
            ApproveOperator(task_id="approve"),
            RolloutOperator(task_id="rollout"),
        )
    return dag


def _aws() -> AwsSettings | None:
    """Return AWS as this machine's own profile has it: DAGs then have tasks others do without."""
    try:
        return load_profile().aws
    except HearthError:
        return None  # the first task says what is wrong with it


def _add_cluster(
    aws: AwsSettings, resolve: BaseOperator, first: BaseOperator, last: list[StageOperator]
) -> None:
    """Put a build on a cluster: probed first, started for the stages, given back after them."""
    # boto3 and the amazon provider are slow to import.
    from operators.hyperpod.cluster import (  # noqa: PLC0415
        HyperPodClusterOperator,
        HyperPodReleaseOperator,
    )

    poll: dict[str, Any] = {"poll_seconds": aws.hyperpod.poll_seconds} if aws.hyperpod else {}
    setup: Any = HyperPodClusterOperator(task_id="cluster", **poll)
    start: BaseOperator = setup.as_setup()
    # A cluster that could not be given back costs money: the run is to say so.
    end = HyperPodReleaseOperator(task_id="cluster_end", **poll).as_teardown(
        setups=start, on_failure_fail_dagrun=True
    )
    chain(PreflightOperator(task_id="preflight"), resolve, start, first)
    chain(last, end)


def preflight_dag(dag_id: str, *, doc: str) -> DAG:
    """Return the DAG that probes an account.

    Args:
        dag_id: its id.
        doc: what its page says, in Markdown.
    """
    here = settings()
    with DAG(
        dag_id,
        description=doc.strip().split("\n", 1)[0],
        doc_md=doc,
        schedule=None,
        start_date=_START,
        is_paused_upon_creation=False,
        params=profile_field(names_in(here.profiles), here.profile),
        tags={"hearth"},
    ) as dag:
        PreflightOperator(task_id="preflight", owner="hearth", retries=0)
    return dag


def weekly_dags() -> dict[str, DAG]:
    """Return one paused DAG for each schedule in this machine's profile, by its id."""
    profile = load_profile()
    return {
        f"weekly_{recipe}": build_dag(
            f"weekly_{recipe}",
            doc=f"Build `{recipe}` on schedule, reusing whatever did not change.\n",
            schedule=schedule,
            recipe=recipe,
            paused=True,
        )
        for recipe, schedule in profile.schedules.items()
    }


def reap_dag(dag_id: str, *, doc: str, every: timedelta) -> DAG:
    """Return the DAG that ends what nobody waits for.

    Args:
        dag_id: its id.
        doc: what its page says, in Markdown.
        every: its period.
    """
    with DAG(
        dag_id,
        description=doc.strip().split("\n", 1)[0],
        doc_md=doc,
        schedule=every,
        start_date=_START,
        catchup=False,
        is_paused_upon_creation=False,
        max_active_runs=1,
        tags={"hearth"},
    ) as dag:
        ReapOperator(task_id="reap", owner="hearth", retries=0)
    return dag
