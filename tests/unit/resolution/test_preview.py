"""What a plan says, of a recipe with one file on a store that is a folder."""

from __future__ import annotations

import pytest

from hearth.errors import SpecError
from hearth.model import Stage
from hearth.preview import Preview, preview
from hearth.train.spec import CONTRACT
from tests.unit.resolution.conftest import RECIPE, REQUEST, Machine


def why(found: Preview) -> dict[Stage, str]:
    return {one.stage: one.why for one in found.stages}


def test_the_first_build_runs_every_stage(machine: Machine) -> None:
    found = preview(REQUEST)
    assert set(why(found).values()) == {"the recipe's first build"}
    assert not any(one.reuse for one in found.stages)
    assert (found.recipe_file, found.profile_file) == (machine.recipe, machine.profile)


def test_what_was_made_is_reused_and_what_was_not_finished_is_said(machine: Machine) -> None:
    machine.build(Stage.MIRROR, Stage.SUITE)
    found = preview(REQUEST)
    assert [one.stage for one in found.stages if one.reuse] == [Stage.MIRROR, Stage.SUITE]
    assert why(found)[Stage.CURATE] == "the last build did not finish it"


def test_a_changed_key_is_named_where_it_counts_and_as_an_input_after_it(machine: Machine) -> None:
    machine.build(*Stage)
    machine.recipe.write_text(RECIPE.replace("steps: 100", "steps: 200"))
    said = why(preview(REQUEST))
    assert said[Stage.TRAIN] == "changed: steps"
    assert said[Stage.EVALUATE] == "changed: input model"


def test_a_change_is_told_from_what_was_made_not_from_what_the_code_would_make_now(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    machine.build(*Stage)
    monkeypatch.setattr("hearth.pipeline.TRAIN_CONTRACT", 99)
    said = why(preview(REQUEST))
    assert said[Stage.TRAIN] == f"changed: contract {CONTRACT} → 99"


def test_a_moved_source_is_shown(machine: Machine) -> None:
    machine.build(*Stage)
    machine.note("Another note.")
    found = preview(REQUEST)
    assert [one.source for one in found.moved.moves] == ["notes"]
    assert not found.stages[0].reuse


def test_several_nodes_without_a_folder_in_common_are_refused_before_anything_starts(
    machine: Machine,
) -> None:
    cluster = "slurm: {user: me, environments: {model: /python}}"
    nodes = "stages: {train: {nodes: 2}}"
    text = machine.profile.read_text().replace(
        "backend: local", f"backend: slurm, {cluster}, {nodes}"
    )
    machine.profile.write_text(text)
    for ask in (lambda: preview(REQUEST), machine.build):
        with pytest.raises(SpecError, match=r"compute of train: nodes = 2.*compute\.slurm\.shared"):
            ask()
    machine.profile.write_text(text.replace("user: me", "user: me, shared: /fsx"))
    assert preview(REQUEST).stages
