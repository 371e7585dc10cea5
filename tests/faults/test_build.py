"""What builds do where nothing goes wrong: run what changed, reuse the rest, serve the result."""

from __future__ import annotations

import json
from typing import Any

import pytest

from hearth.artifact import Artifact
from hearth.build import EventKind
from hearth.gate.decision import Answer, Reference
from hearth.judgement import judgement_of
from hearth.model import Stage

pytestmark = [pytest.mark.network, pytest.mark.timeout(1500)]


def test_the_first_build_ends_at_an_endpoint_that_answers(machine: Any, first: Any) -> None:
    state = machine.endpoint_state()
    answer = machine.complete()
    assert answer.status_code == 200
    assert answer.headers["X-Hearth-Version"] == state.serving.version
    assert answer.json()["choices"][0]["text"]
    assert state.serving.fingerprint == first.plan(Stage.TRAIN).fingerprint
    assert state.anchor == state.serving
    assert state.serving.build == first.id


def test_the_gate_passes_a_first_release_by_its_rule(machine: Any, first: Any) -> None:
    decision = judgement_of(first.build).decision
    assert decision.answer is Answer.PASS
    assert {one.against for one in decision.comparisons} == {Reference.BASELINE}
    assert all(one.lower > 0 for one in decision.comparisons)
    assert first.events(EventKind.APPROVAL) == [], "nobody had to be asked"


def test_every_stage_leaves_a_record_whose_outputs_are_there(machine: Any, first: Any) -> None:
    for stage in Stage:
        artifact = Artifact(machine.root, stage, first.plan(stage).fingerprint)
        record = first.record(stage)
        assert record.provenance.build == first.id
        assert record.outputs
        for output in record.outputs:
            found = artifact.folder.head(output.path)
            assert found is not None
            assert found.size == output.bytes


def test_a_builds_events_tell_its_story(machine: Any, first: Any) -> None:
    kinds = [event.kind for event in first.build.events()]
    assert kinds[0] is EventKind.RESOLVED
    assert kinds[-1] is EventKind.ROLLED_OUT
    for kind in (EventKind.ATTEMPT_STARTED, EventKind.STAGE_DONE):
        assert {event.stage for event in first.events(kind)} == set(Stage)
    assert kinds.count(EventKind.GATE) == 1


def test_lineage_names_what_each_stage_made(machine: Any, first: Any) -> None:
    path = machine.home / "lineage" / "events.jsonl"

    def made() -> set[str]:
        events = [json.loads(line) for line in path.read_text().splitlines() if line.strip()]
        return {
            event["job"]["name"]
            for event in events
            if event["eventType"] == "COMPLETE" and event.get("outputs")
        }

    wanted = {f"build_llm.{stage}" for stage in Stage}
    machine.until("all stages are in the lineage", 60, lambda: wanted <= made())


def test_building_again_starts_no_job(machine: Any, first: Any) -> None:
    jobs, version = machine.jobs(), machine.serving()
    again = machine.build()
    assert machine.jobs() == jobs
    assert again.events(EventKind.ATTEMPT_STARTED, EventKind.ATTEMPT_JOINED) == []
    assert {event.stage for event in again.events(EventKind.STAGE_REUSED)} == set(Stage)
    assert len(again.events(EventKind.GATE)) == 1, "the gate is taken anew"
    (end,) = again.events(EventKind.ROLLED_OUT)
    assert (end.data["changed"], end.data["version"]) == (False, version)


def test_another_margin_runs_no_stage_and_gets_another_answer(machine: Any, first: Any) -> None:
    jobs = machine.jobs()
    machine.set_gate(margins={"bits_per_byte": 0.75, "cloze": 0.5}, floors={"bits_per_byte": 0.01})
    try:
        going = machine.trigger()
        machine.until("its end", 300, lambda: machine.state(going) == "failed")
    finally:
        machine.set_gate()
    decision = judgement_of(going.build).decision
    assert decision.answer is Answer.FAIL, "a floor that no model reaches"
    assert {one.margin for one in decision.comparisons if one.against is Reference.SERVING} == {
        0.75,
        0.5,
    }
    assert machine.jobs() == jobs
    tasks = machine.tasks(going)
    assert (tasks["gate"], tasks["rollout"]) == ("failed", "upstream_failed")
    (failure,) = going.events(EventKind.FAILED)
    assert "does not reach the floor" in failure.data["error"]
