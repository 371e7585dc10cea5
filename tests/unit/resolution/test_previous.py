"""The laws of which earlier corpus a build follows."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from hearth.artifact import REMAINS, Artifact, InputRef
from hearth.build import BuildRecord
from hearth.cli import show
from hearth.curate.spec import PREVIOUS
from hearth.lock import Tombstone, TombstoneKind
from hearth.model import Stage
from hearth.pipeline import stage_plans
from hearth.preview import preview
from hearth.tombstones import bury
from tests.unit.resolution.conftest import RECIPE, REQUEST, Machine


def corpus(record: BuildRecord) -> InputRef:
    return stage_plans(record)[Stage.CURATE].ref()


def followed(record: BuildRecord) -> str | None:
    ref = stage_plans(record)[Stage.CURATE].inputs.get(PREVIOUS)
    return ref.fingerprint if ref else None


def lose(machine: Machine, ref: InputRef) -> Artifact:
    artifact = Artifact(machine.root, Stage.CURATE, ref.fingerprint)
    artifact.folder.delete("artifact.json")
    return artifact


def test_a_first_build_follows_none(machine: Machine) -> None:
    first = machine.build(*Stage)
    assert followed(first) is None
    assert first.previous is not None
    assert "no build of this recipe" in first.previous.why


def test_what_changed_follows_the_last_corpus_and_what_did_not_is_reused(machine: Machine) -> None:
    first = machine.build(*Stage)
    machine.note("Another note.")
    second = machine.build(*Stage, day=2)
    assert followed(second) == corpus(first).fingerprint
    for day in (3, 4):
        again = machine.build(*Stage, day=day)
        assert corpus(again) == corpus(second)
    assert all(one.reuse for one in preview(REQUEST).stages)
    machine.note("A third note.")
    assert followed(machine.build(*Stage, day=5)) == corpus(second).fingerprint


def test_an_unchanged_first_corpus_is_reused_for_ever(machine: Machine) -> None:
    first = machine.build(*Stage)
    again = [machine.build(*Stage, day=day) for day in (2, 3)]
    assert {corpus(one).fingerprint for one in again} == {corpus(first).fingerprint}


def test_what_came_back_to_what_it_was_is_not_the_corpus_of_then(machine: Machine) -> None:
    first = machine.build(*Stage)
    machine.note("Another note.")
    second = machine.build(*Stage, day=2)
    machine.note("A note.")
    third = machine.build(*Stage, day=3)
    assert followed(third) == corpus(second).fingerprint
    assert corpus(third).fingerprint != corpus(first).fingerprint


def test_another_recipe_is_not_followed(machine: Machine) -> None:
    machine.build(*Stage)
    machine.recipe.with_name("other.yaml").write_text(
        RECIPE.replace("name: small\nm", "name: other\nm")
    )
    machine.note("Another note.")
    assert preview(REQUEST.model_copy(update={"recipe": "other"})).splits.startswith("dealt anew")


def test_a_build_that_has_no_corpus_is_passed_over(machine: Machine) -> None:
    first = machine.build(*Stage)
    machine.note("Another note.")
    machine.build(Stage.MIRROR, day=2)
    assert followed(machine.build(*Stage, day=3)) == corpus(first).fingerprint


def test_two_builds_at_once_follow_the_same(machine: Machine) -> None:
    first = machine.build(*Stage)
    machine.note("Another note.")
    second, third = machine.build(day=2), machine.build(day=3)
    assert followed(second) == followed(third) == corpus(first).fingerprint
    assert corpus(second) == corpus(third)


@pytest.mark.parametrize("stage", [Stage.MIRROR, Stage.CURATE, Stage.TRAIN])
def test_making_anew_neither_chains_nor_costs_the_next_build_anything(
    machine: Machine, stage: Stage
) -> None:
    first = machine.build(*Stage)
    machine.note("Another note.")
    second = machine.build(*Stage, day=2)
    anew = machine.build(*Stage, day=3, rebuild_from=stage)
    assert followed(anew) == corpus(first).fingerprint
    assert corpus(machine.build(*Stage, day=4)) == corpus(second)


def test_what_another_hearth_made_is_followed_and_not_taken_for_ones_own(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = machine.build(*Stage)
    made = corpus(first).fingerprint
    monkeypatch.setattr("hearth.pipeline.CURATE_CONTRACT", 99)
    assert followed(machine.build(*Stage, day=2)) == made


def test_a_withdrawal_is_curated_under_the_splits_there_were(machine: Machine) -> None:
    first = machine.build(*Stage)
    grave = Tombstone(
        kind=TombstoneKind.KEY, value="notes:a#1", reason="asked for", since=datetime.now(UTC)
    )
    bury(machine.root, "one", [grave])
    assert followed(machine.build(*Stage, day=2)) == corpus(first).fingerprint


def test_what_is_left_of_a_purged_corpus_is_followed(machine: Machine) -> None:
    first = machine.build(*Stage)
    artifact = Artifact(machine.root, Stage.CURATE, corpus(first).fingerprint)
    record = artifact.record()
    assert record is not None
    artifact.folder.put(f"{REMAINS}/artifact.json", record.model_dump_json().encode())
    lose(machine, corpus(first))
    machine.note("Another note.")
    assert followed(machine.build(*Stage, day=2)) == corpus(first).fingerprint


def test_a_corpus_that_is_gone_is_named_and_the_one_before_it_followed(machine: Machine) -> None:
    first = machine.build(*Stage)
    machine.note("Another note.")
    second = machine.build(*Stage, day=2)
    lose(machine, corpus(second))
    third = machine.build(day=3)
    # Nothing changed since the first but what the second brought, and that is lost.
    assert followed(third) == corpus(first).fingerprint
    assert third.previous is not None
    assert second.id in third.previous.why
    lose(machine, corpus(first))
    fourth = machine.build(day=4)
    assert followed(fourth) is None
    assert fourth.previous is not None
    assert "gone" in fourth.previous.why


def test_raising_the_generation_deals_all_splits_anew(
    machine: Machine, capsys: pytest.CaptureFixture[str]
) -> None:
    machine.build(*Stage)
    machine.recipe.write_text(RECIPE + "curate: {split: {generation: 1}}\n")
    show.preview(preview(REQUEST))
    said = " ".join(capsys.readouterr().out.split())
    assert "splits: dealt anew: `curate.split.generation` is 1" in said
    second = machine.build(*Stage, day=2)
    assert followed(second) is None
    machine.note("Another note.")
    assert followed(machine.build(*Stage, day=3)) == corpus(second).fingerprint


def test_a_plan_names_what_changed_and_not_that_another_corpus_is_followed(
    machine: Machine,
) -> None:
    machine.build(*Stage)
    machine.note("Another note.")
    by_stage = {one.stage: one.why for one in preview(REQUEST).stages}
    assert by_stage[Stage.CURATE] == "changed: input mirror"
    assert preview(REQUEST).splits.startswith("kept as in corpus")
