"""Jobs in other containers, each environment behind a runner (`hearth.compute.runner`)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import httpx
from pydantic import BaseModel

from hearth.compute.backend import JobHandle, JobRequest, JobStatus, LogChunk
from hearth.errors import SpecError, TransientError

_RUNNER: Final = "runner"
_LOCAL: Final = "local"
_ENVIRONMENT: Final = "environment"
_SECONDS: Final = 30.0
"""How long an answer may take; starting a job's shim takes most of it on a busy machine."""
_NOT_FOUND: Final = 404
_FOR_GOOD: Final = frozenset({400, 401, 403, 405, 422})


@dataclass(frozen=True)
class RunnerBackend:
    """Runs jobs where runners stand.

    Attributes:
        runners: environment → the address of the runner that has it.
        token: what they ask for.
    """

    runners: Mapping[str, str]
    token: str = field(repr=False)
    name: str = _RUNNER

    def submit(self, request: JobRequest) -> JobHandle:
        """Start a job, or find the one that was started under this name; see `Backend.submit`."""
        if request.environment not in self.runners:
            known = ", ".join(sorted(self.runners)) or "none"
            message = (
                f"job {request.name}: environment {request.environment!r}: no runner has it: "
                f"name one in the profile's compute.runners; there are: {known}"
            )
            raise SpecError(message)
        answer = self._ask(request.environment, "PUT", request.name, request)
        return self._ours(request.environment, JobHandle.model_validate_json(answer.content))

    def find(self, name: str) -> JobHandle | None:
        """The handle of the job that has this name, or None if no runner knows it."""
        for environment in self.runners:
            answer = self._ask(environment, "GET", name)
            if answer.status_code != _NOT_FOUND:
                return self._ours(environment, JobHandle.model_validate_json(answer.content))
        return None

    def status(self, handle: JobHandle) -> JobStatus:
        """How the job stands."""
        return JobStatus.model_validate_json(self._about(handle, "status")[0].content)

    def cancel(self, handle: JobHandle, grace: float = 15.0) -> JobStatus:
        """End the job and wait until nothing of it is left; see `Backend.cancel`."""
        answers = self._about(handle, "cancel", patience=grace, grace=grace)
        return JobStatus.model_validate_json(answers[0].content)

    def logs(self, handle: JobHandle, cursor: str = "") -> LogChunk:
        """The next piece of the log."""
        return LogChunk.model_validate_json(self._about(handle, "log", cursor=cursor)[0].content)

    def _ours(self, environment: str, local: JobHandle) -> JobHandle:
        data = {**local.data, _ENVIRONMENT: environment}
        return JobHandle(backend=self.name, name=local.name, data=data)

    def _about(
        self, handle: JobHandle, what: str, patience: float = 0.0, **parameters: str | float
    ) -> list[httpx.Response]:
        """Ask the runner that has a job; all of them about one that none was seen to have."""
        data = dict(handle.data)
        known = data.pop(_ENVIRONMENT, None)
        local = JobHandle(backend=_LOCAL, name=handle.name, data=data)
        return [
            self._ask(place, "POST", f"{handle.name}/{what}", local, patience, **parameters)
            for place in ([str(known)] if known else self.runners)
        ]

    def _ask(
        self,
        environment: str,
        method: str,
        path: str,
        body: BaseModel | None = None,
        patience: float = 0.0,
        **parameters: str | float,
    ) -> httpx.Response:
        runner = self.runners.get(environment)
        if runner is None:
            message = f"runner of {environment}: the profile names none: see its compute.runners"
            raise SpecError(message)
        try:
            answer = httpx.request(
                method,
                f"{runner.rstrip('/')}/jobs/{path}",
                content=body.model_dump_json() if body else None,
                params=parameters,
                headers={"Authorization": f"Bearer {self.token}"},
                timeout=_SECONDS + patience,
                trust_env=False,
            )
        except httpx.HTTPError as error:
            message = f"runner of {environment} ({runner}): does not answer: {error!r}"
            raise TransientError(message) from error
        if answer.is_success or (method == "GET" and answer.status_code == _NOT_FOUND):
            return answer
        message = f"runner of {environment} ({runner}): {answer.status_code}: {answer.text[:500]}"
        raise (SpecError if answer.status_code in _FOR_GOOD else TransientError)(message)
