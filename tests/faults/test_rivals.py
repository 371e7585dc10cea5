"""Two builds want one artifact; the one that makes it is taken away."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import pytest

from hearth.attempt import Attempt, Outcome
from hearth.build import EventKind
from hearth.model import Stage

pytestmark = [pytest.mark.network, pytest.mark.timeout(1500)]

GONE_SECONDS = 30


@dataclass(frozen=True)
class Rivals:
    """Two builds of one recipe at once; the owner's training was marked failed, then cleared."""

    owner: Any
    other: Any
    killed: Attempt
    seconds: float


@pytest.fixture(scope="module")
def rivals(machine: Any, first: Any) -> Rivals:
    machine.open_gate()
    builds = [machine.trigger(train_steps=400, train_seed=2) for _ in range(2)]
    killed = machine.until_trained(builds[0], 0.2)
    machine.until(
        "both wait for it",
        60,
        lambda: all(machine.tasks(one)["train"] == "deferred" for one in builds),
    )
    (owner,) = [one for one in builds if one.id == killed.claim.owner]
    (other,) = [one for one in builds if one is not owner]
    assert machine.processes_of(killed)
    began = time.monotonic()
    machine.fail_task(owner, "train")
    machine.until("nothing of the job runs", GONE_SECONDS, lambda: not machine.processes_of(killed))
    seconds = time.monotonic() - began
    machine.until("the owner's build is over", 60, lambda: machine.state(owner) == "failed")
    machine.clear_task(owner, "train")
    return Rivals(machine.finish(owner), machine.finish(other), killed, seconds)


def test_a_task_marked_failed_leaves_no_process(rivals: Rivals) -> None:
    assert rivals.seconds < GONE_SECONDS
    assert rivals.killed.exit().outcome in {Outcome.CANCELLED, Outcome.FAILED}
    assert rivals.killed.cancel_request().by == rivals.owner.id


def test_one_of_two_builds_does_the_work_and_the_other_waits(rivals: Rivals) -> None:
    for stage in (Stage.MIRROR, Stage.SUITE, Stage.CURATE):
        for build in (rivals.owner, rivals.other):
            assert build.events(EventKind.STAGE_REUSED, stage=stage)
    joined = rivals.other.events(EventKind.ATTEMPT_JOINED, stage=Stage.TRAIN)
    assert joined[0].data["attempt"] == rivals.killed.number
    assert joined[0].data["owner"] == rivals.owner.id


def test_killing_the_owner_hands_the_work_to_who_waits(rivals: Rivals) -> None:
    attempts = rivals.other.attempts(Stage.TRAIN)
    assert attempts.numbers() == [1, 2]
    assert rivals.other.record(Stage.TRAIN).attempt == 2


def test_both_builds_end_with_the_same_artifact(machine: Any, rivals: Rivals) -> None:
    plans = [build.plan(Stage.TRAIN) for build in (rivals.owner, rivals.other)]
    assert plans[0].fingerprint == plans[1].fingerprint
    for build in (rivals.owner, rivals.other):
        (end,) = build.events(EventKind.ROLLED_OUT)
        assert end.data["version"] == plans[0].fingerprint[:12]
    assert machine.serving() == plans[0].fingerprint[:12]
