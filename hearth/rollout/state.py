"""The endpoint's state: what should serve. One object, changed only under `If-Match`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from pydantic import Field

from hearth.errors import ConflictError, NotFoundError
from hearth.model import FrozenModel, parse
from hearth.storage import Store

VERSION_DIGITS: Final = 12
_HISTORY: Final = 50
_TRIES: Final = 8


class Version(FrozenModel):
    """A model that an endpoint can serve."""

    version: str = Field(pattern=rf"^[0-9a-f]{{{VERSION_DIGITS}}}$")
    model_uri: str = Field(description="The train artifact that holds the model.")
    fingerprint: str = Field(pattern=r"^[0-9a-f]{64}$")
    build: str = Field(description="The build that brought it.")
    since: datetime = Field(description="When it became what it is here: candidate, or serving.")

    @classmethod
    def of(cls, model_uri: str, fingerprint: str, build: str, since: datetime) -> Version:
        """Name the version of a model: the first digits of its fingerprint."""
        return cls(
            version=fingerprint[:VERSION_DIGITS],
            model_uri=model_uri,
            fingerprint=fingerprint,
            build=build,
            since=since,
        )


class Happening(StrEnum):
    """What can happen to a version."""

    PROMOTED = "promoted"
    REFUSED = "refused"
    ABANDONED = "abandoned"
    WITHDRAWN = "withdrawn"


class Event(FrozenModel):
    """One line of an endpoint's history."""

    at: datetime
    happening: Happening
    version: Version
    reason: str


class EndpointState(FrozenModel):
    """What should serve. Every change has a new revision."""

    name: str
    revision: int = Field(default=0, ge=0)
    serving: Version | None = None
    candidate: Version | None = None
    candidate_weight: int = Field(default=0, ge=0, le=100, description="Percent of the traffic.")
    candidate_until: datetime | None = Field(
        default=None,
        description="The lease of the rollout that watches the candidate: after this nobody does, "
        "and its weight counts as 0.",
    )
    anchor: Version | None = Field(
        default=None, description="The first release; the gate never lets quality drift below it."
    )
    history: tuple[Event, ...] = ()

    def weight(self, now: datetime) -> int:
        """Return the candidate's share of the traffic in percent, 0 when nobody watches it."""
        watched = self.candidate_until is not None and now < self.candidate_until
        return self.candidate_weight if self.candidate is not None and watched else 0

    def rolled_out_by_another(self, version: Version, now: datetime) -> bool:
        """Say whether another rollout than that of `version`'s build watches the candidate."""
        other = self.candidate
        watched = self.candidate_until is not None and now < self.candidate_until
        # Two builds may have made one model: they must not turn its weight up and down in turns.
        return (
            watched
            and other is not None
            and (other.version, other.build) != (version.version, version.build)
        )

    def with_candidate(
        self, version: Version, weight: int, now: datetime, lease: timedelta
    ) -> EndpointState:
        """Let `version` take `weight` percent of the traffic until the lease ends.

        Raises:
            ConflictError: another candidate's rollout is under way.
        """
        other = self.candidate
        history = self.history
        if other is not None and self.rolled_out_by_another(version, now):
            message = (
                f"endpoint {self.name}: version {other.version} of build {other.build} is being "
                f"rolled out: wait for its end, or until {self.candidate_until:%H:%M} UTC"
            )
            raise ConflictError(message)
        if other is not None and other.version != version.version:
            reason = f"its rollout stopped at {self.candidate_weight} %"
            history = _append(history, now, Happening.ABANDONED, other, reason)
        return self.model_copy(
            update={
                "candidate": version,
                "candidate_weight": weight,
                "candidate_until": now + lease,
                "history": history,
            }
        )

    def without_candidate(self, version: str, now: datetime, reason: str) -> EndpointState:
        """Refuse the candidate: all traffic belongs to what serves, which never stopped."""
        candidate = self.candidate
        if candidate is None or candidate.version != version:
            return self
        return self.model_copy(
            update={
                "candidate": None,
                "candidate_weight": 0,
                "candidate_until": None,
                "history": _append(self.history, now, Happening.REFUSED, candidate, reason),
            }
        )

    def promoted(self, version: str, now: datetime, reason: str) -> EndpointState:
        """Make the candidate what serves; the first ever is also the anchor.

        Raises:
            ConflictError: the candidate is no longer `version`.
        """
        candidate = self.candidate
        if candidate is None and self.serving is not None and self.serving.version == version:
            return self  # The answer to the first try was lost.
        if candidate is None or candidate.version != version:
            holds = candidate.version if candidate else "none"
            message = f"endpoint {self.name}: the candidate is {holds}, not {version}: start again"
            raise ConflictError(message)
        serving = candidate.model_copy(update={"since": now})
        return self.model_copy(
            update={
                "serving": serving,
                "candidate": None,
                "candidate_weight": 0,
                "candidate_until": None,
                "anchor": self.anchor or serving,
                "history": _append(self.history, now, Happening.PROMOTED, serving, reason),
            }
        )

    def without_serving(self, version: str, now: datetime, reason: str) -> EndpointState:
        """Let nothing serve in place of `version`; what is no longer serving is left alone."""
        serving = self.serving
        if serving is None or serving.version != version:
            return self
        history = _append(self.history, now, Happening.WITHDRAWN, serving, reason)
        return self.model_copy(update={"serving": None, "history": history})

    def previous(self) -> Version | None:
        """Return the version that served before the present one."""
        for event in reversed(self.history):
            if event.happening is Happening.PROMOTED and (
                self.serving is None or event.version.version != self.serving.version
            ):
                return event.version
        return None


def _append(
    history: tuple[Event, ...], at: datetime, happening: Happening, version: Version, reason: str
) -> tuple[Event, ...]:
    event = Event(at=at, happening=happening, version=version, reason=reason)
    return (*history, event)[-_HISTORY:]


def state_path(name: str) -> str:
    """Return where an endpoint's state lies in the store."""
    return f"endpoints/{name}/state.json"


def read_state(store: Store, name: str) -> EndpointState:
    """Return the state of an endpoint; of one that never was: nothing serves."""
    try:
        return _parse(store, name, store.get(state_path(name)))
    except NotFoundError:
        return EndpointState(name=name)


def change_state(
    store: Store, name: str, change: Callable[[EndpointState], EndpointState]
) -> EndpointState:
    """Apply `change` to the state as it is now, and write it unless that changes nothing.

    Args:
        store: the root of the store.
        name: the endpoint.
        change: pure; called again with the newer state when somebody else was faster.

    Raises:
        ConflictError: others kept being faster, or `change` says so.
    """
    path = state_path(name)
    for _ in range(_TRIES):
        try:
            raw, etag = store.get_with_etag(path)
            before = _parse(store, name, raw)
        except NotFoundError:
            before, etag = EndpointState(name=name), None
        after = change(before)
        if after == before:
            return before
        after = after.model_copy(update={"revision": before.revision + 1})
        data = after.model_dump_json(indent=1).encode()
        if etag is None:
            if store.create(path, data):
                return after
            continue
        try:
            store.replace(path, data, etag)
        except ConflictError:
            continue
        return after
    message = f"{store.url(path)}: changed {_TRIES} times while it was being changed: try again"
    raise ConflictError(message)


def _parse(store: Store, name: str, raw: bytes) -> EndpointState:
    where, advice = store.url(state_path(name)), "restore the version before"
    return parse(EndpointState, raw, where, "the state of an endpoint", advice)
