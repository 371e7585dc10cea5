"""From a build's record to the jobs of its stages: pure, so that a plan costs nothing.

Fingerprints chain: a stage's inputs are known by theirs before they exist. What a plan says
would run is therefore what a build runs.
"""

from __future__ import annotations

from typing import Any

from pydantic import JsonValue

from hearth.artifact import InputRef, fingerprint
from hearth.attempt import Attempt, Attempts
from hearth.build import BuildRecord
from hearth.curate.spec import CONTRACT as CURATE_CONTRACT
from hearth.curate.spec import PREVIOUS, CurateSpec
from hearth.evaluate.spec import CONTRACT as EVALUATE_CONTRACT
from hearth.evaluate.spec import EvaluateSpec
from hearth.mirror.spec import CONTRACT as MIRROR_CONTRACT
from hearth.mirror.spec import FetchPlan, MirrorSpec
from hearth.model import FrozenModel, Stage, StageSpec
from hearth.policy import REJECTS
from hearth.recipe import Recipe
from hearth.resources import METRICS
from hearth.stage.job import Job
from hearth.suite.spec import CONTRACT as SUITE_CONTRACT
from hearth.suite.spec import SuiteSpec
from hearth.train.sections import BASE, DEV
from hearth.train.spec import CONTRACT as TRAIN_CONTRACT
from hearth.train.spec import TrainSpec


class StagePlan(FrozenModel):
    """What one stage of a build is to make."""

    stage: Stage
    name: str
    contract: int
    spec: dict[str, JsonValue]
    inputs: dict[str, InputRef]
    fingerprint: str
    uri: str
    settings: dict[str, JsonValue] = {}

    def ref(self) -> InputRef:
        """Return the result as another stage's input."""
        return InputRef(uri=self.uri, fingerprint=self.fingerprint)


def recipe_of(record: BuildRecord) -> Recipe:
    """Return the recipe that a build was resolved to."""
    return Recipe.model_validate(record.recipe)


def stage_plans(record: BuildRecord) -> dict[Stage, StagePlan]:
    """Return what every stage of a build is to make, in their order.

    A suite is frozen: it is named by its own spec alone, so that it stays when its sources move.
    """
    recipe = recipe_of(record)
    tokens = {record.rebuild_from: record.id} if record.rebuild_from else {}
    planner = _Planner(record)
    mirror = planner.plan(
        Stage.MIRROR,
        MIRROR_CONTRACT,
        MirrorSpec.of(recipe.mirror, record.lock, tokens.get(Stage.MIRROR)),
        {},
        settings={
            "fetch": FetchPlan.of(record.lock, record.profile.policy.allowed_hosts).model_dump(
                mode="json"
            )
        },
    )
    suite = planner.plan(
        Stage.SUITE,
        SUITE_CONTRACT,
        _spec(SuiteSpec, recipe.suite, tokens.get(Stage.SUITE)),
        {"mirror": mirror.ref()},
        # A frozen suite stays as it is; one that is made now leaves out what is withdrawn by now.
        settings={"tombstones": _graves(record)},
        frozen=True,
    )
    curate = planner.plan(
        Stage.CURATE,
        CURATE_CONTRACT,
        CurateSpec.of(
            recipe.curate,
            reserved=recipe.suite.held_out,
            tombstones=record.lock.tombstones,
            lists=record.lock.lists,
            vocabulary=recipe.train.tokenizer.vocabulary,
            base=recipe.train.base.source if recipe.train.base else None,
            generation=tokens.get(Stage.CURATE),
        ),
        {"mirror": mirror.ref(), "suite": suite.ref(), **_previous(record)},
        settings=_rejects(record),
    )
    train = planner.plan(
        Stage.TRAIN,
        TRAIN_CONTRACT,
        _spec(TrainSpec, recipe.train, tokens.get(Stage.TRAIN)),
        {"corpus": curate.ref(), **_base(recipe, mirror), **_dev(recipe, suite)},
        settings=_operation(recipe) | _metrics(record),
    )
    evaluate = planner.plan(
        Stage.EVALUATE,
        EVALUATE_CONTRACT,
        _spec(EvaluateSpec, recipe.evaluate, tokens.get(Stage.EVALUATE)),
        {"model": train.ref(), "suite": suite.ref(), "corpus": curate.ref()},
    )
    return {plan.stage: plan for plan in (mirror, suite, curate, train, evaluate)}


def evaluation_of(record: BuildRecord, model: InputRef, corpus: InputRef) -> StagePlan:
    """Return the evaluation of another model on this build's suite.

    Args:
        record: the build.
        model: the model, such as the one that serves now.
        corpus: what that model was trained on.
    """
    suite = stage_plans(record)[Stage.SUITE]
    return _Planner(record).plan(
        Stage.EVALUATE,
        EVALUATE_CONTRACT,
        _spec(EvaluateSpec, recipe_of(record).evaluate, None),
        {"model": model, "suite": suite.ref(), "corpus": corpus},
    )


def job_of(plan: StagePlan, record: BuildRecord, attempt: Attempt) -> Job:
    """Return what an attempt is to do."""
    return Job(
        stage=plan.stage,
        name=plan.name,
        contract=plan.contract,
        spec=plan.spec,
        fingerprint=plan.fingerprint,
        inputs=plan.inputs,
        attempt=attempt.number,
        artifact=attempt.artifact.uri,
        resume_from=Attempts(attempt.artifact).earlier(attempt.number),
        build=record.id,
        secrets=record.profile.secrets,
        settings=plan.settings,
        lock_digest=record.lock.digest,
        image=record.profile.image_of(plan.stage.environment),
        emulated=record.profile.unverified,
    )


class _Planner:
    def __init__(self, record: BuildRecord) -> None:
        self._record = record
        self._root = record.profile.storage.uri.rstrip("/")

    def plan(
        self,
        stage: Stage,
        contract: int,
        spec: StageSpec,
        inputs: dict[str, InputRef],
        *,
        settings: dict[str, Any] | None = None,
        frozen: bool = False,
    ) -> StagePlan:
        data = spec.model_dump(mode="json")
        known = {} if frozen else {role: ref.fingerprint for role, ref in inputs.items()}
        identity = fingerprint(stage, contract, data, known)
        return StagePlan(
            stage=stage,
            name=self._record.recipe_name,
            contract=contract,
            spec=data,
            inputs=inputs,
            fingerprint=identity,
            uri=f"{self._root}/artifacts/{stage}/{identity}",
            settings=settings or {},
        )


def _spec(model: type[StageSpec], section: FrozenModel, generation: str | None) -> StageSpec:
    known = {
        name: getattr(section, name)
        for name in type(section).model_fields
        if name in model.model_fields
    }
    return model(**known, generation=generation)


def _graves(record: BuildRecord) -> list[dict[str, Any]]:
    return [grave.model_dump(mode="json") for grave in record.lock.tombstones]


def _rejects(record: BuildRecord) -> dict[str, Any]:
    area = record.profile.reject_area
    return {REJECTS: area.model_dump(mode="json")} if area else {}


def _previous(record: BuildRecord) -> dict[str, InputRef]:
    corpus = record.previous.corpus if record.previous else None
    return {PREVIOUS: corpus} if corpus else {}


def _base(recipe: Recipe, mirror: StagePlan) -> dict[str, InputRef]:
    return {BASE: mirror.ref()} if recipe.train.base else {}


def _dev(recipe: Recipe, suite: StagePlan) -> dict[str, InputRef]:
    return {DEV: suite.ref()} if recipe.suite.dev else {}


def _metrics(record: BuildRecord) -> dict[str, Any]:
    target = record.profile.metrics
    return {METRICS: target.model_dump(mode="json")} if target else {}


def _operation(recipe: Recipe) -> dict[str, Any]:
    operation = getattr(recipe.train, "operation", None)
    return {} if operation is None else {"operation": operation.model_dump(mode="json")}
