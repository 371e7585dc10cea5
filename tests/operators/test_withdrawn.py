"""The laws of operators after a withdrawal: nothing revoked is reused, made or served."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from airflow.sdk.exceptions import AirflowFailException

from hearth.artifact import Output
from hearth.errors import PolicyViolation
from hearth.gate.decision import Answer, GateDecision
from hearth.judgement import JUDGEMENT, Judgement
from hearth.lock import Tombstone, TombstoneKind
from hearth.model import Stage
from hearth.pipeline import stage_plans
from hearth.rollout.outcome import RolloutStep
from hearth.rollout.state import Version, change_state, read_state
from hearth.tombstones import bury
from hearth.withdrawal.revocation import allow
from hearth.withdrawal.withdraw import Match, Wish, plan_withdrawal
from hearth.withdrawal.withdraw import withdraw as put_into_force
from operators.evaluate import EvaluateReferenceOperator
from operators.opened import open_build
from operators.reap import ReapOperator
from operators.rollout import RolloutOperator
from operators.stage import StageOperator

DOCUMENT = {"doc_key": "texts:a.txt#1", "content_id": "c", "source": "texts"}


def withdraw(place: Any) -> None:
    grave = Tombstone(
        kind=TombstoneKind.KEY,
        value=DOCUMENT["doc_key"],
        reason="its author asked",
        since=datetime.now(UTC),
    )
    bury(place.root, "one", [grave])


@pytest.fixture
def built(place: Any, tmp_path: Path) -> dict[str, Any]:
    """A build whose stages are done; its corpus holds one document."""
    context: dict[str, Any] = place.build()
    curate = place.execution(context, Stage.CURATE).artifact
    for stage in Stage:
        place.finish(context, stage)
    local = tmp_path / "part.parquet"
    pq.write_table(pa.Table.from_pylist([DOCUMENT]), local)
    path = "attempts/1/corpus/split=train/part-00000.parquet"
    info = curate.folder.upload(local, path)
    output = Output(path=path, bytes=info.bytes, sha256=info.sha256, rows=1)
    record = curate.record().model_copy(update={"outputs": (output,)})
    curate.folder.put("artifact.json", record.model_dump_json().encode())
    return context


def judged(place: Any, context: dict[str, Any]) -> None:
    """Let the gate have passed it."""
    plan = stage_plans(open_build(context).record)[Stage.TRAIN]
    decision = GateDecision(
        answer=Answer.PASS, reasons=("a test",), comparisons=(), floors=(), confidence=0.95
    )
    judgement = Judgement(decision=decision, candidate=plan.ref(), serving=None, anchor=None)
    place.build_of(context).folder.put(JUDGEMENT, judgement.model_dump_json().encode())


@pytest.mark.parametrize("stage", [Stage.CURATE, Stage.TRAIN, Stage.EVALUATE])
def test_what_holds_a_withdrawn_document_is_not_reused(
    place: Any, built: dict[str, Any], stage: Stage
) -> None:
    withdraw(place)
    with pytest.raises(
        AirflowFailException, match=r"PolicyViolation: cannot reuse .*holds texts:a\.txt"
    ):
        StageOperator(task_id="task", stage=stage).execute(built)
    assert place.starts(stage) == []


def test_it_is_reused_once_somebody_says_why(place: Any, built: dict[str, Any]) -> None:
    withdraw(place)
    uri = place.execution(built, Stage.CURATE).artifact.uri
    allow(place.root, uri, "dpo", "until Friday")
    result = StageOperator(task_id="task", stage=Stage.TRAIN).execute(built)
    assert result["fingerprint"] == place.execution(built, Stage.TRAIN).artifact.fingerprint
    assert place.kinds(built)[-2:] == ["allowed", "stage_reused"]


def test_a_new_build_is_curated_under_the_tombstone(
    place: Any, built: dict[str, Any], drive: Any
) -> None:
    withdraw(place)
    context = place.build("second")
    result = drive(StageOperator(task_id="task", stage=Stage.CURATE), context)
    assert result["fingerprint"] != place.execution(built, Stage.CURATE).artifact.fingerprint
    assert place.starts(Stage.CURATE) == [1]


def test_a_revoked_model_is_never_rolled_out(place: Any, built: dict[str, Any]) -> None:
    judged(place, built)
    withdraw(place)
    with pytest.raises(AirflowFailException, match=r"cannot serve .*its author asked"):
        RolloutOperator(task_id="rollout").execute(built)
    assert read_state(place.root, "hearth").candidate is None


def test_what_serves_is_compared_with_even_if_it_is_revoked(
    place: Any, built: dict[str, Any]
) -> None:
    withdraw(place)
    opened = open_build(built)
    plan = stage_plans(opened.record)[Stage.EVALUATE]
    EvaluateReferenceOperator(task_id="task", reference="serving").refuse_revoked(opened, plan)


def test_the_reaper_ends_the_service_of_what_is_revoked_once_its_grace_is_over(
    place: Any, built: dict[str, Any]
) -> None:
    opened = open_build(built)
    model = stage_plans(opened.record)[Stage.TRAIN].ref()
    version = Version.of(model.uri, model.fingerprint, opened.record.id, datetime.now(UTC))
    name = opened.record.profile.endpoint.name
    change_state(place.root, name, lambda state: state.model_copy(update={"serving": version}))
    wish = Wish(
        documents=(DOCUMENT["doc_key"],), match=Match.KEY, reason="why", by="ada", unseen=True
    )
    put_into_force(place.root, plan_withdrawal(place.root, wish))
    reaper = ReapOperator(task_id="reap")
    profile = opened.record.profile
    reaper._end_service([(profile, place.root)])
    assert read_state(place.root, name).serving == version
    at_once = profile.policy.model_copy(update={"revoked_hours": 0.0})
    reaper._end_service([(profile.model_copy(update={"policy": at_once}), place.root)])
    assert read_state(place.root, name).serving is None
    assert place.kinds(built)[-1] == "withdrawn"


def test_a_rollout_that_is_under_way_takes_no_more_traffic_after_a_withdrawal(
    place: Any, built: dict[str, Any]
) -> None:
    judged(place, built)
    opened, operator = open_build(built), RolloutOperator(task_id="rollout")
    operator._note(opened, RolloutStep(name="step", weight=10, message="good"))
    withdraw(place)
    with pytest.raises(PolicyViolation, match="cannot serve"):
        operator._note(opened, RolloutStep(name="step", weight=50, message="good"))
    operator._note(opened, RolloutStep(name="refuse", weight=0, message="revoked"))
