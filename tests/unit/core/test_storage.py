from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hearth.digest import sha256_of
from hearth.errors import ConflictError, DataError, NotFoundError, SpecError
from hearth.storage import Store
from hearth.storagesettings import StorageSettings


def test_an_object_is_created_once(store: Store) -> None:
    assert store.create("a/claim.json", b"mine")
    assert not store.create("a/claim.json", b"yours")
    assert store.get("a/claim.json") == b"mine"


def test_a_retried_creation_meets_its_own_bytes(store: Store) -> None:
    assert store.create("claim", b"mine")
    assert store.create("claim", b"mine")


def test_of_many_creators_one_wins(store: Store) -> None:
    with ThreadPoolExecutor(8) as pool:
        won = list(pool.map(lambda n: store.create("claim", str(n).encode()), range(32)))
    assert sum(won) == 1
    assert store.get("claim") == str(won.index(True)).encode()


def test_an_object_is_replaced_only_as_it_was_read(store: Store) -> None:
    store.put("state", b"1")
    _, etag = store.get_with_etag("state")
    store.replace("state", b"22", etag)
    with pytest.raises(ConflictError, match="changed since it was read"):
        store.replace("state", b"333", etag)
    assert store.get("state") == b"22"


def test_of_many_replacers_none_is_lost(store: Store) -> None:
    store.put("count", b"0")

    def add_one(_: int) -> None:
        while True:
            data, etag = store.get_with_etag("count")
            try:
                store.replace("count", str(int(data) + 1).encode().rjust(int(data) + 2), etag)
            except ConflictError:
                continue
            return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(add_one, range(16)))
    assert int(store.get("count")) == 16


def test_what_is_not_there_is_named(store: Store) -> None:
    with pytest.raises(NotFoundError, match=r"no/such\.json: is not in the store"):
        store.get("no/such.json")
    assert not store.exists("no/such.json")
    assert list(store.list("no")) == []
    store.delete("no/such.json")


def test_a_file_survives_the_round_trip(store: Store, tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there" / "file"
    here.write_bytes(bytes(range(256)) * 1000)
    info = store.upload(here, "x/file")
    assert (info.bytes, info.sha256) == (256_000, sha256_of(here))
    store.download("x/file", there, expect=info)
    assert there.read_bytes() == here.read_bytes()


def test_a_flipped_byte_is_refused_by_name_and_hash(store: Store, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.write_bytes(b"0123456789")
    info = store.upload(here, "shard")
    store.put("shard", b"0123456780")
    with pytest.raises(DataError, match=r"shard: SHA-256 is .* its record says"):
        store.download("shard", tmp_path / "there", expect=info)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["here", "store"]


def test_a_truncated_object_is_refused(store: Store, tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.write_bytes(b"0123456789")
    info = store.upload(here, "shard")
    store.put("shard", b"012345678")
    with pytest.raises(DataError, match="has 9 bytes, its record says 10"):
        store.download("shard", tmp_path / "there", expect=info)


def test_paths_cannot_climb_out(store: Store) -> None:
    with pytest.raises(DataError, match="must not contain"):
        store.sub("a").get("../../etc/passwd")


def test_a_uri_elsewhere_is_refused(store: Store) -> None:
    assert store.relative(store.sub("a").url("b")) == "a/b"
    with pytest.raises(DataError, match="does not lie below"):
        store.relative("s3://elsewhere/a")


def test_places_list_relative_to_themselves(store: Store) -> None:
    store.put("a/b/c", b"")
    store.put("a/d", b"")
    assert [info.path for info in store.sub("a").list()] == ["b/c", "d"]
    assert store.folders("a") == ("b",)


def test_a_missing_credentials_file_says_what_to_do(tmp_path: Path) -> None:
    settings = StorageSettings(uri="s3://bucket", credentials_file=tmp_path / "none")
    with pytest.raises(SpecError, match="make up"):
        Store.open(settings)
