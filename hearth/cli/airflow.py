"""Airflow's REST API, as far as the command line needs it."""

from __future__ import annotations

import time
import uuid
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx

from hearth.build import Run, build_id
from hearth.errors import DataError, SpecError, TransientError
from hearth.model import FrozenModel
from hearth.settings import Settings, settings
from hearth.stack.secrets import ADMIN, Secrets

DAG: Final = "build_llm"
_API: Final = "/api/v2"
_RETRY_SECONDS: Final = (2, 5, 10, 20)
_REFUSED: Final = frozenset({400, 404, 409, 422})
_UNAUTHORIZED: Final = frozenset({401, 403})
_OTHERS: Final = 0o077


class DagRun(FrozenModel):
    """A run of the build DAG."""

    run: Run
    state: str
    run_after: datetime
    ended: datetime | None

    def build(self, recipe: str) -> str:
        """Return the id of the build that it is."""
        return build_id(recipe, self.run_after, self.run)


class Airflow:
    """A session with Airflow: this machine's, or the one that the settings name."""

    def __init__(self) -> None:
        """Log in, or show the token that the settings name.

        Raises:
            SpecError: the token cannot be read, or others can read it.
            TransientError: Airflow does not answer.
        """
        here = settings()
        self.url = str(here.airflow_url or f"http://127.0.0.1:{here.airflow_port}").rstrip("/")
        # Through no proxy to this machine; elsewhere as the environment says.
        self._client = httpx.Client(
            base_url=self.url, timeout=60, trust_env=here.airflow_url is not None
        )
        token = self._login(here) if here.airflow_token is None else _token(here.airflow_token)
        self._client.headers["Authorization"] = f"Bearer {token}"

    def _login(self, here: Settings) -> str:
        secrets = Secrets(here.home / "secrets")
        if not secrets.airflow_passwords.exists():
            message = f"{here.home}: nothing was ever started here: run `make up`"
            raise TransientError(message)
        answer = self._call(
            "POST",
            "/auth/token",
            json={"username": ADMIN, "password": secrets.admin_password()},
        )
        return str(answer["access_token"])

    def trigger(self, conf: dict[str, Any]) -> DagRun:
        """Start a build, once: its run has a name, so that asking again does no harm.

        Raises:
            SpecError: the form refuses `conf`.
            TransientError: Airflow stays away.
        """
        run_id = f"hearth__{datetime.now(UTC):%Y%m%dT%H%M%SZ}_{uuid.uuid4().hex[:8]}"
        body = {"dag_run_id": run_id, "logical_date": None, "conf": conf}
        for wait in _RETRY_SECONDS:
            try:
                return _run(self._call("POST", f"{_API}/dags/{DAG}/dagRuns", json=body))
            except TransientError:
                time.sleep(wait)
            try:
                # It may have been started, and the answer lost.
                return self.dag_run(Run(dag_id=DAG, run_id=run_id))
            except (SpecError, TransientError):
                continue
        return _run(self._call("POST", f"{_API}/dags/{DAG}/dagRuns", json=body))

    def dag_run(self, run: Run) -> DagRun:
        """Return how a run stands."""
        return _run(self._call("GET", f"{_API}/dags/{run.dag_id}/dagRuns/{run.run_id}"))

    def tasks(self, run: Run) -> dict[str, str | None]:
        """Return task → state."""
        path = f"{_API}/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances"
        answer = self._call("GET", path)
        return {task["task_id"]: task["state"] for task in answer["task_instances"]}

    def _call(self, method: str, path: str, **arguments: Any) -> dict[str, Any]:
        try:
            answer = self._client.request(method, path, **arguments)
        except httpx.HTTPError as error:
            message = f"Airflow at {self.url}: {error}: is it up? `make up` starts it"
            raise TransientError(message) from error
        if answer.status_code in _UNAUTHORIZED:
            message = (
                f"Airflow at {self.url} does not let us in ({answer.status_code}): "
                "renew the token in HEARTH_AIRFLOW_TOKEN, or ask for the role"
            )
            raise SpecError(message)
        if answer.status_code in _REFUSED:
            message = f"Airflow refused: {_detail(answer)}"
            raise SpecError(message)
        if answer.is_error:
            message = f"Airflow at {self.url}: {answer.status_code}: {_detail(answer)}"
            raise TransientError(message)
        try:
            return dict(answer.json())
        except ValueError as error:
            message = (
                f"Airflow at {self.url}{path}: the answer is not JSON: another server is there"
            )
            raise DataError(message) from error


def _token(path: Path) -> str:
    """Return the token in a file that only its owner can read."""
    try:
        if path.stat().st_mode & _OTHERS:
            message = f"{path}: others can read this token: run `chmod 600 {path}`"
            raise SpecError(message)
        token = path.read_text(encoding="utf-8").strip()
    except OSError as error:
        message = f"{path}: {error.strerror}: HEARTH_AIRFLOW_TOKEN names the file with the token"
        raise SpecError(message) from error
    if not token or not token.isascii() or not token.isprintable():
        message = f"{path}: holds no token, which is one line of letters"
        raise SpecError(message)
    return token


def _detail(answer: httpx.Response) -> str:
    try:
        return str(answer.json().get("detail", answer.text))
    except (ValueError, AttributeError):
        return answer.text[:400]


def _run(answer: dict[str, Any]) -> DagRun:
    return DagRun(
        run=Run(dag_id=answer["dag_id"], run_id=answer["dag_run_id"]),
        state=answer["state"],
        run_after=answer["run_after"],
        ended=answer["end_date"],
    )
