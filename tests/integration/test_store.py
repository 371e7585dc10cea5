"""When the local object store counts as ready, and how long one that is away is waited for."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hearth.errors import TransientError
from hearth.s3 import WORKED
from hearth.storage import Store
from tests.own_stack import own_settings
from tests.own_store import OwnStore, own_store


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def moved(source: Path, target: Path) -> None:
    """Move the volumes, in which the bytes of objects lie; their names lie elsewhere."""
    volumes = list(source.glob("*.dat"))
    assert volumes
    target.mkdir(exist_ok=True)
    for volume in volumes:
        volume.rename(target / volume.name)


@pytest.fixture
def own(tmp_path: Path) -> Iterator[OwnStore]:
    with own_store(own_settings(tmp_path), "hearth") as started:
        yield started


def test_a_store_that_cannot_read_yet_what_it_lists_is_not_ready(
    own: OwnStore, tmp_path: Path
) -> None:
    aside = tmp_path / "aside"
    Store.open(own.storage).put("one", b"held by a volume")
    assert own.missing() is None
    own.daemon.kill()
    moved(own.folder, aside)
    own.daemon.start()
    until(lambda: "GetObject" in (own.missing() or ""))
    own.daemon.kill()
    moved(aside, own.folder)
    own.start()


def test_a_job_outlives_a_store_that_is_away_and_a_person_is_told_soon(own: OwnStore) -> None:
    Store.open(own.storage).put("one", b"for later")
    own.daemon.kill()
    with ThreadPoolExecutor(max_workers=1) as beside:
        job = beside.submit(Store.open(own.storage, retries=WORKED).get, "one")
        with pytest.raises(TransientError):
            Store.open(own.storage).get("one")
        assert not job.done()
        own.start()
        assert job.result(timeout=60) == b"for later"
