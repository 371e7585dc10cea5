"""Recipes: what to build."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Self

from pydantic import Field, JsonValue, ValidationError, model_validator

from hearth.curate.spec import CurateSection
from hearth.errors import SpecError
from hearth.evaluate.spec import EvaluateSection
from hearth.gate.spec import GateSection
from hearth.mirror.spec import MirrorSection
from hearth.model import FrozenModel
from hearth.profile import path_of
from hearth.rollout.spec import RolloutSection
from hearth.settings import settings
from hearth.suite.spec import SuiteSection
from hearth.train.spec import TrainSection
from hearth.yamlfile import load_model


class Overrides(FrozenModel):
    """What a person may change of a recipe when triggering a build: all there is, each bounded."""

    train_steps: int | None = Field(
        default=None,
        ge=1,
        le=10_000_000,
        description="Optimizer steps.",
        json_schema_extra={"path": "train.steps"},
    )
    train_seed: int | None = Field(
        default=None,
        ge=0,
        le=2**31 - 1,
        description="Seed of training.",
        json_schema_extra={"path": "train.seed"},
    )

    def changes(self) -> Iterator[tuple[str, JsonValue]]:
        """Yield the path in the recipe and the new value of each override that is given."""
        for name, field in type(self).model_fields.items():
            value = getattr(self, name)
            if value is not None and isinstance(field.json_schema_extra, dict):
                yield str(field.json_schema_extra["path"]), value


class Recipe(FrozenModel):
    """One model, from its sources to its endpoint: the contents of a file in `recipes/`."""

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9_-]{0,62}$", description="The file's name without `.yaml`."
    )
    description: str = Field(default="", description="What it is for, in a line or two.")
    mirror: MirrorSection = Field(description="Where the text comes from.")
    suite: SuiteSection = Field(description="What every candidate is asked.")
    curate: CurateSection = Field(default=CurateSection(), description="How text becomes a corpus.")
    train: TrainSection = Field(description="What is trained, and how.")
    evaluate: EvaluateSection = Field(
        default=EvaluateSection(), description="How candidates are scored."
    )
    gate: GateSection = Field(default=GateSection(), description="When a candidate may serve.")
    rollout: RolloutSection = Field(
        default=RolloutSection(), description="How a candidate takes over the endpoint."
    )

    @model_validator(mode="after")
    def _base_is_mirrored(self) -> Self:
        base, replay = self.train.base, self.train.replay
        models = [source.id for source in self.mirror.sources if source.model]
        if base is not None and base.source not in models:
            message = (
                f"train.base.source: {base.source!r} is no source with a model (there are: "
                f"{', '.join(models) or 'none'}): name the model's files in mirror.sources"
            )
            raise ValueError(message)
        ids = {source.id for source in self.mirror.sources if source.extract}
        for name in replay.sources if replay else ():
            if name not in ids:
                message = f"train.replay.sources: {name!r} is no source of documents in this recipe"
                raise ValueError(message)
        return self

    def with_overrides(self, overrides: Overrides) -> Self:
        """Return this recipe with what a person asked for at the trigger.

        Raises:
            SpecError: the result is no recipe.
        """
        data = self.model_dump(mode="json")
        for path, value in overrides.changes():
            section: Any = data
            *parents, last = path.split(".")
            for part in parents:
                section = section[part]
            section[last] = value
        try:
            return type(self).model_validate(data)
        except ValidationError as error:
            problems = "; ".join(
                f"{'.'.join(map(str, problem['loc']))} = {problem['input']!r}: {problem['msg']}"
                for problem in error.errors(include_url=False)
            )
            message = f"recipe {self.name} with overrides: {problems}"
            raise SpecError(message) from error


def load_recipe(name: str) -> Recipe:
    """Return the recipe called `name`.

    Raises:
        SpecError: there is none, or it is wrong.
    """
    path = path_of(settings().recipes, name)
    recipe = load_model(path, Recipe)
    if recipe.name != path.stem:
        message = f"{path}: name = {recipe.name!r}: must be the file's name, {path.stem!r}"
        raise SpecError(message)
    return recipe
