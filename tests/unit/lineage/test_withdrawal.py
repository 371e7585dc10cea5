"""The laws of withdrawal: what is buried, what holds it, and what may no longer be used."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.artifact import Artifact
from hearth.attempt import Attempts, Outcome, exit_of
from hearth.build import EventKind
from hearth.curate.keys import Domain
from hearth.curate.near import Shingler
from hearth.curate.sections import DedupSection
from hearth.curate.sketches import Sketches
from hearth.curate.spec import SPLITS, CurateSection, CurateSpec
from hearth.errors import EXIT_TRANSIENT, DataError, NotFoundError, PolicyViolation, SpecError
from hearth.gc import Why, collect, garbage
from hearth.lock import Tombstone, TombstoneKind
from hearth.model import Stage
from hearth.review.sample import draw
from hearth.scan import scan
from hearth.storagesettings import StorageSettings
from hearth.tombstones import Buried, bury, tombstones
from hearth.trace.copies import with_copies
from hearth.trace.descent import Descent
from hearth.withdrawal.holding import Kind, Todo
from hearth.withdrawal.holdings import holdings
from hearth.withdrawal.revocation import Hit, allow, refuse, refuse_plan, revocation
from hearth.withdrawal.withdraw import Match, Wish, Withdrawal, plan_withdrawal, withdraw
from tests.unit.lineage.library import (
    ALICE,
    BOB,
    COPY,
    KEY,
    RESERVED,
    SHORT,
    TEXTS,
    TWIN,
    Library,
    content,
    library,
    serve,
)

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def wish(*documents: str, **changes: object) -> Wish:
    fields = {"documents": documents, "reason": "asked for by its author", "by": "test"}
    return Wish.model_validate(fields | changes)


def withdrawn(home: Library, *documents: str, **changes: object) -> Withdrawal:
    plan = plan_withdrawal(home.store, wish(*documents, **changes))
    withdraw(home.store, plan)
    return plan


def pairs(plan: Withdrawal) -> set[tuple[str, str]]:
    return {(str(grave.kind), grave.value) for grave in plan.tombstones}


def grave(kind: TombstoneKind, value: str, since: datetime = NOW) -> Tombstone:
    return Tombstone(kind=kind, value=value, reason="asked for", since=since)


# Tombstones --------------------------------------------------------------------------------------


def test_a_document_is_buried_by_key_by_content_and_with_its_copies(home: Library) -> None:
    plan = withdrawn(home, TWIN)
    assert pairs(plan) == {
        ("key", TWIN),
        ("near", TWIN),
        ("near", content(TWIN)),
        ("near", content(ALICE)),
        ("content", content(TWIN)),
        ("content", content(ALICE)),
    }
    assert content(TWIN) == content(COPY)
    assert plan.documents == (TWIN,)
    assert set(plan.copies) == {ALICE, COPY}
    assert {found.id for found in tombstones(home.store)} == {
        (grave.kind, grave.value) for grave in plan.tombstones
    }


@pytest.mark.parametrize("wanted", [{"documents": (TWIN,)}, {"sources": ("debian-faq-zh",)}])
def test_tombstones_carry_what_later_near_copies_are_known_by(
    home: Library, wanted: dict[str, tuple[str, ...]]
) -> None:
    plan = withdrawn(home, **wanted)
    carried = {found.value: found for found in tombstones(home.store) if found.sketch}
    assert set(carried) == {content(ALICE), content(TWIN)}
    assert {found.key for found in carried.values()} == {KEY.fingerprint}
    assert plan.unsketched == 0
    shingler = Shingler(DedupSection(), KEY.seed(Domain.SHINGLE))
    spec = CurateSpec.of(CurateSection(), tombstones=tombstones(home.store))
    sketches = Sketches(spec.tombstones, spec.dedup, KEY)
    assert sketches.bury(shingler.shingles(TEXTS[TWIN], "en"))
    assert not sketches.bury(shingler.shingles(TEXTS[BOB], "en"))


def test_a_text_that_no_corpus_has_a_sketch_of_is_counted(
    home: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("hearth.withdrawal.withdraw._MOST_SKETCHES", 1)
    plan = plan_withdrawal(home.store, wish(TWIN))
    assert plan.unsketched == 1
    assert sum(found.sketch is not None for found in plan.tombstones) == 1


@pytest.mark.parametrize(
    ("match", "kinds"),
    [(Match.KEY, ["key"]), (Match.CONTENT, ["content", "key"])],
)
def test_a_narrower_match_buries_less(home: Library, match: Match, kinds: list[str]) -> None:
    plan = plan_withdrawal(home.store, wish(TWIN, match=match))
    assert sorted(str(grave.kind) for grave in plan.tombstones) == kinds


def test_a_dry_run_writes_nothing(home: Library) -> None:
    before = [info.path for info in home.store.list()]
    plan_withdrawal(home.store, wish(ALICE))
    assert [info.path for info in home.store.list()] == before


def test_withdrawing_twice_buries_once(home: Library) -> None:
    first = withdrawn(home, ALICE)
    again = withdrawn(home, ALICE)
    assert again.tombstones == ()
    assert again.known == len(first.tombstones)
    assert len(tombstones(home.store)) == len(first.tombstones)


def test_a_source_is_buried_whole_and_with_what_copies_it(home: Library) -> None:
    plan = withdrawn(home, sources=["debian-faq-zh"])
    assert ("source", "debian-faq-zh") in pairs(plan)
    assert plan.documents == (TWIN,)
    assert ("content", content(ALICE)) in pairs(plan)
    assert not any(kind == "key" for kind, _ in pairs(plan))


def test_a_key_without_its_passage_stands_for_all_passages(home: Library) -> None:
    plan = plan_withdrawal(home.store, wish("debian-faq:alice.html", match=Match.KEY))
    assert plan.documents == (ALICE,)
    assert pairs(plan) == {("key", "debian-faq:alice.html")}
    buried = Buried(plan.tombstones)
    assert buried.grave("debian-faq:alice.html#9") is not None
    assert buried.grave("debian-faq:alice.htm#1") is None


def test_what_was_never_seen_is_refused_with_what_was_searched(home: Library) -> None:
    with pytest.raises(NotFoundError, match="1 mirrors and 1 corpora"):
        plan_withdrawal(home.store, wish("debian-faq:nonesuch#1"))
    plan = plan_withdrawal(home.store, wish("debian-faq:nonesuch#1", unseen=True))
    assert ("key", "debian-faq:nonesuch#1") in pairs(plan)
    with pytest.raises(SpecError, match="--document or --source"):
        plan_withdrawal(home.store, wish())


def test_of_two_tombstones_that_say_the_same_the_older_counts(home: Library) -> None:
    for number in (1, 0):
        since = NOW + timedelta(days=number)
        bury(home.store, str(number), [grave(TombstoneKind.KEY, BOB, since)])
    assert [found.since for found in tombstones(home.store)] == [NOW]


def test_a_damaged_tombstone_stops_everything(home: Library) -> None:
    home.store.put("tombstones/x.json", b"[{}]")
    with pytest.raises(DataError, match="nothing is built until it is"):
        tombstones(home.store)


def test_a_tombstone_as_an_object_of_its_own_is_read_too(home: Library) -> None:
    one = grave(TombstoneKind.KEY, BOB)
    home.store.put("tombstones/one.json", one.model_dump_json().encode())
    assert tombstones(home.store) == (one,)


def test_a_record_of_who_and_why_stays_without_any_text(home: Library) -> None:
    plan = withdrawn(home, ALICE)
    raw = home.store.get(f"withdrawals/{plan.id}.json").decode()
    assert Withdrawal.model_validate_json(raw) == plan
    assert "asked for by its author" in raw
    assert "alice@example.org" not in raw


# What holds it -----------------------------------------------------------------------------------


def test_everything_that_holds_a_document_is_found(home: Library) -> None:
    serve(home)
    sample = draw(home.store, home.corpus, 5, 0, "test")
    home.store.put(f"cache/{'0' * 64}", b"package")
    found = {one.kind: one for one in plan_withdrawal(home.store, wish(ALICE)).holdings}
    assert set(found) == {
        Kind.PACKAGE, Kind.MIRROR, Kind.CORPUS, Kind.SAMPLE, Kind.CHECKPOINT, Kind.MODEL,
        Kind.EVALUATION, Kind.ENDPOINT,
    }  # fmt: skip
    assert set(found[Kind.MIRROR].documents) == {ALICE, COPY, TWIN}
    assert found[Kind.CORPUS].documents == (ALICE,)
    assert found[Kind.CORPUS].splits == ("train",)
    assert sample.id in found[Kind.SAMPLE].name
    assert (found[Kind.ENDPOINT].role, found[Kind.ENDPOINT].todo) == ("serving", Todo.REPLACE)
    assert "hearth build tiny" in found[Kind.ENDPOINT].how


def test_a_copy_is_found_through_the_one_that_stayed(home: Library) -> None:
    found = {one.kind: one for one in plan_withdrawal(home.store, wish(TWIN)).holdings}
    assert found[Kind.CORPUS].documents == (ALICE,)
    alone = plan_withdrawal(home.store, wish(TWIN, match=Match.KEY)).holdings
    assert {one.kind for one in alone} == {Kind.MIRROR}


def test_what_never_reached_a_corpus_is_held_by_the_mirror_alone(home: Library) -> None:
    found = plan_withdrawal(home.store, wish(SHORT)).holdings
    assert {one.kind for one in found} == {Kind.MIRROR}


def test_a_suite_that_asks_about_a_document_is_found(
    storage: StorageSettings, tmp_path: Path
) -> None:
    home = library(storage, tmp_path / "scratch", asked=(RESERVED,))
    found = {one.kind for one in plan_withdrawal(home.store, wish(RESERVED)).holdings}
    assert found == {Kind.MIRROR, Kind.SUITE}


def test_an_attempt_that_has_no_record_yet_is_found(home: Library) -> None:
    corpus = home.corpus.artifact.ref()
    attempt, _ = Attempts(Artifact(home.store, Stage.TRAIN, "e" * 64)).claim_or_join("other")
    job = {"name": "tiny", "build": "other", "inputs": {"corpus": corpus.model_dump()}}
    attempt.folder.put("job.json", str(job).replace("'", '"').encode())
    found = {one.kind: one for one in plan_withdrawal(home.store, wish(ALICE)).holdings}
    assert found[Kind.ATTEMPT].build == "other"
    assert "running" in found[Kind.ATTEMPT].how


def test_shards_that_a_lost_attempt_left_are_found_and_purged(home: Library) -> None:
    artifact = Artifact(home.store, Stage.CURATE, "d" * 64)
    attempt, _ = Attempts(artifact).claim_or_join("other")
    shard = BytesIO()
    rows = [
        {"doc_key": key, "content_id": None, "source": key.partition(":")[0]}
        for key in (ALICE, BOB)
    ]
    pq.write_table(pa.Table.from_pylist(rows), shard)
    path = "shards/prepare/000000.parquet"
    attempt.folder.put(path, shard.getvalue())
    attempt.settle(exit_of(Outcome.LOST, EXIT_TRANSIENT, "the node died"))
    plan = withdrawn(home, ALICE)
    (found,) = [one for one in plan.holdings if one.kind is Kind.ATTEMPT]
    assert (found.name, found.documents) == (attempt.folder.uri, (ALICE,))
    collect(home.store, garbage(home.store, withdrawn=True))
    assert not attempt.folder.exists(path)


def test_clusters_are_followed_both_ways(home: Library) -> None:
    for key in (ALICE, COPY, TWIN):
        assert with_copies(home.corpus, {key}) == {ALICE, COPY, TWIN}
    assert with_copies(home.corpus, {BOB}) == {BOB}


# Revocation --------------------------------------------------------------------------------------


def test_nothing_is_revoked_without_a_tombstone(home: Library) -> None:
    assert revocation(home.store, home.corpus.artifact.ref()) is None
    refuse(home.store, home.corpus.artifact.ref(), "reuse")


@pytest.mark.parametrize("stage", [Stage.CURATE, Stage.TRAIN, Stage.EVALUATE])
def test_a_corpus_and_what_was_made_from_it_are_refused(home: Library, stage: Stage) -> None:
    withdrawn(home, ALICE)
    with pytest.raises(PolicyViolation, match=r"revoked: .* holds .*alice.*asked for by its"):
        refuse_plan(home.store, home.plan(stage))


def test_the_mirror_is_reused_since_curation_leaves_the_document_out(home: Library) -> None:
    withdrawn(home, ALICE)
    refuse_plan(home.store, home.plan(Stage.MIRROR))
    refuse_plan(home.store, home.plan(Stage.SUITE))


def test_a_document_that_is_not_in_the_corpus_revokes_nothing(home: Library) -> None:
    withdrawn(home, SHORT)
    assert revocation(home.store, home.corpus.artifact.ref()) is None


def test_nothing_new_is_made_from_what_is_revoked(home: Library) -> None:
    withdrawn(home, ALICE)
    plan = home.plan(Stage.TRAIN).model_copy(update={"fingerprint": "e" * 64})
    with pytest.raises(PolicyViolation, match="cannot make train from its corpus"):
        refuse_plan(home.store, plan)


def test_a_build_whose_lock_has_the_tombstones_is_free(
    home: Library, storage: StorageSettings, tmp_path: Path
) -> None:
    withdrawn(home, ALICE)
    new = library(storage, tmp_path / "new", 2, tombstones=tombstones(home.store))
    assert new.corpus.uri != home.corpus.uri
    for stage in Stage:
        refuse_plan(home.store, new.plan(stage))
    still = {one.name for one in holdings(home.store, tombstones(home.store))}
    assert home.corpus.uri in still
    assert new.corpus.uri not in still


@pytest.mark.parametrize(
    "one",
    [
        grave(TombstoneKind.KEY, ALICE),
        grave(TombstoneKind.KEY, "debian-faq:alice.html"),
        grave(TombstoneKind.CONTENT, content(ALICE)),
        grave(TombstoneKind.SOURCE, "debian-faq"),
        grave(TombstoneKind.NEAR, TWIN),
        grave(TombstoneKind.NEAR, content(COPY)),
    ],
)
def test_every_kind_of_tombstone_revokes(home: Library, one: Tombstone) -> None:
    bury(home.store, "x", [one])
    found = revocation(home.store, home.corpus.artifact.ref())
    assert found is not None
    assert ALICE in [hit.document for hit in found.hits]


def test_an_exception_is_an_event_with_who_and_why_and_covers_what_was_made(
    home: Library,
) -> None:
    withdrawn(home, ALICE)
    found = allow(home.store, home.corpus.uri, "dpo", "the author changed her mind")
    assert found.allowed is not None
    for stage in (Stage.CURATE, Stage.TRAIN, Stage.EVALUATE):
        refuse_plan(home.store, home.plan(stage))
    events = [event for event in home.build.events() if event.kind is EventKind.ALLOWED]
    assert [(event.data["by"], event.data["reason"]) for event in events] == [
        ("dpo", "the author changed her mind")
    ]


def test_an_exception_for_a_model_is_none_for_its_corpus(home: Library) -> None:
    withdrawn(home, ALICE)
    train = home.plan(Stage.TRAIN)
    allow(home.store, home.store.url(f"artifacts/train/{train.fingerprint}"), "dpo", "why not")
    refuse_plan(home.store, train)
    with pytest.raises(PolicyViolation):
        refuse_plan(home.store, home.plan(Stage.CURATE))


def test_an_exception_does_not_cover_a_later_tombstone(home: Library) -> None:
    withdrawn(home, ALICE)
    allow(home.store, home.corpus.uri, "dpo", "for now")
    withdrawn(home, BOB)
    with pytest.raises(PolicyViolation):
        refuse_plan(home.store, home.plan(Stage.CURATE))


def test_what_is_not_revoked_cannot_be_allowed(home: Library) -> None:
    with pytest.raises(NotFoundError, match="is not revoked"):
        allow(home.store, home.corpus.uri, "dpo", "for now")


# Purging -----------------------------------------------------------------------------------------


def test_what_holds_a_withdrawn_document_is_purged_on_request_alone(home: Library) -> None:
    sample = draw(home.store, home.corpus, 5, 0, "test")
    withdrawn(home, ALICE)
    assert {item.why for item in garbage(home.store)} == {Why.CHECKPOINT}
    found = garbage(home.store, withdrawn=True)
    assert {item.why for item in found} == {Why.WITHDRAWN, Why.SAMPLE}
    collect(home.store, found)
    assert not [i for i in home.store.list("artifacts/curate") if i.path.endswith(".parquet")]
    assert not list(home.store.list("artifacts/train"))
    assert not home.store.exists(f"samples/{sample.id}/sample.jsonl")
    assert home.store.exists(f"samples/{sample.id}/sample.json")
    assert {one.kind for one in holdings(home.store, tombstones(home.store))} == {Kind.MIRROR}
    assert garbage(home.store, withdrawn=True) == []


def test_what_a_purged_corpus_says_about_splits_stays_for_the_next_and_holds_no_text(
    home: Library,
) -> None:
    artifact, plan = home.corpus.artifact, home.plan(Stage.CURATE)
    home.build.append(EventKind.STAGE_DONE, Stage.CURATE, fingerprint=plan.fingerprint)
    withdrawn(home, ALICE)
    collect(home.store, garbage(home.store, withdrawn=True))
    assert artifact.record() is None
    left = artifact.remains()
    assert left is not None
    assert {output.name.partition("/")[0] for output in left.outputs} == {SPLITS}
    rows = list(scan(artifact.folder, left.outputs, ("doc_key", "split")))
    assert {"doc_key": ALICE, "split": "train"} in rows
    for info in artifact.folder.list():
        assert b"archive and its packages" not in artifact.folder.get(info.path)
    assert garbage(home.store, withdrawn=True) == []


def test_what_serves_is_not_purged_before_it_is_replaced(home: Library) -> None:
    serve(home)
    withdrawn(home, ALICE)
    found = garbage(home.store, withdrawn=True)
    assert [item.path.split("/")[1] for item in found if item.why is Why.WITHDRAWN] == ["evaluate"]


def test_what_is_allowed_is_not_purged(home: Library) -> None:
    withdrawn(home, ALICE)
    allow(home.store, home.corpus.uri, "dpo", "for now")
    assert {item.why for item in garbage(home.store, withdrawn=True)} == {Why.CHECKPOINT}


def test_an_earlier_corpus_that_only_gave_its_splits_revokes_nothing(home: Library) -> None:
    withdrawn(home, ALICE)
    plan = home.plan(Stage.CURATE).model_copy(
        update={"fingerprint": "e" * 64, "inputs": {"previous": home.corpus.artifact.ref()}}
    )
    refuse_plan(home.store, plan)
    later = home.corpus.record.model_copy(
        update={"fingerprint": "e" * 64, "inputs": {"previous": home.corpus.artifact.ref()}}
    )
    descent = Descent(home.store, [home.corpus.record, later])
    assert descent.below([home.corpus.record.fingerprint]) == []


def test_what_was_made_from_one_corpus_is_judged_by_reading_it_once(home: Library) -> None:
    graves = (grave(TombstoneKind.KEY, ALICE),)
    scanned: dict[str, tuple[Hit, ...]] = {}
    found = [
        revocation(home.store, home.plan(stage).ref(), graves, scanned)
        for stage in (Stage.CURATE, Stage.TRAIN, Stage.EVALUATE)
    ]
    assert all(one is not None and one.hits[0].document == ALICE for one in found)
    assert list(scanned) == [home.corpus.record.fingerprint]
    scanned[home.corpus.record.fingerprint] = ()
    assert revocation(home.store, home.plan(Stage.TRAIN).ref(), graves, scanned) is None
