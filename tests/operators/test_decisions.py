"""The laws of gate, approval and rollout."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from airflow.providers.standard.operators import hitl
from airflow.sdk.exceptions import (
    AirflowFailException,
    AirflowSkipException,
    DownstreamTasksSkipped,
    TaskAwaitingInput,
)

from hearth.artifact import Output, read_record
from hearth.build import EventKind
from hearth.errors import TransientError
from hearth.gate.decision import Answer
from hearth.judgement import judgement_of
from hearth.model import Stage
from hearth.review.filing import load_preset
from hearth.review.reviews import Method, record_review
from hearth.review.sample import draw
from hearth.review.verdicts import Judged, Verdict
from hearth.rollout.state import Version, change_state
from hearth.trace.corpora import Corpus
from operators.approve import ApproveOperator
from operators.evaluate import EvaluateReferenceOperator
from operators.factory import build_dag
from operators.gate import GateOperator
from operators.rollout import RolloutOperator


def built(place: Any, run_id: str = "run", **params: Any) -> dict[str, Any]:
    """A build whose stages are done."""
    context: dict[str, Any] = place.build(run_id, **params)
    for stage in Stage:
        place.finish(context, stage)
    return context


def serve(place: Any, context: dict[str, Any]) -> Version:
    """Let a build's model serve."""
    model = place.execution(context, Stage.TRAIN).artifact
    now = datetime.now(UTC)
    version = Version.of(model.uri, model.fingerprint, place.build_of(context).id, now)
    minute = timedelta(minutes=1)
    change_state(
        place.root,
        "hearth",
        lambda state: state.with_candidate(version, 0, now, minute).promoted(
            version.version, now, "a test"
        ),
    )
    return version


def gate(context: dict[str, Any]) -> Any:
    return GateOperator(task_id="gate").execute(context)


def rivals(place: Any, drive: Any, context: dict[str, Any]) -> None:
    for reference in ("serving", "anchor"):
        task = EvaluateReferenceOperator(task_id=f"evaluate_{reference}", reference=reference)
        drive(task, context)


# The gate ----------------------------------------------------------------------------------------


def test_a_first_release_is_judged_against_the_baseline(place: Any, drive: Any) -> None:
    place.scores(bits=3.0)
    context = built(place)
    result = gate(context)
    assert result["fingerprint"] == place.execution(context, Stage.TRAIN).artifact.fingerprint
    judgement = judgement_of(place.build_of(context))
    assert judgement.decision.answer is Answer.PASS
    assert judgement.serving is None
    assert place.kinds(context)[-1] == EventKind.GATE


def test_a_candidate_that_loses_fails_with_the_reasons(place: Any, drive: Any) -> None:
    place.scores(bits=9.0)
    context = built(place)
    with pytest.raises(AirflowFailException, match=r"GateFailed.*toys_en against baseline"):
        gate(context)


def test_a_candidate_is_compared_with_what_serves_and_with_the_anchor(
    place: Any, drive: Any
) -> None:
    place.scores(bits=3.0)
    version = serve(place, built(place))
    place.scores(bits=2.0)
    context = built(place, "second", train_seed=1)
    place.scores(bits=3.0)
    rivals(place, drive, context)
    gate(context)
    judgement = judgement_of(place.build_of(context))
    assert judgement.serving == judgement.anchor == version
    assert {str(one.against) for one in judgement.decision.comparisons} == {"serving", "anchor"}
    # Serving and anchor are one version here, and the first build has evaluated it already.
    assert place.starts(Stage.EVALUATE) == []


def test_a_rival_is_evaluated_on_a_suite_that_is_new_to_it(place: Any, drive: Any) -> None:
    place.scores(bits=3.0)
    first = place.build()
    for stage in (Stage.MIRROR, Stage.SUITE, Stage.CURATE, Stage.TRAIN):
        place.finish(first, stage)
    serve(place, first)
    context = built(place, "second", train_seed=1)
    rivals(place, drive, context)
    assert len(place.starts(Stage.EVALUATE)) == 1
    assert gate(context)["uri"] == place.build_of(context).uri


@pytest.mark.parametrize("reference", ["serving", "anchor"])
def test_where_nothing_serves_there_is_nothing_to_evaluate(place: Any, reference: str) -> None:
    task = EvaluateReferenceOperator(task_id="task", reference=reference)
    with pytest.raises(AirflowSkipException, match=f"has no {reference}"):
        task.execute(place.build())


def test_a_gate_without_the_rival_scores_says_which_task_to_clear(place: Any, drive: Any) -> None:
    place.scores(bits=3.0)
    first = built(place)
    context = built(place, "second", train_seed=1)
    serve(place, first)
    place.execution(first, Stage.EVALUATE).artifact.folder.delete("artifact.json")
    with pytest.raises(AirflowFailException, match="clear the task `evaluate_serving`"):
        gate(context)


def filled(place: Any, context: dict[str, Any], tmp_path: Path, documents: int) -> None:
    """Let a build's corpus hold so many documents."""
    folder = place.execution(context, Stage.CURATE).artifact.folder
    names = ("doc_key", "content_id", "source", "language", "licence", "text")
    rows = [
        {name: f"{name}-{number}" for name in names} | {"characters": 6}
        for number in range(documents)
    ]
    local = tmp_path / "part.parquet"
    pq.write_table(pa.Table.from_pylist(rows), local)
    path = "attempts/1/corpus/split=train/part-00000.parquet"
    info = folder.upload(local, path)
    output = Output(path=path, bytes=info.bytes, sha256=info.sha256, rows=documents)
    record = read_record(folder).model_copy(update={"outputs": (output,)})
    folder.put("artifact.json", record.model_dump_json().encode())


def test_a_gate_that_asks_reviewers_waits_for_them_and_then_takes_their_word(
    place: Any, drive: Any, asked: Any, tmp_path: Path
) -> None:
    recipe = place.config / "recipes" / "tiny.yaml"
    recipe.write_text(recipe.read_text() + "gate: {acceptance: {preset: cn-filing}}\n")
    place.scores(bits=3.0)
    context = built(place)
    filled(place, context, tmp_path, 20)
    gate(context)
    with pytest.raises(TaskAwaitingInput):
        approve().execute(context)
    assert "no people have reviewed the corpus: `hearth sample" in asked[0]["body"]
    assert "| human | – | – | – | 96.00% | 0 of 20 wanted | open |" in asked[0]["body"]
    corpus = Corpus(place.root, place.execution(context, Stage.CURATE).finished())
    for method, documents in ((Method.HUMAN, 20), (Method.MACHINE, 2)):
        sample = draw(place.root, corpus, documents, 0, "ada")
        verdicts = [
            Judged(doc_key=item.doc_key, verdict=Verdict.ACCEPT, reviewer="grace")
            for item in sample.items
        ]
        record_review(place.root, sample, verdicts, method, "ada")
    gate(context)
    decision = judgement_of(place.build_of(context)).decision
    assert decision.answer is Answer.INCONCLUSIVE
    assert [one.reviewers for one in decision.acceptances] == [("grace",), ("grace",)]
    assert all("held against no list of keywords" in reason for reason in decision.reasons)
    risks = load_preset("cn-filing").lists.risks
    listed = {name: {"entries": least} for name, least in risks.items()}
    folder = corpus.artifact.folder
    for entries, answer in ((9_999, Answer.FAIL), (10_000, Answer.PASS)):
        record = read_record(folder)
        said = {"keywords": {"entries": entries, "categories": listed}}
        record = record.model_copy(update={"metrics": {**record.metrics, **said}})
        folder.put("artifact.json", record.model_dump_json().encode())
        if answer is Answer.FAIL:
            with pytest.raises(AirflowFailException, match="10000 are asked for"):
                gate(context)
        else:
            gate(context)
        assert judgement_of(place.build_of(context)).decision.answer is answer


# Approval ----------------------------------------------------------------------------------------


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """What Airflow was told to ask; there is no Airflow here to tell."""
    questions: list[dict[str, Any]] = []
    monkeypatch.setattr(hitl, "upsert_hitl_detail", lambda **details: questions.append(details))
    return questions


def approve() -> ApproveOperator:
    """The task of the real graph: Airflow hands the form of the trigger on to it."""
    task = build_dag("build_llm", doc="Build.").get_task("approve")
    assert isinstance(task, ApproveOperator)
    return task


def answer(choice: str, reason: str = "looks fine") -> dict[str, Any]:
    return {
        "chosen_options": [choice],
        "params_input": {"reason": reason},
        "responded_at": datetime.now(UTC),
        "responded_by_user": {"id": "7", "name": "grace"},
    }


def test_after_a_pass_nobody_is_asked(place: Any, drive: Any, asked: Any) -> None:
    place.scores(bits=3.0)
    context = built(place)
    gate(context)
    assert approve().execute(context) is None
    assert asked == []


@pytest.mark.parametrize(
    ("params", "scores", "why"),
    [
        ({"approve_by_hand": True}, {"bits": 3.0}, "the build asks for it"),
        ({}, {"bits": 7.99, "spread": 5.0}, "the gate is inconclusive"),
    ],
)
def test_a_person_is_asked_with_the_numbers_and_silence_is_rejection(
    place: Any, drive: Any, asked: Any, params: Any, scores: Any, why: str
) -> None:
    place.scores(**scores)
    context = built(place, **params)
    gate(context)
    with pytest.raises(TaskAwaitingInput) as waiting:
        approve().execute(context)
    assert waiting.value.timeout == timedelta(hours=72)
    (question,) = asked
    assert why in question["subject"]
    assert "| toys_en | baseline |" in question["body"]
    assert question["defaults"] == ["Reject"]
    assert list(question["params"]) == ["reason"]


def test_who_approves_and_why_is_kept(place: Any, drive: Any, asked: Any) -> None:
    place.scores(bits=3.0)
    context = built(place, approve_by_hand=True)
    gate(context)
    approve().execute_complete(context, answer("Approve"))
    data = place.build_of(context).events()[-1].data
    assert (data["approved"], data["by"], data["reason"]) == (True, "grace", "looks fine")


def test_a_rejection_skips_the_rollout(place: Any, drive: Any, asked: Any) -> None:
    place.scores(bits=3.0)
    context = built(place, approve_by_hand=True)
    context["ti"].xcom_push = lambda **_: None
    task = approve()
    context["task"] = task
    with pytest.raises(DownstreamTasksSkipped) as skipped:
        task.execute_complete(context, answer("Reject", "the licence"))
    assert list(skipped.value.tasks) == ["rollout"]
    data = place.build_of(context).events()[-1].data
    assert (data["approved"], data["reason"]) == (False, "the licence")


# Rollout -----------------------------------------------------------------------------------------


def test_a_rollout_refuses_a_decision_that_the_world_left_behind(place: Any, drive: Any) -> None:
    place.scores(bits=3.0)
    other = built(place, "other", train_seed=9)
    context = built(place)
    gate(context)
    serve(place, other)
    with pytest.raises(AirflowFailException, match="build again"):
        RolloutOperator(task_id="rollout").execute(context)
    assert place.kinds(context)[-1] == EventKind.ROLLED_BACK


def test_an_endpoint_that_nobody_minds_is_tried_again(place: Any, drive: Any) -> None:
    place.scores(bits=3.0)
    context = built(place)
    gate(context)
    serve(place, context)
    with pytest.raises(TransientError, match="make up"):
        RolloutOperator(task_id="rollout").execute(context)
