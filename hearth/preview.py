"""What a build would do if it were triggered now: which stages are reused, which run, and why."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from pydantic import Field, JsonValue

from hearth.artifact import Artifact, ArtifactRecord
from hearth.build import Build, BuildRecord, Run, builds
from hearth.curate.spec import PREVIOUS
from hearth.lock import LockDiff, diff
from hearth.model import FrozenModel, Stage
from hearth.pipeline import StagePlan, stage_plans
from hearth.profile import load_profile, path_of
from hearth.provenance import code_digest
from hearth.resolution import Request, new_record
from hearth.resources import Resources
from hearth.settings import settings
from hearth.storage import Store
from hearth.withdrawal.revocation import Hit, Revocation, revocation


class StagePreview(FrozenModel):
    """What would happen to one stage."""

    stage: Stage
    reuse: bool
    why: str
    uri: str
    fingerprint: str
    resources: Resources
    code_changed: bool = False


class Preview(FrozenModel):
    """What would happen to a build."""

    recipe: str
    recipe_file: Path
    profile: str
    profile_file: Path
    last_build: str | None
    moved: LockDiff
    splits: str = Field(description="Whose splits the corpus keeps, and why.")
    stages: tuple[StagePreview, ...]


def preview(request: Request) -> Preview:
    """Resolve a request and compare it with the store and with the recipe's last build.

    Raises:
        SpecError: recipe or profile is wrong, or a margin is smaller than its suite can see.
    """
    here = settings()
    recipe_file = path_of(here.recipes, request.recipe)  # a slip in its name needs no store
    profile = load_profile(request.profile)
    root = Store.open(profile.storage)
    run = Run(dag_id="plan", run_id="plan")
    record = new_record(request, profile, root, "plan", run, "plan")
    build = next(builds(root, record.recipe_name), None)
    last = build.record() if build else None
    before = _made_in(root, build) if build else None
    scanned: dict[str, tuple[Hit, ...]] = {}
    return Preview(
        recipe=record.recipe_name,
        recipe_file=recipe_file,
        profile=profile.name,
        profile_file=path_of(here.profiles, profile.name),
        last_build=last.id if last else None,
        moved=diff(last.lock if last else None, record.lock),
        splits=str(record.previous),
        stages=tuple(
            _stage(root, record, plan, before, scanned) for plan in stage_plans(record).values()
        ),
    )


def _made_in(root: Store, build: Build) -> dict[Stage, ArtifactRecord]:
    """Return what a build's stages ended with; the evaluations of rivals are other tasks'."""
    found = {}
    for made in build.made():
        if made.task == made.stage:
            record = Artifact(root, made.stage, made.fingerprint).record()
            if record is not None:
                found[made.stage] = record
    return found


def _stage(
    root: Store,
    record: BuildRecord,
    plan: StagePlan,
    before: Mapping[Stage, ArtifactRecord] | None,
    scanned: dict[str, tuple[Hit, ...]],
) -> StagePreview:
    made = Artifact(root, plan.stage, plan.fingerprint).record()
    revoked = revocation(root, plan.ref(), record.lock.tombstones, scanned) if made else None
    return StagePreview(
        stage=plan.stage,
        reuse=made is not None and (revoked is None or revoked.allowed is not None),
        why=_made_by(made, revoked) if made else _why_run(plan, before, record),
        uri=plan.uri,
        fingerprint=plan.fingerprint,
        resources=record.profile.compute.resources_of(plan.stage),
        code_changed=made is not None and made.provenance.code_digest != code_digest(plan.stage),
    )


def _made_by(made: ArtifactRecord, revoked: Revocation | None) -> str:
    who = f"made by build {made.provenance.build}"
    if revoked is None:
        return who
    allowed = revoked.allowed
    if allowed is not None:
        return f"{who}; revoked, and allowed by {allowed.by}: {allowed.reason}"
    return f"{who}; revoked, so it would be refused: {revoked}"


def _why_run(
    plan: StagePlan, before: Mapping[Stage, ArtifactRecord] | None, record: BuildRecord
) -> str:
    if record.rebuild_from is plan.stage:
        return "asked for: rebuild from this stage"
    if before is None:
        return "the recipe's first build"
    was = before.get(plan.stage)
    if was is None:
        return "the last build did not finish it"
    changed = [
        f"input {role}"
        for role in sorted(plan.inputs)
        if role != PREVIOUS
        and (
            role not in was.inputs or was.inputs[role].fingerprint != plan.inputs[role].fingerprint
        )
    ]
    if was.contract != plan.contract:
        changed.append(f"contract {was.contract} → {plan.contract}")
    changed += changes(was.spec, plan.spec)
    # That another corpus is followed is what comes of a change; it is never the only one.
    return "changed: " + ", ".join(changed or [f"input {PREVIOUS}"])


def changes(old: JsonValue, new: JsonValue, path: str = "") -> list[str]:
    """Return the paths at which two JSON values differ."""
    if old == new:
        return []
    if isinstance(old, dict) and isinstance(new, dict):
        return [
            change
            for key in sorted(old.keys() | new.keys())
            for change in changes(old.get(key), new.get(key), f"{path}.{key}" if path else key)
        ]
    return [path or "spec"]
