"""What a plan says, of a recipe with one file on a store that is a folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hearth.artifact import Artifact, ArtifactRecord
from hearth.build import Build, EventKind, Run
from hearth.model import Stage
from hearth.pipeline import stage_plans
from hearth.preview import Preview, preview
from hearth.profile import load_profile, settings
from hearth.provenance import Meter, provenance
from hearth.resolution import Request, create_build
from hearth.storage import Store
from hearth.train.spec import CONTRACT

RECIPE = """
name: small
mirror:
  sources:
    - id: notes
      kind: file
      path: notes.txt
      licence: CC0-1.0
      extract: [{files: notes.txt, format: text, language: en, work: notes}]
suite: {name: small, version: 1, reserved: [notes]}
train: {steps: 100}
"""
PROFILE = """
name: local
storage: {uri: "file://${HEARTH_HOME}/store"}
compute: {backend: local}
endpoint: {name: small, kind: local, url: "http://127.0.0.1:1"}
"""
REQUEST = Request(recipe="small", profile="local")
RUN = Run(dag_id="build_llm", run_id="manual")


class Machine:
    """A folder with a recipe, a profile and a store."""

    def __init__(self, folder: Path) -> None:
        self.recipe = folder / "recipes" / "small.yaml"
        self.profile = folder / "profiles" / "local.yaml"
        for path, text in ((self.recipe, RECIPE), (self.profile, PROFILE)):
            path.parent.mkdir()
            path.write_text(text)
        (folder / "notes.txt").write_text("A note.")

    def build(self, *stages: Stage) -> None:
        """Record a build that got through these stages."""
        record = create_build(
            REQUEST, "small-20260101T000000Z-0", Run(dag_id="d", run_id="r"), "me"
        )
        root = Store.open(load_profile().storage)
        build = Build(root, record.id)
        for stage in stages:
            plan = stage_plans(record)[stage]
            made = ArtifactRecord(
                stage=stage,
                name=plan.name,
                contract=plan.contract,
                fingerprint=plan.fingerprint,
                spec=plan.spec,
                inputs=plan.inputs,
                attempt=1,
                outputs=(),
                metrics={},
                provenance=provenance(stage, record.id, datetime.now(UTC), None, None),
                cost=Meter().read(),
            )
            Artifact(root, stage, plan.fingerprint).publish(made)
            build.append(
                EventKind.STAGE_DONE, stage, task=stage, uri=plan.uri, fingerprint=plan.fingerprint
            )


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setenv("HEARTH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HEARTH_CONFIG", str(tmp_path))
    monkeypatch.setenv("HEARTH_PROFILE", "local")
    settings.cache_clear()
    yield Machine(tmp_path)
    settings.cache_clear()


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
    (machine.recipe.parent.parent / "notes.txt").write_text("Another note.")
    found = preview(REQUEST)
    assert [one.source for one in found.moved.moves] == ["notes"]
    assert not found.stages[0].reuse
