from __future__ import annotations

import sys
from typing import Any

import pytest
from pydantic import ValidationError

from hearth.compute.backend import JobHandle, JobRequest
from hearth.compute.local import LocalBackend
from hearth.compute.registry import open_backend
from hearth.profile import Settings
from hearth.resources import BackendName


def request(**changes: Any) -> JobRequest:
    known = {"name": "a-1", "command": ("true",), "environment": "stages", "time_limit": 1}
    return JobRequest.model_validate({**known, **changes})


@pytest.mark.parametrize(
    "name", ["", ".", "..", "../up", "a/b", ".hidden", "a b", "a\n", "x" * 129]
)
def test_a_name_is_a_file_name_that_cannot_lead_elsewhere(name: str) -> None:
    with pytest.raises(ValidationError, match="name"):
        request(name=name)
    with pytest.raises(ValidationError, match="name"):
        JobHandle(backend="local", name=name)


@pytest.mark.parametrize(
    "changes",
    [
        {"command": ()},
        {"command": ("a\0b",)},
        {"env": {"A": "a\0b"}},
        {"env": {"A=B": "c"}},
        {"env": {"": "c"}},
        {"time_limit": 0},
        {"time_limit": float("inf")},
        {"grace": -1},
        {"grace": float("nan")},
        {"restart_budget": -1},
        {"resources": {"cpus": 0}},
        {"resources": {"memory_bytes": -1}},
        {"unknown": 1},
    ],
)
def test_what_cannot_be_run_cannot_be_requested(changes: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        request(**changes)


def test_the_environment_is_shown_nowhere() -> None:
    assert "tell-nobody" not in repr(request(env={"TOKEN": "tell-nobody"}))
    with pytest.raises(ValidationError) as caught:
        request(env={"TOKEN": "tell-nobody\0"})
    assert "tell-nobody" not in str(caught.value)


def test_a_handle_survives_json() -> None:
    handle = JobHandle(backend="local", name="a-1", data={"pid": 1, "marker": "x"})
    assert JobHandle.model_validate_json(handle.model_dump_json()) == handle


@pytest.mark.parametrize("name", BackendName)
def test_every_backend_that_a_profile_can_name_opens(name: BackendName) -> None:
    assert open_backend(name, Settings()).name == name


def test_local_jobs_lie_in_the_home_and_run_in_two_environments() -> None:
    settings = Settings()
    backend = open_backend(BackendName.LOCAL, settings)
    assert isinstance(backend, LocalBackend)
    assert backend.jobs == settings.home / "jobs"
    assert backend.environments["stages"] == settings.stages_python
    assert str(backend.environments["airflow"]) == sys.executable
