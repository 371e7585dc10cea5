"""What the tests of resolving share: a recipe with one file, on a store that is a folder."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hearth.artifact import Artifact, ArtifactRecord, Provenance
from hearth.build import Build, BuildRecord, EventKind, Run
from hearth.model import Stage
from hearth.pipeline import stage_plans
from hearth.profile import load_profile
from hearth.provenance import Meter, provenance
from hearth.resolution import Request, create_build
from hearth.settings import settings
from hearth.storage import Store

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


class Machine:
    """A folder with a recipe, a profile and a store."""

    def __init__(self, folder: Path) -> None:
        self.recipe = folder / "recipes" / "small.yaml"
        self.profile = folder / "profiles" / "local.yaml"
        for path, text in ((self.recipe, RECIPE), (self.profile, PROFILE)):
            path.parent.mkdir()
            path.write_text(text)
        (folder / "notes.txt").write_text("A note.")

    @property
    def root(self) -> Store:
        return Store.open(load_profile().storage)

    def build(self, *stages: Stage, day: int = 1, **request: Any) -> BuildRecord:
        """Record a build that got through these stages."""
        wish = REQUEST.model_copy(update=request)
        name = f"small-202601{day:02}T000000Z-0"
        record = create_build(wish, name, Run(dag_id="d", run_id="r"), "me")
        root = self.root
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
                provenance=_provenance().model_copy(update={"build": record.id}),
                cost=Meter().read(),
            )
            artifact = Artifact(root, stage, plan.fingerprint)
            reused = artifact.record() is not None
            if not reused:
                artifact.publish(made)
            kind = EventKind.STAGE_REUSED if reused else EventKind.STAGE_DONE
            build.append(kind, stage, task=stage, uri=plan.uri, fingerprint=plan.fingerprint)
        return record

    def note(self, text: str) -> None:
        """Let the recipe's source say something else."""
        (self.recipe.parent.parent / "notes.txt").write_text(text)


@cache
def _provenance() -> Provenance:
    return provenance(Stage.CURATE, "", datetime.now(UTC), None, None)


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Machine]:
    monkeypatch.setenv("HEARTH_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("HEARTH_CONFIG", str(tmp_path))
    monkeypatch.setenv("HEARTH_PROFILE", "local")
    settings.cache_clear()
    yield Machine(tmp_path)
    settings.cache_clear()
