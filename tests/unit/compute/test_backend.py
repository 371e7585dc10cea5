from __future__ import annotations

import sys
from typing import Any

import pytest
from pydantic import ValidationError

from hearth.compute.backend import JobHandle, JobRequest
from hearth.compute.local import LocalBackend
from hearth.compute.registry import open_backend
from hearth.compute.remote import RunnerBackend
from hearth.errors import SpecError
from hearth.model import Stage
from hearth.profile import Profile
from hearth.settings import Settings


def request(**changes: Any) -> JobRequest:
    known = {"name": "a-1", "command": ("true",), "environment": "model", "time_limit": 1}
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


def profile(**compute: Any) -> Profile:
    known = {"name": "here", "storage": {"uri": "s3://hearth", "region": "us-east-1"}}
    known["endpoint"] = {"url": "http://127.0.0.1:1"}
    known["secrets"] = {"slurm_key": {"env": "SLURM_KEY"}, "runner_token": {"env": "RUNNER_TOKEN"}}
    return Profile.model_validate({**known, "compute": compute})


CLUSTER = {"user": "hearth", "environments": {"model": "/opt/hearth/bin/python"}}
CONTAINERS = {"addresses": {"curator": "http://curator:8787", "model": "http://model:8788"}}
REST = {"url": "http://slurm.internal:6820", "api_version": "v0.0.43"}


@pytest.mark.parametrize(
    "compute",
    [
        {"backend": "local"},
        {"backend": "runner", "runner": CONTAINERS},
        {"backend": "slurm", "slurm": CLUSTER},
        {"backend": "slurm", "slurm": {**CLUSTER, "rest": REST}},
    ],
)
def test_every_backend_that_a_profile_can_name_opens(
    compute: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RUNNER_TOKEN", "a token")
    assert open_backend(profile(**compute), Settings()).name == compute["backend"]


@pytest.mark.parametrize(
    "compute",
    [
        {"backend": "slurm"},
        {"slurm": CLUSTER},
        {"backend": "runner"},
        {"backend": "runner", "runner": {"addresses": {}}},
        {"backend": "slurm", "slurm": {**CLUSTER, "partition": "--wrap=rm"}},
        {"backend": "slurm", "slurm": {**CLUSTER, "options": {"comment": "x"}}},
        {"backend": "slurm", "slurm": {**CLUSTER, "rest": {**REST, "api_version": "v1"}}},
        {"backend": "slurm", "slurm": {**CLUSTER, "rest": {**REST, "identity": "claims"}}},
    ],
)
def test_a_backend_that_cannot_be_is_refused(compute: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        profile(**compute)


def test_no_token_of_a_runner_is_shown() -> None:
    assert "secret" not in repr(RunnerBackend({"model": "http://model:8788"}, "secret"))


def test_a_cluster_whose_key_the_profile_does_not_name_is_refused() -> None:
    rest = {**REST, "token_key": "elsewhere"}
    named = profile(backend="slurm", slurm={**CLUSTER, "rest": rest})
    with pytest.raises(SpecError, match="elsewhere"):
        open_backend(named, Settings())


def test_local_jobs_lie_in_the_home_and_run_in_two_environments() -> None:
    settings = Settings()
    backend = open_backend(profile(backend="local"), settings)
    assert isinstance(backend, LocalBackend)
    assert backend.jobs == settings.home / "jobs"
    assert backend.environments[Stage.TRAIN.environment] == settings.stages_python
    assert str(backend.environments["airflow"]) == sys.executable


def test_a_ray_cluster_is_told_to_curation_alone_and_no_secret_with_it() -> None:
    cluster = {"address": "10.0.0.5:6379", "token_file": "/etc/hearth/ray-token"}
    compute = profile(backend="slurm", slurm=CLUSTER, ray=cluster).compute
    assert compute.environment_of(Stage.CURATE) == {
        "RAY_ADDRESS": "10.0.0.5:6379",
        "RAY_AUTH_MODE": "token",
        "RAY_AUTH_TOKEN_PATH": "/etc/hearth/ray-token",
    }
    assert compute.environment_of(Stage.TRAIN) == {}
    assert profile(backend="local").compute.environment_of(Stage.CURATE) == {}
    assert profile(ray={"address": "local"}).compute.environment_of(Stage.CURATE) == {
        "RAY_ADDRESS": "local"
    }


@pytest.mark.parametrize("address", ["head.internal:6379", "[fd00::5]:6379", "local"])
def test_an_address_of_rays_is_taken(address: str) -> None:
    named = profile(ray={"address": address}).compute.environment_of(Stage.CURATE)
    assert named == {"RAY_ADDRESS": address}


@pytest.mark.parametrize(
    "address", ["", "10.0.0.5", "fd00::5:6379", "ray://10.0.0.5:10001", "a b:1", "auto"]
)
def test_an_address_that_is_no_rays_is_refused(address: str) -> None:
    with pytest.raises(ValidationError, match="address"):
        profile(ray={"address": address})
