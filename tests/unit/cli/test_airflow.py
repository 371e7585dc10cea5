"""The laws of the way to another Airflow: a URL, and a token in a file that others cannot read."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import ValidationError

from hearth.build import Run
from hearth.cli.airflow import DAG, Airflow
from hearth.errors import SpecError
from hearth.settings import Settings, settings
from tests.conftest import Web

RUN = Run(dag_id=DAG, run_id="r")
PATH = f"/api/v2/dags/{DAG}/dagRuns/r/taskInstances"


@pytest.fixture
def token(tmp_path: Path, web: Web, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    path = tmp_path / "token"
    path.write_text("a.b.c\n")
    path.chmod(0o600)
    monkeypatch.setenv("HEARTH_AIRFLOW_URL", web.url(""))
    monkeypatch.setenv("HEARTH_AIRFLOW_TOKEN", str(path))
    settings.cache_clear()
    yield path
    settings.cache_clear()


def test_a_token_goes_with_every_question_and_nobody_logs_in(token: Path, web: Web) -> None:
    web.serve(PATH, b'{"task_instances": [{"task_id": "train", "state": "running"}]}')
    airflow = Airflow()
    assert airflow.tasks(RUN) == {"train": "running"}
    assert web.asked == [PATH]
    assert airflow._client.headers["Authorization"] == "Bearer a.b.c"


@pytest.mark.parametrize("status", [401, 403])
def test_who_is_not_let_in_is_told_what_to_renew(token: Path, web: Web, status: int) -> None:
    web.serve(PATH, b'{"detail": "no"}', status=status)
    with pytest.raises(SpecError, match="renew the token in HEARTH_AIRFLOW_TOKEN"):
        Airflow().tasks(RUN)


def test_a_token_that_others_can_read_is_not_used(token: Path, web: Web) -> None:
    token.chmod(0o640)
    with pytest.raises(SpecError, match="chmod 600"):
        Airflow()
    assert web.asked == []


@pytest.mark.parametrize("content", ["", "\n", "two\nlines", "密"])
def test_what_is_no_token_is_not_sent(token: Path, content: str) -> None:
    token.write_text(content)
    with pytest.raises(SpecError, match="holds no token"):
        Airflow()


def test_a_token_that_is_not_there_is_named(token: Path) -> None:
    token.unlink()
    with pytest.raises(SpecError, match="HEARTH_AIRFLOW_TOKEN"):
        Airflow()


def test_a_url_without_a_token_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValidationError, match="give both"):
        Settings(airflow_url="https://airflow.lan")  # type: ignore[arg-type]
