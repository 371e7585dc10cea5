"""Builds: one run of a recipe under a profile, its record and its events.

`builds/<id>/build.json` is written once, by the first task; every later one reads only that, so
that editing a recipe never alters a build that runs. `builds/<id>/events/` is append-only: one
object an event. Command line, pages and notices read these, not Airflow's database.
"""

from __future__ import annotations

import hashlib
import uuid
from collections.abc import Iterator
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, NamedTuple

from pydantic import Field, JsonValue

from hearth.artifact import InputRef
from hearth.errors import ConflictError, NotFoundError
from hearth.lock import Lock
from hearth.model import FrozenModel, Stage, parse
from hearth.profile import Profile
from hearth.storage import Store

RECORD: Final = "build.json"


class EventKind(StrEnum):
    """What can happen to a build."""

    RESOLVED = "resolved"
    ATTEMPT_STARTED = "attempt_started"
    ATTEMPT_JOINED = "attempt_joined"
    ATTEMPT_ENDED = "attempt_ended"
    STAGE_REUSED = "stage_reused"
    STAGE_DONE = "stage_done"
    GATE = "gate"
    APPROVAL = "approval"
    ROLLOUT_STEP = "rollout_step"
    ROLLED_OUT = "rolled_out"
    ROLLED_BACK = "rolled_back"
    ALLOWED = "allowed"
    WITHDRAWN = "withdrawn"
    CLUSTER = "cluster"
    FAILED = "failed"


class Happening(NamedTuple):
    """When an event is written, and what its `data` holds."""

    when: str
    data: tuple[str, ...]


_STARTED: Final = ("task", "attempt", "job", "owner", "artifact")
HAPPENINGS: Final[dict[EventKind, Happening]] = {
    EventKind.RESOLVED: Happening(
        "the sources of the recipe are pinned", ("lock", "sources", "tombstones", "splits")
    ),
    EventKind.ATTEMPT_STARTED: Happening("a job was started towards an artifact", _STARTED),
    EventKind.ATTEMPT_JOINED: Happening(
        "the build waits for another build's job, which makes the same artifact", _STARTED
    ),
    EventKind.ATTEMPT_ENDED: Happening(
        "a job ended without an artifact",
        (*_STARTED[:2], "outcome", "code", "error", "message", "log", "progress", "wall_seconds"),
    ),
    EventKind.STAGE_REUSED: Happening(
        "the artifact was there already", ("task", "uri", "fingerprint", "made_by", "unverified")
    ),
    EventKind.STAGE_DONE: Happening(
        "the artifact was made",
        ("task", "uri", "fingerprint", "attempt", "made_by", "metrics", "cost", "unverified"),
    ),
    EventKind.GATE: Happening(
        "the gate answered: `decision` has its answer and the numbers of every task",
        ("decision", "candidate", "serving", "anchor"),
    ),
    EventKind.APPROVAL: Happening(
        "a person answered, or nobody did in time", ("approved", "by", "reason", "responded")
    ),
    EventKind.ROLLOUT_STEP: Happening(
        "a share of the traffic was moved or judged", ("name", "weight", "message", "numbers")
    ),
    EventKind.ROLLED_OUT: Happening(
        "the candidate serves", ("endpoint", "url", "version", "replaced", "changed", "seconds")
    ),
    EventKind.ROLLED_BACK: Happening(
        "the serving version has all traffic again", ("version", "reason")
    ),
    EventKind.ALLOWED: Happening(
        "somebody lets a revoked artifact be used all the same",
        ("artifact", "by", "reason", "tombstones"),
    ),
    EventKind.WITHDRAWN: Happening(
        "its model was taken out of service: it is revoked, and `policy.revoked_hours` are over",
        ("endpoint", "version", "reason"),
    ),
    EventKind.CLUSTER: Happening(
        "a cluster came, changed or went, or a node of it was repaired", ("cluster", "what")
    ),
    EventKind.FAILED: Happening("a task failed for good", ("task", "error", "code", "by", "next")),
}
"""The reference page of events is written from this; a test holds it to whoever appends one."""


class Event(FrozenModel):
    """Something that happened to a build."""

    kind: EventKind
    at: datetime
    stage: Stage | None = None
    data: dict[str, JsonValue] = {}


class Run(FrozenModel):
    """The Airflow DAG run that a build is."""

    dag_id: str
    run_id: str


class Previous(FrozenModel):
    """The earlier corpus whose splits a build keeps."""

    corpus: InputRef | None = Field(description="Null: all splits are dealt anew.")
    build: str | None = Field(default=None, description="The build that ended with it.")
    why: str

    def __str__(self) -> str:
        """Say it in a line."""
        if self.corpus is None:
            return f"dealt anew: {self.why}"
        return f"kept as in corpus {self.corpus.fingerprint[:12]}: {self.why}"


class BuildRecord(FrozenModel):
    """What a build is of. The recipe is resolved: overrides are in it."""

    schema_version: int = 1
    id: str
    recipe: dict[str, JsonValue] = Field(description="A `hearth.recipe.Recipe`.")
    profile: Profile
    lock: Lock
    run: Run
    triggered_by: str
    created: datetime
    overrides: dict[str, JsonValue] = {}
    rebuild_from: Stage | None = Field(
        default=None, description="This stage and what follows is made anew."
    )
    approve_by_hand: bool = False
    previous: Previous | None = Field(
        default=None, description="Whose splits are kept: chosen once, when the build begins."
    )

    @property
    def recipe_name(self) -> str:
        """The recipe's name."""
        return str(self.recipe["name"])


def build_id(recipe: str, started: datetime, run: Run) -> str:
    """Return the id of the build that a DAG run is: the same however often it is asked.

    Args:
        recipe: the recipe's name.
        started: when the run was asked for, with a time zone.
        run: the DAG run.
    """
    key = hashlib.sha256(f"{run.dag_id}/{run.run_id}".encode()).hexdigest()[:8]
    return f"{recipe}-{started.astimezone(UTC):%Y%m%dT%H%M%SZ}-{key}"


class Made(NamedTuple):
    """An artifact that a task of a build ended with, made or reused."""

    task: JsonValue
    stage: Stage
    fingerprint: str


class Build:
    """A build in the store."""

    def __init__(self, store: Store, id_: str) -> None:
        """Name the build; nothing is read.

        Args:
            store: the root of the store.
            id_: the build's id.
        """
        self.id = id_
        self.root = store
        self.folder = store.sub(f"builds/{id_}")

    @property
    def uri(self) -> str:
        """Where its records lie."""
        return self.folder.uri

    def create(self, record: BuildRecord) -> BuildRecord:
        """Write the record unless there is one; return the one that counts.

        A task that is tried again finds what its first try wrote.
        """
        try:
            return self.record()
        except NotFoundError:
            if self.folder.create(RECORD, record.model_dump_json(indent=1).encode()):
                return record
        return self.record()

    def record(self) -> BuildRecord:
        """Return what the build is of.

        Raises:
            NotFoundError: there is no such build.
            DataError: its record is damaged.
        """
        where = self.folder.url(RECORD)
        return parse(BuildRecord, self.folder.get(RECORD), where, "a build record")

    def append(self, kind: EventKind, stage: Stage | None = None, **data: JsonValue) -> Event:
        """Add an event.

        Raises:
            ConflictError: never by chance; the name of an event is unique.
        """
        event = Event(kind=kind, at=datetime.now(UTC), stage=stage, data=data)
        name = f"events/{event.at:%Y%m%dT%H%M%S.%fZ}-{uuid.uuid4().hex[:8]}.json"
        if not self.folder.create(name, event.model_dump_json().encode()):
            message = f"{self.folder.url(name)}: exists already: events are never overwritten"
            raise ConflictError(message)
        return event

    def events(self) -> list[Event]:
        """Return what happened, oldest first."""
        return [
            parse(Event, self.folder.get(info.path), self.folder.url(info.path), "an event")
            for info in self.folder.list("events")
        ]

    def made(self) -> list[Made]:
        """Return what stages ended with, oldest first, by the build's own word.

        Plans change with the code; what a build made does not. Rivals are evaluated by tasks of
        other names: theirs are among those of `evaluate`.
        """
        ends = (EventKind.STAGE_DONE, EventKind.STAGE_REUSED)
        return [
            Made(event.data.get("task"), event.stage, str(event.data["fingerprint"]))
            for event in self.events()
            if event.kind in ends and event.stage is not None
        ]


def builds(store: Store, recipe: str | None = None) -> Iterator[Build]:
    """Yield builds, newest first.

    Args:
        store: the root of the store.
        recipe: only builds of this recipe.
    """
    names = [
        name for name in store.folders("builds") if recipe is None or _recipe_of(name) == recipe
    ]
    for name in sorted(names, key=lambda name: name.rsplit("-", 2)[1:], reverse=True):
        yield Build(store, name)


def _recipe_of(id_: str) -> str:
    return id_.rsplit("-", 2)[0]
