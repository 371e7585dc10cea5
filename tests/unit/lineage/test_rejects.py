"""Laws of the reject area: apart, kept as long as is stated, and not a day longer than it must."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pydantic import ValidationError

from hearth.curate.ledger import Step
from hearth.errors import DataError
from hearth.gc import garbage
from hearth.lock import Tombstone, TombstoneKind
from hearth.pipeline import stage_plans
from hearth.policy import ObjectLock, Rejecting, RejectSettings
from hearth.profile import EndpointTarget, Profile, RejectArea
from hearth.rejects import Area, Made
from hearth.retention import State, retained
from hearth.storagesettings import StorageSettings
from hearth.tombstones import bury
from hearth.withdrawal.holding import Kind
from hearth.withdrawal.holdings import holdings
from hearth.withdrawal.withdraw import Wish, plan_withdrawal
from tests.unit.lineage.library import ALICE, BOB, NOW, Library, build_record, content

LATER = NOW + timedelta(days=31)


@pytest.fixture
def area(tmp_path: Path) -> Area:
    place = StorageSettings(uri=f"file://{tmp_path}/apart")
    return Area(RejectArea(storage=place, retention_days=30, steps=("pii",)))


def made(attempt: int = 1) -> Made:
    return Made(fingerprint="f" * 64, corpus="c", attempt=attempt, build="b", recipe="tiny")


def dropped(folder: Path, keys: Sequence[str]) -> list[tuple[Path, int]]:
    folder.mkdir(exist_ok=True)
    path = folder / "part-00000.parquet"
    rows = [
        {
            "doc_key": key,
            "content_id": content(key),
            "source": key.partition(":")[0],
            "step": "pii",
            "reason": "holds email",
            "text": "<EMAIL>",
        }
        for key in keys
    ]
    pq.write_table(pa.Table.from_pylist(rows), path)
    return [(path, len(rows))]


def keys_in(area: Area) -> list[str]:
    read: list[str] = []
    for held in area.held():
        for output in area.outputs(held):
            read += pq.read_table(pa.BufferReader(area.store.get(output.path)))[
                "doc_key"
            ].to_pylist()
    return read


def profile(**rejects: Any) -> Profile:
    return Profile(
        name="x",
        storage=StorageSettings(
            uri="s3://hearth/a", endpoint_url="http://127.0.0.1:1", region="r", kms_key="k1"
        ),  # type: ignore[arg-type]
        endpoint=EndpointTarget(url="http://127.0.0.1:1"),  # type: ignore[arg-type]
        rejects=RejectSettings.model_validate({"retention_days": 1, "kms_key": "k2", **rejects}),
    )


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"uri": "s3://hearth/a"}, "must lie apart"),
        ({"uri": "s3://hearth/a/rejects"}, "must lie apart"),
        ({"uri": "s3://hearth"}, "must lie apart"),
        ({"uri": "s3://other", "kms_key": "k1"}, "needs another"),
        ({"uri": "s3://other", "kms_key": None}, "needs another"),
        ({"uri": "file:///rejects", "object_lock": "governance"}, "is a folder"),
        ({"uri": "s3://other", "retention_days": 0}, "retention_days"),
        ({"uri": "s3://other", "steps": ["read"]}, "steps"),
    ],
)
def test_the_area_lies_apart_under_a_key_of_its_own(wrong: dict[str, Any], why: str) -> None:
    with pytest.raises(ValidationError, match=why):
        profile(**wrong)


def test_the_area_is_reached_as_the_store_is_unless_it_says_otherwise() -> None:
    found = profile(uri="s3://hearth/ab", region="q").reject_area
    assert found is not None
    assert str(found.storage.endpoint_url) == "http://127.0.0.1:1/"
    assert (found.storage.region, found.storage.kms_key) == ("q", "k2")


def test_only_what_is_redacted_can_be_kept() -> None:
    steps = list(Step)
    named = {Step(name) for name in Rejecting.__args__}
    drop_nothing = {Step.SPLIT, Step.CLASSIFY}
    redacted = set(steps[steps.index(Step.PII) :])
    assert named == redacted - {Step.WITHDRAWN} - drop_nothing


def test_where_dropped_documents_go_cannot_change_a_corpus(storage: StorageSettings) -> None:
    record = build_record(storage, 1)
    rejects = RejectSettings(uri="file:///apart", retention_days=3)
    apart = record.profile.model_copy(update={"rejects": rejects})
    plans = [stage_plans(one) for one in (record, record.model_copy(update={"profile": apart}))]
    assert [p.fingerprint for p in plans[0].values()] == [p.fingerprint for p in plans[1].values()]
    assert [plan["curate"].settings.get("rejects") is None for plan in plans] == [True, False]  # type: ignore[index]


def test_a_late_loser_touches_nothing_of_the_winner(area: Area, tmp_path: Path) -> None:
    area.write(made(2), dropped(tmp_path / "x", [ALICE]), NOW)
    before = {info.path: area.store.get(info.path) for info in area.store.list()}
    area.write(made(1), dropped(tmp_path / "y", [BOB]), NOW)
    assert {path: area.store.get(path) for path in before} == before
    assert area.uri(made(1)) != area.uri(made(2))


def test_what_is_dropped_is_kept_until_its_retention_ends(
    home: Library, area: Area, tmp_path: Path
) -> None:
    area.write(made(), dropped(tmp_path / "x", [ALICE, BOB]), NOW)
    (kept,) = retained(home.store, area, LATER - timedelta(days=2), delete=True)
    assert (kept.why, kept.documents, kept.until) == (State.KEPT, 2, NOW + timedelta(days=30))
    (past,) = retained(home.store, area, LATER)
    assert past.why is State.PAST
    assert keys_in(area) == [ALICE, BOB]
    retained(home.store, area, LATER, delete=True)
    assert list(area.store.list()) == []
    assert retained(home.store, area, LATER) == []


def test_what_an_attempt_left_that_died_goes_in_its_time_too(
    home: Library, area: Area, tmp_path: Path
) -> None:
    area.write(made(), dropped(tmp_path / "x", [ALICE]), NOW)
    area.store.delete(f"rejects/{'f' * 64}/1/record.json")
    (held,) = area.held()
    (kept,) = retained(home.store, area, held.until - timedelta(days=1), delete=True)
    assert (kept.why, kept.documents) == (State.KEPT, None)
    (past,) = retained(home.store, area, held.until, delete=True)
    assert past.why is State.PAST
    assert list(area.store.list()) == []


def test_a_withdrawal_finds_dropped_documents_and_gc_takes_them_out(
    home: Library, area: Area, tmp_path: Path
) -> None:
    area.write(made(), dropped(tmp_path / "x", [ALICE, BOB]), NOW)
    wish = Wish(documents=(ALICE,), reason="asked for", by="test")
    (found,) = [
        one for one in plan_withdrawal(home.store, wish, area).holdings if one.kind is Kind.REJECT
    ]
    assert (found.name, found.documents) == (area.uri(made()), (ALICE,))
    bury(
        home.store,
        "x",
        [Tombstone(kind=TombstoneKind.CONTENT, value=content(ALICE), reason="r", since=NOW)],
    )
    (goes,) = retained(home.store, area, NOW, withdrawn=True)
    assert goes.why is State.WITHDRAWN
    assert keys_in(area) == [ALICE, BOB]
    retained(home.store, area, NOW, withdrawn=True, delete=True)
    assert keys_in(area) == [BOB]
    (held,) = area.held()
    assert held.record is not None
    assert held.record.documents == 1
    for info in held.record.files:
        area.store.download(f"{held.path}/{info.path}", tmp_path / "back", expect=info)
    (kept,) = retained(home.store, area, NOW, withdrawn=True, delete=True)
    assert kept.why is State.KEPT


def test_what_object_lock_holds_is_not_touched(area: Area, tmp_path: Path, home: Library) -> None:
    record = area.write(made(), dropped(tmp_path / "x", [ALICE]), NOW)
    locked = record.model_copy(update={"object_lock": ObjectLock.COMPLIANCE})
    area.store.put(f"rejects/{'f' * 64}/1/record.json", locked.model_dump_json().encode())
    grave = Tombstone(kind=TombstoneKind.KEY, value=ALICE, reason="r", since=NOW)
    bury(home.store, "x", [grave])
    (kept,) = retained(home.store, area, NOW, withdrawn=True, delete=True)
    assert (kept.why, kept.until) == (State.LOCKED, NOW + timedelta(days=30))
    assert keys_in(area) == [ALICE]
    (holding,) = [
        one for one in holdings(home.store, [grave], area=area) if one.kind is Kind.REJECT
    ]
    assert "not before 2026-01-31: under object lock (compliance)" in holding.how


def test_an_area_that_cannot_be_searched_is_named(home: Library, area: Area) -> None:
    record = home.corpus.record
    uri = area.uri(made())
    said = record.model_copy(update={"metrics": {"rejects": {"uri": uri, "documents": 3}}})
    home.corpus.artifact.folder.put("artifact.json", said.model_dump_json().encode())
    grave = Tombstone(kind=TombstoneKind.KEY, value=ALICE, reason="r", since=NOW)
    bury(home.store, "x", [grave])
    assert not [item for item in garbage(home.store, withdrawn=True) if uri in item.path]
    (blind,) = [one for one in holdings(home.store, [grave]) if one.kind is Kind.REJECT]
    assert blind.name == uri
    assert "was not searched" in blind.how
    assert not [one for one in holdings(home.store, [grave], area=area) if one.kind is Kind.REJECT]


def test_a_damaged_part_is_named(home: Library, area: Area, tmp_path: Path) -> None:
    area.write(made(), dropped(tmp_path / "x", [ALICE]), NOW)
    area.store.put(f"rejects/{'f' * 64}/1/part-00000.parquet", b"not parquet")
    grave = Tombstone(kind=TombstoneKind.KEY, value=ALICE, reason="r", since=NOW)
    with pytest.raises(DataError, match="part-00000"):
        holdings(home.store, [grave], area=area)
