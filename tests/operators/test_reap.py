"""The laws of the reaper."""

from __future__ import annotations

import json
from types import SimpleNamespace
from typing import Any

import pytest
from airflow.sdk import DagRunState

from hearth.attempt import Outcome
from hearth.build import Run
from hearth.compute.backend import Backend, JobHandle, JobRequest
from hearth.model import Stage
from hearth.pipeline import stage_plans
from hearth.reap import REAPED, reap
from hearth.resources import GRACE
from operators.opened import open_build
from operators.reap import ReapOperator
from operators.stage import StageOperator


def operator() -> StageOperator:
    return StageOperator(task_id="task", stage=Stage.CURATE)


@pytest.fixture
def running(place: Any, defer: Any, until: Any) -> dict[str, Any]:
    """A build with a job that runs."""
    place.wish(Stage.CURATE, wait=True)
    context: dict[str, Any] = place.build()
    defer(operator(), context)
    until(lambda: place.starts(Stage.CURATE))
    return context


def attempt(place: Any, context: dict[str, Any], number: int = 1) -> Any:
    return place.execution(context, Stage.CURATE).attempts.get(number)


def test_the_jobs_of_a_build_that_is_over_are_ended(place: Any, running: Any) -> None:
    one = attempt(place, running)
    assert reap(place.root, lambda _run: False) == [one.name]
    assert one.exit().outcome in {Outcome.CANCELLED, Outcome.FAILED}
    assert one.cancel_request().by == "reaper"


@pytest.mark.parametrize("active", [True, None])
def test_a_build_that_is_active_or_unknown_is_left_alone(
    place: Any, running: Any, active: Any
) -> None:
    assert reap(place.root, lambda _run: active) == []
    assert attempt(place, running).exit() is None
    place.release(Stage.CURATE)


def test_a_reaped_build_is_not_asked_about_again(place: Any, running: Any) -> None:
    reap(place.root, lambda _run: False)
    asked: list[Run] = []
    assert reap(place.root, lambda run: bool(asked.append(run))) == []
    assert asked == []


def test_a_build_that_starts_again_can_be_reaped_again(
    place: Any, running: Any, defer: Any, until: Any
) -> None:
    reap(place.root, lambda _run: False)
    defer(operator(), running)
    assert not place.build_of(running).folder.exists(REAPED)
    assert reap(place.root, lambda _run: False) == [attempt(place, running, 2).name]


def test_a_job_that_another_build_waits_for_goes_to_it(
    place: Any, running: Any, defer: Any, drive: Any
) -> None:
    waiter = place.build("waiter")
    deferred = defer(operator(), waiter)
    dead = place.build_of(running).record().run
    reap(place.root, lambda run: run != dead)
    place.release(Stage.CURATE)
    drive(operator(), waiter, deferred)
    assert place.starts(Stage.CURATE) == [1, 2]


def test_an_attempt_that_was_never_submitted_never_will_be(place: Any) -> None:
    context = place.build()
    execution = place.execution(context, Stage.CURATE)
    one, _ = execution.attempts.claim_or_join(place.build_of(context).id)
    assert execution.cancel(one, by="reaper", reason="its worker died")
    assert one.exit().outcome is Outcome.CANCELLED
    execution._submit(_plan(context), place.build_of(context).record(), one)
    assert execution.look(one).over
    assert place.starts(Stage.CURATE) == []


class Heard:
    """A backend, and what it was asked to run."""

    def __init__(self, real: Backend) -> None:
        self.real = real
        self.requests: list[JobRequest] = []

    def submit(self, request: JobRequest) -> JobHandle:
        self.requests.append(request)
        return self.real.submit(request)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.real, name)


def test_a_job_has_the_profiles_time_for_a_last_checkpoint_and_knows_it(place: Any) -> None:
    path = place.config / "profiles" / "test.yaml"
    text = path.read_text()
    assert "time_limit_minutes: 2}" in text
    path.write_text(
        text.replace("time_limit_minutes: 2}", "time_limit_minutes: 2, grace_seconds: 240}")
    )
    context = place.build()
    execution = place.execution(context, Stage.CURATE)
    execution.backend = heard = Heard(execution.backend)
    execution.begin(_plan(context), place.build_of(context).record())
    (request,) = heard.requests
    assert request.grace == 240
    assert request.env[GRACE] == "240"
    assert execution.cancel(execution.attempts.latest(), by="test", reason="enough")


@pytest.mark.parametrize(
    ("count", "state", "active"),
    [
        (1, DagRunState.QUEUED, True),
        (1, "running", True),
        (1, DagRunState.SUCCESS, False),
        (1, DagRunState.FAILED, False),
        (1, "something new", None),
        (0, None, False),
    ],
)
def test_queued_and_running_runs_are_active_and_deleted_ones_are_not(
    count: int, state: Any, active: Any
) -> None:
    airflow = SimpleNamespace(get_dr_count=lambda **_: count, get_dagrun_state=lambda **_: state)
    run = Run(dag_id="build_llm", run_id="run")
    assert ReapOperator(task_id="reap")._is_active(airflow, run) is active


def test_the_ray_cluster_of_a_profile_reaches_the_job_that_curates(place: Any) -> None:
    profile = place.config / "profiles" / "test.yaml"
    said = profile.read_text().replace("compute: {", 'compute: {ray: {address: "h:6379"}, ')
    profile.write_text(said)
    context = place.build()
    execution, record = place.execution(context, Stage.CURATE), place.build_of(context).record()
    one, _ = execution.begin(_plan(context), record)
    (folder,) = place.home.glob(f"jobs/{one.name}")
    assert "RAY_ADDRESS" in json.loads((folder / "request.json").read_text())["env"]


def _plan(context: dict[str, Any]) -> Any:
    return stage_plans(open_build(context).record)[Stage.CURATE]
