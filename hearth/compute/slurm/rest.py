"""Slurm through slurmrestd, with tokens of our own minting."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import httpx

from hearth.compute.slurm import payload
from hearth.compute.slurm.states import SlurmJob
from hearth.compute.slurm.token import TokenMint
from hearth.compute.slurm.transport import HISTORY, Submission
from hearth.errors import SpecError, TransientError
from hearth.resources import SlurmRest, SlurmSettings

_TIMEOUT: Final = httpx.Timeout(30.0, connect=10.0)
_UNAUTHORIZED: Final = {401, 403}
_BAD_REQUEST: Final = 400
_NOT_FOUND: Final = 404

# slurm/slurm_errno.h
_INVALID_JOB_ID: Final = 2017
_ALREADY_DONE: Final = 2021
_NOTHING_FOUND: Final = 9003
_NO_ERROR: Final = 0
# Refusals that a token may be behind: v0.0.38 has no word of its own for one that has expired.
_PERHAPS_THE_TOKEN: Final = {-1, 1007, 2002, 5005}
# What waiting will not mend: of the partition, of nodes, of accounts, limits and names.
_PERMANENT: Final = frozenset(
    {2000, 2003, 2004, 2005, 2006, 2007, 2010, 2013, 2014, 2015, 2029, 2045, 2046, 2050, 2051,
     2053, 2055, 2060, 2061, 2066, 2070, 2072, 2073}
)  # fmt: skip


class _RefusedError(Exception):
    """Slurm answered, and said no."""

    def __init__(self, status: int, number: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.number = number


class Rest:
    """Talks to one slurmrestd."""

    def __init__(self, settings: SlurmSettings, rest: SlurmRest, mint: TokenMint) -> None:
        """Open no connection yet.

        Args:
            settings: the cluster.
            rest: where its slurmrestd answers.
            mint: makes the tokens.
        """
        self._settings = settings
        self._rest = rest
        self._mint = mint
        # No connection is kept: slurmrestd closes them on every error, and is polled rarely.
        self._client = httpx.Client(
            base_url=str(rest.url),
            timeout=_TIMEOUT,
            limits=httpx.Limits(max_keepalive_connections=0),
            trust_env=False,
        )

    def submit(self, submission: Submission) -> int:
        """Submit a batch job; see `Transport.submit`."""
        body = payload.body_of(submission, self._settings, self._rest.api_version)
        try:
            answer = self._ask("POST", self._path("job/submit"), json=body)
        except _RefusedError as refusal:
            message = f"job {submission.name}: slurmrestd: {refusal}"
            if refusal.status == _BAD_REQUEST or refusal.number in _PERMANENT:
                raise SpecError(message) from refusal
            raise TransientError(message) from refusal
        return int(answer["job_id"])

    def job(self, number: int) -> SlurmJob | None:
        """The job with this id, by the controller, else by accounting."""
        found = [payload.live_job(job) for job in self._jobs(self._path(f"job/{number}"))]
        if not found:
            found = self._accounted(f"job/{number}")
        return found[-1] if found else None

    def named(self, name: str) -> tuple[SlurmJob, ...]:
        """The user's jobs of this name, by the controller, else by accounting."""
        live = [payload.live_job(job) for job in self._jobs(self._path("jobs"))]
        found = [job for job in live if job.name == name and job.user == self._settings.user]
        if not found:
            accounted = self._accounted("jobs", name)
            found = [
                job for job in accounted if job.name == name and job.user == self._settings.user
            ]
        return tuple(sorted(found, key=lambda job: job.id))

    def cancel(self, number: int) -> None:
        """End a job."""
        try:
            self._ask("DELETE", self._path(f"job/{number}"))
        except _RefusedError as refusal:
            if refusal.number not in {_INVALID_JOB_ID, _ALREADY_DONE}:
                message = f"Slurm job {number}: slurmrestd: {refusal}"
                raise TransientError(message) from refusal

    def node_count(self) -> int | None:
        """How many nodes the partition has."""
        if self._settings.partition is None:
            return None
        path = self._path(f"partition/{self._settings.partition}")
        try:
            answer = self._ask("GET", path)
        except _RefusedError as refusal:
            message = f"partition {self._settings.partition}: slurmrestd: {refusal}"
            if refusal.number in _PERMANENT:
                raise SpecError(message) from refusal
            raise TransientError(message) from refusal
        partitions = answer.get("partitions") or []
        return payload.node_count(partitions[0]) if partitions else None

    def _path(self, what: str) -> str:
        return f"/slurm/{self._rest.api_version}/{what}"

    def _accounted(self, what: str, name: str = "") -> list[SlurmJob]:
        if not self._settings.accounting:
            return []
        query = {"job_name": name, "start_time": HISTORY} if name else None
        path = f"/slurmdb/{self._rest.api_version}/{what}"
        return [payload.accounted_job(job) for job in self._jobs(path, query)]

    def _jobs(self, path: str, query: Mapping[str, str] | None = None) -> list[dict[str, Any]]:
        try:
            answer = self._ask("GET", path, params=query)
        except _RefusedError as refusal:
            if refusal.number in {_INVALID_JOB_ID, _NOTHING_FOUND}:
                return []
            message = f"slurmrestd: {path}: {refusal}"
            raise TransientError(message) from refusal
        jobs: list[dict[str, Any]] = answer.get("jobs") or []
        return jobs

    def _ask(self, method: str, path: str, **given: Any) -> dict[str, Any]:
        """Ask once, and once more with a new token if the first was perhaps refused.

        Raises:
            TransientError: nobody answers.
            SpecError: this slurmrestd does not speak the profile's version.
            _RefusedError: Slurm said no.
        """
        try:
            return self._once(method, path, given)
        except _RefusedError as refusal:
            perhaps = refusal.number in _PERHAPS_THE_TOKEN or refusal.status in _UNAUTHORIZED
            if not (perhaps and self._mint.renew()):
                raise
        return self._once(method, path, given)

    def _once(self, method: str, path: str, given: Mapping[str, Any]) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, headers=self._mint.headers(), **given)
        except httpx.TransportError as error:
            message = f"{self._rest.url}: slurmrestd does not answer: {error!r}"
            raise TransientError(message) from error
        try:
            data: dict[str, Any] = answer.json()
        except ValueError as error:
            if answer.status_code < _BAD_REQUEST:
                message = f"{self._rest.url}: not an answer of slurmrestd: {answer.text[:200]!r}"
                raise TransientError(message) from error
            if answer.status_code == _NOT_FOUND:
                message = (
                    f"{self._rest.url}: slurmrestd has no {path}: "
                    f"compute.slurm.rest.api_version = {self._rest.api_version}: choose one it has"
                )
                raise SpecError(message) from error
            raise _RefusedError(answer.status_code, 0, answer.text[:200]) from error
        number, text = refusal_in(data)
        if text or answer.status_code >= _BAD_REQUEST:
            raise _RefusedError(answer.status_code, number, text or f"HTTP {answer.status_code}")
        return data


def refusal_in(answer: Mapping[str, Any]) -> tuple[int, str]:
    """Return Slurm's number and words for why it said no; 0 and nothing if it did not."""
    errors = [one for one in answer.get("errors") or [] if _number(one) != _NO_ERROR]
    first = next((_number(one) for one in errors if _number(one)), 0) or 0
    return first, "; ".join(_words(one) or f"error {_number(one)}" for one in errors)


def _number(error: Mapping[str, Any]) -> int | None:
    # Which of these it is differs by call.
    found = (error.get(key) for key in ("error_number", "error_code", "errno"))
    return next((int(number) for number in found if number is not None), None)


def _words(error: Mapping[str, Any]) -> str:
    return ": ".join(str(error[key]) for key in ("error", "description") if error.get(key))
