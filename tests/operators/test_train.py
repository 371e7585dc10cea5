"""The laws of the operator of training, on this machine: what it says, what it ends, and why."""

from __future__ import annotations

import asyncio
from typing import Any

import psutil
import pytest
from airflow.sdk.exceptions import AirflowFailException

from hearth.attempt import Outcome, Progress
from hearth.compute.backend import JobStatus
from hearth.compute.outcome import Cause, JobState
from hearth.errors import TransientError
from hearth.execution import Look
from hearth.model import Stage
from operators.train import TrainOperator
from operators.watchdog import Watchdog


def operator() -> TrainOperator:
    return TrainOperator(task_id="task")


def hanging(place: Any, defer: Any, until: Any, context: Any, at: int) -> Any:
    """Start an attempt that says how far it is, and then nothing more; return the deferral."""
    place.wish(Stage.TRAIN, wait=True, progress=[at])
    deferred = defer(operator(), context)
    attempt = place.execution(context, Stage.TRAIN).attempts.latest()
    until(attempt.progress)
    return deferred


def impatient(place: Any) -> None:
    """Let the profile call it a hang after half a second."""
    profile = place.config / "profiles" / "test.yaml"
    profile.write_text(
        profile.read_text().replace("time_limit_minutes: 2", "stall_minutes: 0.01, "
                                    "time_limit_minutes: 2")
    )  # fmt: skip


def test_training_says_how_far_it_is_with_its_loss_and_pace(
    place: Any, drive: Any, defer: Any, until: Any, capsys: Any
) -> None:
    context = place.build()
    deferred = hanging(place, defer, until, context, 40)
    progress = place.execution(context, Stage.TRAIN).attempts.get(1).progress()
    assert progress.metrics == {"loss": 2.5, "tokens_per_second": 1200.0}
    line = "attempt 1: train: 40 of 100 steps: loss 2.500"
    asyncio.run(followed(deferred.trigger, capsys, line, lambda: place.release(Stage.TRAIN)))
    assert drive(operator(), context, deferred)["uri"]


def test_a_training_that_gets_no_further_is_ended_and_goes_on_as_the_next_attempt(
    place: Any, drive: Any, defer: Any, until: Any, capsys: Any
) -> None:
    impatient(place)
    context = place.build()
    deferred = hanging(place, defer, until, context, 3)
    attempts = place.execution(context, Stage.TRAIN).attempts
    attempts.get(1).folder.put("checkpoints/step-00000002/model", b"weights")
    with pytest.raises(
        TransientError, match=r"no progress for .* in step 'train', at 3: .* step-00000002"
    ):
        drive(operator(), context, deferred)
    said = capsys.readouterr().out
    assert "gets no further in step 'train', at 3" in said
    assert "attempt 1 got as far as train: 3 of 100 steps" in said
    assert programs(place) == []
    assert attempts.get(1).cancel_request().reason.startswith("watchdog: no progress")
    assert place.kinds(context)[-1] == "attempt_ended"
    # The next try of the task, which finds what is left of the first.
    place.wish(Stage.TRAIN, progress=[100])
    deferred = defer(operator(), context)
    until(attempts.get(2).exit)  # however slowly it starts, it is not to count as hanging
    assert drive(operator(), context, deferred)["uri"]
    assert place.starts(Stage.TRAIN) == [1, 2]
    job = attempts.get(2).folder.get_json("job.json")
    assert job["resume_from"] == [attempts.get(1).folder.uri]
    assert attempts.get(1).folder.exists("checkpoints/step-00000002/model")


def test_a_second_hang_is_tried_again_only_if_it_came_further(
    place: Any, drive: Any, defer: Any, until: Any
) -> None:
    impatient(place)
    context = place.build()
    for at in (3, 5):
        with pytest.raises(TransientError, match=f"at {at}: it was ended"):
            drive(operator(), context, hanging(place, defer, until, context, at))
    with pytest.raises(AirflowFailException, match="Attempt 2 hung at the same place"):
        drive(operator(), context, hanging(place, defer, until, context, 5))
    assert place.starts(Stage.TRAIN) == [1, 2, 3]
    assert programs(place) == []


def test_who_does_not_own_a_hanging_job_leaves_it_to_its_owner(
    place: Any, defer: Any, drive: Any, wait: Any, until: Any
) -> None:
    impatient(place)
    one, two = place.build("one"), place.build("two")
    owner = hanging(place, defer, until, one, 3)
    waiter = defer(operator(), two)
    event = wait(waiter.trigger)
    assert event["stalled"]
    with pytest.raises(type(waiter)):
        operator().resume(two, event)
    assert len(programs(place)) == 1
    with pytest.raises(TransientError, match="it was ended"):
        drive(operator(), one, owner)


def test_a_hang_that_ended_meanwhile_is_none(
    place: Any, defer: Any, drive: Any, wait: Any, until: Any
) -> None:
    impatient(place)
    context = place.build()
    deferred = hanging(place, defer, until, context, 3)
    event = wait(deferred.trigger)
    place.release(Stage.TRAIN)
    attempt = place.execution(context, Stage.TRAIN).attempts.get(1)
    until(attempt.exit)
    assert drive_from(operator(), context, event, drive)["uri"]
    assert attempt.exit().outcome is Outcome.SUCCEEDED
    assert place.starts(Stage.TRAIN) == [1]


def test_a_training_that_diverged_fails_at_once_and_says_why(
    place: Any, drive: Any, capsys: Any
) -> None:
    why = "loss: is nan at step 41: training diverged. Checkpoints before it: 20, 40"
    place.wish(Stage.TRAIN, error="DataError", message=why, progress=[40])
    context = place.build()
    with pytest.raises(AirflowFailException, match=r"loss: is nan at step 41.*before it: 20, 40"):
        drive(operator(), context)
    assert "attempt 1 got as far as train: 40 of 100 steps" in capsys.readouterr().out
    ended = place.build_of(context).events()[-1]
    assert ended.data["progress"]["metrics"]["loss"] == 2.5
    assert place.starts(Stage.TRAIN) == [1]


def test_what_dies_at_the_same_step_again_and_again_is_not_tried_for_ever(
    place: Any, drive: Any
) -> None:
    context, why = place.build(), "a rank was killed"
    for at in (7, 7, 8, 8):
        place.wish(Stage.TRAIN, error="TransientError", message=why, progress=[at])
        with pytest.raises(TransientError, match=why):
            drive(operator(), context)
    with pytest.raises(AirflowFailException, match=f"{why}; 3 attempts ended at the same step"):
        drive(operator(), context)
    assert place.starts(Stage.TRAIN) == [1, 2, 3, 4, 5]


def test_what_dies_before_its_first_step_is_tried_as_often_as_airflow_says(
    place: Any, drive: Any
) -> None:
    context = place.build()
    place.wish(Stage.TRAIN, error="TransientError", message="the store is away", progress=[0])
    for _ in range(4):
        with pytest.raises(TransientError, match="the store is away"):
            drive(operator(), context)


# The watchdog ------------------------------------------------------------------------------------


def look(done: int | None, total: int | None = 100, **status: Any) -> Look:
    words = {"step": "train", "done": done, "total": total, "unit": "steps", "at": "2026-01-01"}
    progress = None if done is None else Progress.model_validate(words)
    known = JobStatus(**{"state": JobState.RUNNING, **status})
    return Look(over=False, started=True, progress=progress, status=known)


def test_only_what_gets_further_resets_the_watchdog() -> None:
    dog = Watchdog()
    assert [dog.quiet(look(done), now) for now, done in ((0, 3), (9, 3), (10, 4), (15, 4))] == [
        0, 9, 0, 5,
    ]  # fmt: skip


def test_a_job_that_waits_for_its_turn_does_not_hang() -> None:
    dog = Watchdog()
    dog.quiet(look(3), 0)
    waits = look(3, state=JobState.PENDING, cause=Cause.NODE_FAILED)
    assert dog.quiet(waits, 1_000) == 0
    assert dog.quiet(look(3, reason="is suspended in Slurm"), 1_500) == 0
    assert dog.quiet(look(3, restarts=1), 2_000) == 0
    assert dog.quiet(look(3, restarts=1), 2_009) == 9


def test_a_step_that_counts_towards_nothing_is_not_judged() -> None:
    dog = Watchdog()
    assert [dog.quiet(look(0, None), now) for now in (0, 1_000)] == [0, 0]


def test_a_program_that_never_says_a_word_hangs() -> None:
    dog = Watchdog()
    assert [dog.quiet(look(None), now) for now in (0, 1_000)] == [0, 1_000]


async def followed(trigger: Any, capsys: Any, line: str, then: Any) -> None:
    """Run a trigger to its event, and do something once it said a line."""

    async def events() -> list[Any]:
        return [event async for event in trigger.run()]

    task, said = asyncio.create_task(events()), ""
    while line not in said:
        assert not task.done(), said
        said += capsys.readouterr().out
        await asyncio.sleep(0.02)
    then()
    assert len(await asyncio.wait_for(task, 60)) == 1


def drive_from(task: Any, context: Any, event: Any, drive: Any) -> Any:
    """Go on from an event, through what deferrals follow."""
    from airflow.sdk.exceptions import TaskDeferred  # noqa: PLC0415

    try:
        return task.resume(context, event)
    except TaskDeferred as deferred:
        return drive(task, context, deferred)


def programs(place: Any) -> list[psutil.Process]:
    return [
        process
        for process in psutil.process_iter(["cmdline"])
        if str(place.toys) in (process.info["cmdline"] or []) and "--job" in process.info["cmdline"]
    ]
