"""The reject area on a real S3 server with Object Lock: what is locked stays, and goes in time."""

from __future__ import annotations

import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.errors import SpecError
from hearth.policy import ObjectLock
from hearth.profile import RejectArea
from hearth.rejects import Area, Held, Made
from hearth.s3 import VersionedBucket
from hearth.storagesettings import StorageSettings
from tests.own_stack import own_settings
from tests.own_store import own_store

PLAIN, LOCKED = "hearth", "hearth-rejects"
DAY = timedelta(days=1)
SOON = timedelta(seconds=12)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StorageSettings]:
    settings = own_settings(tmp_path_factory.mktemp("server"))
    with own_store(settings, PLAIN, LOCKED) as own:
        # A bucket's first object waits for a volume, longer than a short retention lasts.
        area_of(own.storage, f"s3://{LOCKED}/first", None).store.put("first", b"")
        yield own.storage


def area_of(server: StorageSettings, uri: str, lock: ObjectLock | None) -> Area:
    place = server.model_copy(update={"uri": uri})
    return Area(RejectArea(storage=place, retention_days=1, object_lock=lock, steps=("pii",)))


def written(area: Area, folder: Path, name: str, left: timedelta) -> Held:
    """Write two documents whose retention ends in `left`."""
    path = folder / "part-00000.parquet"
    rows = {"doc_key": ["a:1", "a:2"], "text": ["<EMAIL>", "<TOKEN>"]}
    pq.write_table(pa.table(rows), path)
    made = Made(fingerprint=name, corpus="c", attempt=1, build="b", recipe="r")
    area.write(made, [(path, 2)], datetime.now(UTC) - DAY + left)
    return held(area, name)[0]


def held(area: Area, name: str) -> list[Held]:
    return [one for one in area.held() if one.path == f"rejects/{name}/1"]


def test_what_is_locked_stays_until_its_time_and_then_nothing_is_left(
    server: StorageSettings, tmp_path: Path
) -> None:
    areas = {lock: area_of(server, f"s3://{LOCKED}/some/where", lock) for lock in ObjectLock}
    for lock, area in areas.items():
        one = written(area, tmp_path, lock, SOON)
        assert one.objects == 2
        until = area.purge(one)
        assert until is not None
        assert abs(until - one.until) < timedelta(seconds=1)
        # To delete it without naming a version only hides it.
        path = f"{one.path}/part-00000.parquet"
        area.store.delete(path)
        assert not area.store.exists(path)
    ends = max(held(area, lock)[0].until for lock, area in areas.items())
    time.sleep(max(0, (ends - datetime.now(UTC)).total_seconds()) + 1)
    for lock, area in areas.items():
        (hidden,) = held(area, lock)
        assert hidden.objects == 3
        assert area.purge(hidden) is None
        assert held(area, lock) == []
        bucket = VersionedBucket(area.settings.storage, LOCKED)
        assert [version for version in bucket.versions("") if lock in version.key] == []


def test_a_locked_document_is_not_taken_out_before_its_time(
    server: StorageSettings, tmp_path: Path
) -> None:
    area = area_of(server, f"s3://{LOCKED}", ObjectLock.GOVERNANCE)
    one = written(area, tmp_path, "struck", SOON)
    assert area.strike(one, {"a:1"}, datetime.now(UTC)) == one.until


@pytest.mark.parametrize("bucket", [PLAIN, LOCKED])
def test_without_a_lock_a_document_is_taken_out_for_good(
    server: StorageSettings, tmp_path: Path, bucket: str
) -> None:
    area = area_of(server, f"s3://{bucket}/open", None)
    one = written(area, tmp_path, "struck", DAY)
    assert area.strike(one, {"a:1"}, datetime.now(UTC)) is None
    (after,) = held(area, "struck")
    assert after.objects == 2
    (output,) = area.outputs(after)
    assert pq.read_table(pa.BufferReader(area.store.get(output.path)))["doc_key"].to_pylist() == [
        "a:2"
    ]
    assert area.purge(after) is None
    assert held(area, "struck") == []


def test_a_bucket_without_object_lock_is_refused_where_that_is_asked_for(
    server: StorageSettings, tmp_path: Path
) -> None:
    area = area_of(server, f"s3://{PLAIN}/locked", ObjectLock.GOVERNANCE)
    with pytest.raises(SpecError, match="created with Object Lock"):
        written(area, tmp_path, "plain", DAY)
    assert list(area.store.list()) == []


def test_a_bucket_that_is_not_there_is_named(server: StorageSettings) -> None:
    with pytest.raises(SpecError, match=r"s3://nowhere/.*NoSuchBucket"):
        area_of(server, "s3://nowhere", None).held("f" * 64)
