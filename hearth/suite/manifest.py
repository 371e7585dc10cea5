"""What a suite says about itself: `suite.json`."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field

from hearth.model import FrozenModel
from hearth.suite.spec import Language


class TaskKind(StrEnum):
    """What a task measures."""

    BITS_PER_BYTE = "bits_per_byte"
    CLOZE = "cloze"


class Baselines(FrozenModel):
    """Accuracy without reading the context: all a model has over these is skill."""

    chance: float = Field(description="Guessing.")
    position: float = Field(description="Always the position that is right most often.")
    shortest: float = Field(description="Always the shortest answer in bytes, ties shared.")
    longest: float = Field(description="Always the longest answer in bytes, ties shared.")


class TaskInfo(FrozenModel):
    """One task of a suite."""

    task: str
    kind: TaskKind
    language: Language
    items: Annotated[int, Field(ge=1)]
    groups: Annotated[int, Field(ge=1)] = Field(
        description="Documents, or sets of parallel ones, that the items come from."
    )
    baselines: Baselines | None = Field(description="Null for bits per byte.")
    smallest_detectable: float = Field(
        description="The smallest margin the gate can work with, in the task's unit."
    )


class WorkInfo(FrozenModel):
    """A reserved work that items were taken from: whom to credit, and under which licence."""

    work: str
    language: Language
    licence: str
    documents: Annotated[int, Field(ge=1)]
    passages: Annotated[int, Field(ge=0)] = Field(description="Passages that could become items.")


class SuiteManifest(FrozenModel):
    """A suite: what it pins and the tasks it has."""

    name: str
    version: int
    max_length: int
    dtype: str
    tasks: tuple[TaskInfo, ...] = Field(description="What the gate asks.")
    dev: tuple[TaskInfo, ...] = Field(default=(), description="What training is asked.")
    works: tuple[WorkInfo, ...]

    def task(self, name: str) -> TaskInfo | None:
        """The task called `name`, or None."""
        return next((task for task in self.tasks if task.task == name), None)
