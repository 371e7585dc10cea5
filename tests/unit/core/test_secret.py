"""The laws of secrets in AWS Secrets Manager: read by name, and by the roles that may."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterator
from typing import Any

import boto3
import pytest
import yaml
from moto.server import ThreadedMotoServer

from hearth.errors import NotFoundError, TransientError
from hearth.profile import SecretRef
from tests.granted import ROOT, Asked, statements

NAME = "hearth/content-key"
READERS = {
    "content_key": ("curate", "people", "train"),
    "pii_key": ("curate",),
    "slurm_key": ("airflow",),
}
"""The secrets of a shipped profile, and the roles under which they are read."""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    server = ThreadedMotoServer(port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def manager(url: str, monkeypatch: pytest.MonkeyPatch) -> Any:
    """An emulated Secrets Manager, which whoever asks AWS finds."""
    monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    monkeypatch.setenv("AWS_REGION", "cn-northwest-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "cn-northwest-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "nobody")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "nobody")
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    return boto3.client("secretsmanager")


@pytest.mark.parametrize(
    ("given", "read"),
    [({"SecretString": "a key"}, b"a key"), ({"SecretBinary": b"\x00\xff"}, b"\x00\xff")],
    ids=["text", "bytes"],
)
def test_a_secret_is_read_as_it_was_kept_and_in_a_call_that_has_a_grant(
    manager: Any, asked_of_aws: set[Asked], given: dict[str, Any], read: bytes
) -> None:
    arn = manager.create_secret(Name=NAME, **given)["ARN"]
    try:
        assert SecretRef(secretsmanager=NAME).read() == read
    finally:
        manager.delete_secret(SecretId=arn, ForceDeleteWithoutRecovery=True)
    assert (None, ("secretsmanager:GetSecretValue",)) in asked_of_aws


def test_a_secret_that_is_not_there_is_said_to_be_missing(manager: Any) -> None:
    with pytest.raises(NotFoundError, match="hearth/none"):
        SecretRef(secretsmanager="hearth/none").read()


def test_a_manager_that_does_not_answer_is_to_be_tried_again(
    manager: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    with pytest.raises(TransientError, match=NAME):
        SecretRef(secretsmanager=NAME).read()


@pytest.mark.parametrize("profile", ["aws", "aws-cn"])
def test_every_secret_of_a_shipped_profile_may_be_read_by_the_roles_that_read_it(
    profile: str,
) -> None:
    text = (ROOT / "profiles" / f"{profile}.yaml").read_text("utf-8")
    named = {key: ref["secretsmanager"] for key, ref in yaml.safe_load(text)["secrets"].items()}
    assert set(named) == set(READERS)
    for key, roles in READERS.items():
        for role in roles:
            patterns = [
                resource.rpartition(":secret:")[2]
                for one in statements(role)
                if "secretsmanager:GetSecretValue" in one["Action"]
                for resource in one["Resource"]
            ]
            # AWS adds a hyphen and six characters to a secret's name.
            assert any(fnmatch.fnmatch(f"{named[key]}-a1B2c3", it) for it in patterns), (key, role)
