"""Attempts: executions of a stage towards one fingerprint, numbered from 1.

Everything an attempt writes lies in its own folder, `attempts/<n>/`, so that the late bytes of a
loser cannot touch what a winner wrote. An attempt is claimed by a conditional put. Whoever wants
the artifact meanwhile joins the attempt that lives; only its owner, the build that claimed it,
may cancel it.

States are read from what lies in the folder, never kept elsewhere: `claim.json`, then
`exit.json`; in between `cancel` may ask it to go.
"""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from enum import StrEnum
from typing import Final, TypeVar

from pydantic import Field

from hearth.artifact import Artifact
from hearth.errors import (
    EXIT_TRANSIENT,
    HearthError,
    NotFoundError,
    error_for_exit_code,
)
from hearth.model import FrozenModel, parse
from hearth.storage import Store

CLAIM: Final = "claim.json"
JOB: Final = "job.json"
PROGRESS: Final = "progress.json"
EXIT: Final = "exit.json"
CANCEL: Final = "cancel"

Model = TypeVar("Model", bound=FrozenModel)


class Outcome(StrEnum):
    """How an attempt ended."""

    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"
    LOST = "lost"


class Claim(FrozenModel):
    """Who runs this attempt. The token tells two claims of one build apart."""

    owner: str = Field(description="The id of the build.")
    claimed: datetime
    token: str


class CancelRequest(FrozenModel):
    """Who wants an attempt gone, and why."""

    by: str
    reason: str
    requested: datetime


class Progress(FrozenModel):
    """How far a stage program is."""

    step: str
    done: int = Field(ge=0)
    total: int | None = None
    unit: str
    rate: float | None = Field(default=None, description="Units per second.")
    message: str = ""
    metrics: dict[str, float] = Field(
        default={}, description="Numbers worth following, such as `loss` and `tokens_per_second`."
    )
    at: datetime


class Exit(FrozenModel):
    """How an attempt ended, in its own words or in those of whoever found it dead."""

    outcome: Outcome
    code: int
    error: str | None = Field(default=None, description="The error's class.")
    message: str = ""
    finished: datetime

    def to_error(self) -> HearthError:
        """Return the error that this outcome is for somebody who waited for the artifact."""
        if self.outcome in {Outcome.CANCELLED, Outcome.LOST}:
            return error_for_exit_code(EXIT_TRANSIENT, self.message or f"attempt {self.outcome}")
        return error_for_exit_code(self.code, self.message)


class Attempt:
    """One execution."""

    def __init__(self, artifact: Artifact, number: int, *, claim: Claim) -> None:
        """Use `Attempts`."""
        self.artifact = artifact
        self.number = number
        self.claim = claim
        self.folder = artifact.folder.sub(f"attempts/{number}")

    @property
    def name(self) -> str:
        """A name that is unique in the store and fits schedulers' rules for job names."""
        return f"hearth-{self.artifact.stage}-{self.artifact.fingerprint[:16]}-{self.number}"

    @property
    def job_uri(self) -> str:
        """Where the job's description lies."""
        return self.folder.url(JOB)

    def exit(self) -> Exit | None:
        """Return how it ended; None while it lives."""
        return _read(self.folder, EXIT, Exit)

    def progress(self) -> Progress | None:
        """Return how far it is, by its own last word."""
        return _read(self.folder, PROGRESS, Progress)

    def settle(self, exit_: Exit) -> Exit:
        """Close the attempt unless it is closed; return how it counts as ended.

        The program closes its own attempt. Who finds it dead closes it in its place.
        """
        if self.folder.create(EXIT, exit_.model_dump_json().encode()):
            return exit_
        return _require(self.folder, EXIT, Exit)

    def request_cancel(self, by: str, reason: str) -> None:
        """Ask for the end of this attempt; the first to ask is remembered."""
        request = CancelRequest(by=by, reason=reason, requested=datetime.now(UTC))
        self.folder.create(CANCEL, request.model_dump_json().encode())

    def cancel_request(self) -> CancelRequest | None:
        """Return who asked for its end."""
        return _read(self.folder, CANCEL, CancelRequest)


class Attempts:
    """The attempts of one artifact."""

    def __init__(self, artifact: Artifact) -> None:
        """Look at the attempts of `artifact`."""
        self.artifact = artifact

    def numbers(self) -> list[int]:
        """Return the numbers of all attempts, ascending."""
        names = self.artifact.folder.folders("attempts")
        return sorted(int(name) for name in names if name.isdecimal())

    def get(self, number: int) -> Attempt:
        """Return an attempt that was claimed.

        Raises:
            NotFoundError: there is no such attempt.
        """
        folder = self.artifact.folder.sub(f"attempts/{number}")
        return Attempt(self.artifact, number, claim=_require(folder, CLAIM, Claim))

    def latest(self) -> Attempt | None:
        """Return the attempt with the highest number."""
        for number in reversed(self.numbers()):
            try:
                return self.get(number)
            except NotFoundError:
                continue  # The folder of one that was collected: some stores keep it.
        return None

    def claim_or_join(self, owner: str) -> tuple[Attempt, bool]:
        """Return the attempt to wait for, and whether `owner` is to start it.

        A live attempt is joined, and so is one that succeeded (its record is there, or comes).
        After a failed, cancelled or lost one the next number is claimed.

        Args:
            owner: the id of the build that wants the artifact.

        Returns:
            The attempt, and True if it was claimed just now. A build that finds a live attempt
            of its own gets it back with False: submitting it again does no harm, because
            backends start a name once.
        """
        latest = self.latest()
        number = latest.number if latest else 0
        while True:
            if latest is not None:
                end = latest.exit()
                if end is None or end.outcome is Outcome.SUCCEEDED:
                    return latest, False
            number += 1
            claim = Claim(owner=owner, claimed=datetime.now(UTC), token=uuid.uuid4().hex)
            folder = self.artifact.folder.sub(f"attempts/{number}")
            if folder.create(CLAIM, claim.model_dump_json().encode()):
                return Attempt(self.artifact, number, claim=claim), True
            latest = self.get(number)

    def earlier(self, number: int) -> tuple[str, ...]:
        """Return the URIs of the folders of earlier attempts, newest first: what to resume from."""
        return tuple(
            self.artifact.folder.sub(f"attempts/{n}").uri
            for n in reversed(self.numbers())
            if n < number
        )


def exit_of(outcome: Outcome, code: int, message: str, error: str | None = None) -> Exit:
    """Return an exit that ends now."""
    return Exit(
        outcome=outcome, code=code, error=error, message=message, finished=datetime.now(UTC)
    )


def _read(folder: Store, path: str, model: type[Model]) -> Model | None:
    try:
        return _require(folder, path, model)
    except NotFoundError:
        return None


def _require(folder: Store, path: str, model: type[Model]) -> Model:
    what = f"an attempt's {path.removesuffix('.json')}"
    return parse(model, folder.get(path), folder.url(path), what)
