"""The reject area of the rehearsal: encrypted under a key of its own, and locked."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from hearth.profile import Profile
from hearth.rejects import Area, Made
from hearth.settings import Settings
from hearth.stack import store
from hearth.stack.secrets import Secrets
from hearth.storage import Store
from hearth.yamlfile import load_model
from rehearsal.aws.kms import make_key
from rehearsal.aws.server import make
from tests.own_stack import own_settings
from tests.own_store import own_store

ROOT = Path(__file__).resolve().parents[2]
TEXT = b"what curation dropped, redacted, " * 40


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Profile, Settings]]:
    """The profile of the rehearsal, its emulated keys, and its store."""
    home = tmp_path_factory.mktemp("rehearsal")
    make_key(home / "kms-key")
    emulator = make(0, 1.0, [], home / "kms-key")
    threading.Thread(target=emulator.serve_forever, daemon=True).start()
    settings = own_settings(home).model_copy(update={"aws_port": emulator.port})
    variables = {**settings.variables(), "HEARTH_AWS_PORT": str(emulator.port)}
    profile = load_model(ROOT / "profiles" / "rehearsal.yaml", Profile, variables)
    try:
        with own_store(settings, "hearth", "hearth-rejects", profile=profile):
            yield profile, settings
    finally:
        emulator.shutdown()


def test_what_is_dropped_is_encrypted_under_another_key_than_the_store_and_locked(
    place: tuple[Profile, Settings], tmp_path: Path
) -> None:
    profile, settings = place
    assert profile.reject_area is not None
    area = Area(profile.reject_area)
    area.ask("f" * 64)
    local = tmp_path / "part-00000.parquet"
    local.write_bytes(TEXT)
    made = Made(fingerprint="f" * 64, corpus="c", attempt=1, build="b", recipe="r")
    record = area.write(made, [(local, 1)], datetime.now(UTC))
    Store.open(profile.storage).put("an/object", TEXT)
    path = f"rejects/{made.fingerprint}/1/{local.name}"
    assert area.store.get(path) == TEXT
    access_key, secret_key = store.key_pair(Secrets(settings.home / "secrets"))
    client = boto3.client(
        "s3",
        region_name="us-east-1",
        endpoint_url=str(profile.storage.endpoint_url),
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
    )
    apart = client.head_object(Bucket="hearth-rejects", Key=path)
    inside = client.head_object(Bucket="hearth", Key="an/object")
    for head in (apart, inside):
        assert head["ServerSideEncryption"] == "aws:kms"
    assert apart["SSEKMSKeyId"] != inside["SSEKMSKeyId"]
    assert abs((apart["ObjectLockRetainUntilDate"] - record.until).total_seconds()) < 1
    assert area.purge(area.held(made.fingerprint)[0]) is not None
