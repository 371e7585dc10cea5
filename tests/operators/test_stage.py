"""The laws of the stage operator."""

from __future__ import annotations

import asyncio
import os
import signal
import threading
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
from airflow.sdk.exceptions import AirflowFailException

from hearth.attempt import Outcome
from hearth.errors import DataError, TransientError
from hearth.model import Stage
from operators import kill
from operators.stage import StageOperator


def operator(stage: Stage = Stage.CURATE) -> StageOperator:
    return StageOperator(task_id="task", stage=stage)


def asset_events(context: dict[str, Any]) -> list[Any]:
    accessors = context["outlet_events"]
    return [event for key in accessors for event in accessors[key].asset_alias_events]


def test_a_stage_runs_once_and_leaves_uri_and_fingerprint(place: Any, drive: Any) -> None:
    context = place.build()
    result = drive(operator(), context)
    execution = place.execution(context, Stage.CURATE)
    assert result == {
        "uri": execution.artifact.uri,
        "fingerprint": execution.artifact.fingerprint,
    }
    assert place.starts(Stage.CURATE) == [1]
    assert place.kinds(context) == ["resolved", "attempt_started", "stage_done"]
    done = place.build_of(context).events()[-1]
    assert done.data["metrics"] == {"toys": 1}
    assert done.data["unverified"] == ["it is a toy"]


def test_a_new_artifact_is_one_asset_event(place: Any, drive: Any) -> None:
    context = place.build()
    result = drive(operator(), context)
    (event,) = asset_events(context)
    assert event.source_alias_name == "hearth-corpus"
    assert event.dest_asset_key.uri == "hearth://corpus/tiny"
    assert event.extra == {**result, "metrics": {"toys": 1}}


def test_a_finished_artifact_is_reused_without_a_job(place: Any, drive: Any) -> None:
    first = drive(operator(), place.build("first"))
    context = place.build("second")
    assert operator().execute(context) == first
    assert place.starts(Stage.CURATE) == [1]
    assert place.kinds(context) == ["resolved", "stage_reused"]
    assert asset_events(context) == []


def test_lineage_names_artifact_inputs_and_statistics(place: Any, drive: Any) -> None:
    task = operator()
    context = place.build()
    drive(task, context)
    lineage = task.get_openlineage_facets_on_complete(None)
    (made,) = lineage.outputs
    assert made.namespace == "file"
    assert f"file://{made.name}" == place.execution(context, Stage.CURATE).artifact.uri
    assert made.outputFacets["outputStatistics"].rowCount == 1
    assert made.facets["hearth_artifact"].metrics == {"toys": 1}
    assert len(lineage.inputs) == 2


def test_two_builds_share_one_job(place: Any, defer: Any, drive: Any) -> None:
    place.wish(Stage.CURATE, wait=True)
    one, two = place.build("one"), place.build("two")
    waits_one, waits_two = defer(operator(), one), defer(operator(), two)
    place.release(Stage.CURATE)
    assert drive(operator(), one, waits_one) == drive(operator(), two, waits_two)
    assert place.starts(Stage.CURATE) == [1]
    assert place.kinds(two) == ["resolved", "attempt_joined", "stage_done"]
    assert [len(asset_events(context)) for context in (one, two)] == [1, 0]


def test_a_corpus_is_made_under_the_splits_of_the_last_one_and_reused_while_nothing_changes(
    place: Any, drive: Any
) -> None:
    first = drive(operator(), place.build())
    assert drive(operator(), place.build("again")) == first
    (place.config / "texts" / "b.txt").write_text("There was a second text.")
    second = place.build("second")
    drive(operator(), second)
    attempt = place.execution(second, Stage.CURATE).attempts.get(1)
    said = attempt.folder.get_json("job.json")["inputs"]["previous"]
    assert said["fingerprint"] == first["fingerprint"]
    assert drive(operator(), place.build("third"))["uri"] == attempt.artifact.uri
    assert place.starts(Stage.CURATE) == [1, 1]


def test_a_retry_joins_the_attempt_that_lives(place: Any, defer: Any, drive: Any) -> None:
    place.wish(Stage.CURATE, wait=True)
    context = place.build()
    defer(operator(), context)
    deferred = defer(operator(), context)
    place.release(Stage.CURATE)
    drive(operator(), context, deferred)
    assert place.starts(Stage.CURATE) == [1]


def test_a_waiter_takes_over_what_its_owner_cancelled(
    place: Any, defer: Any, drive: Any, until: Any
) -> None:
    place.wish(Stage.CURATE, wait=True)
    one, two = place.build("one"), place.build("two")
    owner, waiter = defer(operator(), one), defer(operator(), two)
    until(lambda: place.starts(Stage.CURATE))
    killed(owner.trigger, "failed")
    place.release(Stage.CURATE)
    drive(operator(), two, waiter)
    assert place.starts(Stage.CURATE) == [1, 2]
    first, second = (place.execution(one, Stage.CURATE).attempts.get(n) for n in (1, 2))
    assert first.cancel_request().by == first.claim.owner
    assert second.exit().outcome is Outcome.SUCCEEDED


def test_a_cleared_task_starts_the_next_attempt(
    place: Any, defer: Any, drive: Any, until: Any
) -> None:
    place.wish(Stage.CURATE, wait=True)
    context = place.build()
    defer(operator(), context)
    until(lambda: place.starts(Stage.CURATE))
    context["ti"].max_tries += 1  # what clearing does; nobody heard the kill
    deferred = defer(operator(), context)
    place.release(Stage.CURATE)
    drive(operator(), context, deferred)
    assert place.starts(Stage.CURATE) == [1, 2]


def test_what_passes_is_tried_again_and_resumes_as_the_next_attempt(place: Any, drive: Any) -> None:
    place.wish(Stage.CURATE, error="TransientError", message="the index is away")
    context = place.build()
    with pytest.raises(TransientError, match="the index is away"):
        drive(operator(), context)
    place.wish(Stage.CURATE)
    drive(operator(), context)
    assert place.starts(Stage.CURATE) == [1, 2]
    assert "attempt_ended" in place.kinds(context)


@pytest.mark.parametrize("error", ["SpecError", "DataError", "HearthError"])
def test_what_does_not_pass_fails_at_once_in_its_own_words(
    place: Any, drive: Any, capsys: pytest.CaptureFixture[str], error: Any
) -> None:
    place.wish(Stage.CURATE, error=error, message="record 7 is damaged")
    with pytest.raises(AirflowFailException, match=r"record 7 is damaged.*hearth logs curate"):
        drive(operator(), place.build())
    assert "the last lines of its log" in capsys.readouterr().out


def test_a_killed_program_is_transient(place: Any, defer: Any, drive: Any, until: Any) -> None:
    place.wish(Stage.CURATE, wait=True)
    context = place.build()
    deferred = defer(operator(), context)
    until(lambda: place.starts(Stage.CURATE))
    (program,) = programs(place)
    os.kill(program.pid, signal.SIGKILL)
    with pytest.raises(TransientError, match="signal 9"):
        drive(operator(), context, deferred)


def test_a_removed_artifact_is_an_error_that_names_the_way_out(place: Any, drive: Any) -> None:
    context = place.build()
    drive(operator(), context)
    place.execution(context, Stage.CURATE).artifact.folder.delete("artifact.json")
    with pytest.raises(AirflowFailException, match="rebuild from"):
        operator().execute(context)


def test_what_was_collected_is_made_anew_under_a_name_of_its_own(place: Any, drive: Any) -> None:
    context = place.build()
    first = drive(operator(), context)
    folder = place.execution(context, Stage.CURATE).artifact.folder
    for info in list(folder.list()):
        folder.delete(info.path)
    assert drive(operator(), context) == first
    assert place.starts(Stage.CURATE) == [1, 2]


def test_the_trigger_outlasts_a_store_that_is_away(
    place: Any, defer: Any, drive: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    context = place.build()
    deferred = defer(operator(), context)
    profile = place.config / "profiles" / "test.yaml"
    text = profile.read_text()
    profile.unlink()

    async def watch() -> list[Any]:
        events: list[Any] = []

        async def collect() -> None:
            events.extend([event async for event in deferred.trigger.run()])

        task = asyncio.create_task(collect())
        while "asking again" not in capsys.readouterr().out:  # noqa: ASYNC110
            await asyncio.sleep(0.02)
        profile.write_text(text)
        await asyncio.wait_for(task, 30)
        return events

    events = asyncio.run(watch())
    assert [event.payload["attempt"] for event in events] == [1]


def test_a_job_that_an_upgrade_overtook_is_told_so(
    place: Any, defer: Any, drive: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    context = place.build()
    deferred = defer(operator(), context)
    monkeypatch.setattr("hearth.pipeline.CURATE_CONTRACT", 99)
    with pytest.raises(AirflowFailException, match="Hearth was upgraded while its job ran"):
        drive(operator(), context, deferred)


# Killing -----------------------------------------------------------------------------------------


def killed(trigger: Any, state: str | None) -> None:
    """Kill a trigger as Airflow does, after its task came to be in a state."""
    trigger.task_instance = SimpleNamespace(
        dag_id="build_llm", run_id="run", task_id="task", map_index=-1
    )
    original, kill.ask = kill.ask, lambda _task, _seconds: state
    try:
        asyncio.run(trigger.on_kill())
    finally:
        kill.ask = original


def programs(place: Any) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["cmdline"]):
        line = process.info["cmdline"] or []
        if str(place.toys) in line and "--job" in line:
            found.append(process)
    return found


@pytest.mark.parametrize("state", ["failed", "success", None, "scheduled", "queued", "running"])
def test_a_person_who_takes_a_deferred_task_away_ends_its_job(
    place: Any, defer: Any, until: Any, state: Any
) -> None:
    place.wish(Stage.CURATE, wait=True)
    context = place.build()
    deferred = defer(operator(), context)
    until(lambda: place.starts(Stage.CURATE))
    killed(deferred.trigger, state)
    assert programs(place) == []
    assert place.execution(context, Stage.CURATE).attempts.get(1).exit() is not None


@pytest.mark.parametrize("state", ["deferred", kill.UNKNOWN])
def test_unsure_means_that_the_job_goes_on(
    place: Any, defer: Any, drive: Any, until: Any, state: Any
) -> None:
    place.wish(Stage.CURATE, wait=True)
    context = place.build()
    deferred = defer(operator(), context)
    until(lambda: place.starts(Stage.CURATE))
    killed(deferred.trigger, state)
    assert len(programs(place)) == 1
    place.release(Stage.CURATE)
    drive(operator(), context, deferred)
    assert place.starts(Stage.CURATE) == [1]


def test_who_does_not_own_a_job_detaches_from_it(
    place: Any, defer: Any, drive: Any, until: Any
) -> None:
    place.wish(Stage.CURATE, wait=True)
    one, two = place.build("one"), place.build("two")
    owner, waiter = defer(operator(), one), defer(operator(), two)
    until(lambda: place.starts(Stage.CURATE))
    killed(waiter.trigger, "failed")
    assert len(programs(place)) == 1
    place.release(Stage.CURATE)
    drive(operator(), one, owner)


@pytest.mark.parametrize(
    ("state", "left"), [("running", 1), (kill.UNKNOWN, 1), ("failed", 0), ("restarting", 0)]
)
def test_an_evicted_worker_cancels_nothing_and_a_killed_task_does(
    place: Any, defer: Any, until: Any, monkeypatch: pytest.MonkeyPatch, state: Any, left: Any
) -> None:
    place.wish(Stage.CURATE, wait=True)
    task, context = operator(), place.build()
    defer(task, context)
    until(lambda: place.starts(Stage.CURATE))
    monkeypatch.setattr(kill, "ask", lambda _task, _seconds: state)
    task.on_kill()
    assert len(programs(place)) == left
    place.release(Stage.CURATE)


def test_an_airflow_that_does_not_answer_counts_as_unsure() -> None:
    def state_of(_task: Any) -> str:
        message = "no supervisor"
        raise RuntimeError(message)

    assert kill.ask(SimpleNamespace(task_id="t"), 30, state_of) == kill.UNKNOWN


def test_an_answer_that_takes_too_long_counts_as_unsure(until: Any) -> None:
    gate = threading.Event()
    answer = kill.ask(SimpleNamespace(task_id="t"), 0.05, lambda _task: str(gate.wait(30)))
    gate.set()
    assert answer == kill.UNKNOWN


def test_a_damaged_record_is_not_reused(place: Any, drive: Any) -> None:
    context = place.build()
    drive(operator(), context)
    place.execution(context, Stage.CURATE).artifact.folder.put("artifact.json", b"{}")
    with pytest.raises(AirflowFailException) as caught:
        operator().execute(context)
    assert isinstance(caught.value.__cause__, DataError)
