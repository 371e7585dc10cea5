"""A thing in the store that holds withdrawn documents, and what is to be done about it."""

from __future__ import annotations

from enum import StrEnum

from hearth.model import FrozenModel
from hearth.trace.descent import Role


class Kind(StrEnum):
    """What can hold a document, in the order of its way."""

    PACKAGE = "package"
    MIRROR = "mirror"
    REJECT = "reject"
    SUITE = "suite"
    CORPUS = "corpus"
    SAMPLE = "sample"
    CHECKPOINT = "checkpoint"
    MODEL = "model"
    EVALUATION = "evaluation"
    ATTEMPT = "attempt"
    ENDPOINT = "endpoint"


class Todo(StrEnum):
    """What is to be done."""

    PURGE = "purge"
    REBUILD = "rebuild, then purge"
    REPLACE = "replace"
    KEEP = "keep"


class Holding(FrozenModel):
    """One thing that holds withdrawn documents, or was made from one that does."""

    kind: Kind
    name: str
    build: str | None = None
    recipe: str | None = None
    documents: tuple[str, ...] = ()
    splits: tuple[str, ...] = ()
    todo: Todo
    how: str
    role: Role | None = None
