"""The laws of the rehearsal's key: what was sealed is opened after a restart, and as sealed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from pydantic import AnyHttpUrl

from hearth.aws import AwsSettings
from hearth.profile import EndpointTarget, Profile
from hearth.stack import store
from hearth.stack.secrets import Secrets
from hearth.storagesettings import StorageSettings
from rehearsal.aws.cloud import Cloud
from rehearsal.aws.hyperpod import Call, Refused
from rehearsal.aws.kms import (
    ALIAS,
    REJECTS,
    decrypt,
    describe_key,
    generate_data_key,
    make_key,
)


def call(key: Path, **body: Any) -> Call:
    """A request to a service that has just started."""
    make_key(key)
    return Call(Cloud(key=key), "us-east-1", "123456789012", body)


def test_what_was_sealed_is_opened_after_a_restart(tmp_path: Path) -> None:
    key, context = tmp_path / "key", {"object": "a"}
    made = generate_data_key(call(key, KeyId=ALIAS, EncryptionContext=context))
    sealed = made["CiphertextBlob"]
    opened = decrypt(call(key, CiphertextBlob=sealed, EncryptionContext=context))
    assert opened["Plaintext"] == made["Plaintext"]
    assert opened["KeyId"] == made["KeyId"]


@pytest.mark.parametrize("alias", [ALIAS, REJECTS])
def test_what_one_key_sealed_the_other_does_not_open(tmp_path: Path, alias: str) -> None:
    key = tmp_path / "key"
    (other,) = {ALIAS, REJECTS} - {alias}
    made = generate_data_key(call(key, KeyId=alias))
    with pytest.raises(Refused, match="not sealed"):
        decrypt(call(key, KeyId=other, CiphertextBlob=made["CiphertextBlob"]))
    opened = decrypt(call(key, CiphertextBlob=made["CiphertextBlob"]))
    assert (opened["Plaintext"], opened["KeyId"]) == (made["Plaintext"], made["KeyId"])
    assert describe_key(call(key, KeyId=alias))["KeyMetadata"]["Arn"] == made["KeyId"]


@pytest.mark.parametrize(
    ("name", "context"), [("key", {"object": "b"}), ("other", {"object": "a"})]
)
def test_another_key_or_context_opens_nothing(tmp_path: Path, name: str, context: Any) -> None:
    asked = call(tmp_path / "key", KeyId=ALIAS, EncryptionContext={"object": "a"})
    sealed = generate_data_key(asked)["CiphertextBlob"]
    with pytest.raises(Refused, match="not sealed"):
        decrypt(call(tmp_path / name, CiphertextBlob=sealed, EncryptionContext=context))


def test_a_key_that_is_not_there_is_not_found(tmp_path: Path) -> None:
    with pytest.raises(Refused, match="alias/other"):
        describe_key(call(tmp_path / "key", KeyId="alias/other"))


def test_the_key_is_its_owners_alone(tmp_path: Path) -> None:
    make_key(tmp_path / "key")
    assert (tmp_path / "key").stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("emulator", ["http://127.0.0.1:1/", None])
def test_a_store_asks_for_keys_who_stands_for_aws_and_never_aws(
    tmp_path: Path, emulator: str | None
) -> None:
    secrets = Secrets(tmp_path / "secrets")
    secrets.ensure()
    profile = Profile(
        name="here",
        storage=StorageSettings(uri="s3://hearth", kms_key=ALIAS),
        aws=AwsSettings.model_validate({"region": "us-east-1", "endpoint_url": emulator}),
        endpoint=EndpointTarget(url=AnyHttpUrl("http://127.0.0.1:2")),
    )
    store.prepare(tmp_path, secrets, profile)
    written = json.loads((secrets.folder / "store-identities.json").read_text())
    asked = [one["endpoint"] for one in written.get("kms", {}).get("providers", {}).values()]
    assert asked == ([emulator.rstrip("/")] if emulator else [])
