"""When the local object store counts as ready."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from pathlib import Path

from hearth.stack import store
from hearth.stack.daemon import MARK
from hearth.stack.ports import StorePorts
from hearth.stack.secrets import Secrets
from hearth.storage import Store
from hearth.storagesettings import StorageSettings
from tests.own_stack import own_settings

BUCKET = "hearth"


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


def test_a_store_that_cannot_read_yet_what_it_lists_is_not_ready(tmp_path: Path) -> None:
    settings = own_settings(tmp_path)
    ports, secrets = StorePorts.after(settings.s3_port), Secrets(settings.home / "secrets")
    secrets.ensure()
    store.prepare(settings.home, secrets)
    daemon = store.daemon(settings.home, ports, secrets, {**os.environ, MARK: str(settings.home)})
    storage = StorageSettings(
        uri=f"s3://{BUCKET}",
        endpoint_url=f"http://127.0.0.1:{settings.s3_port}",  # type: ignore[arg-type]
        region="us-east-1",
        credentials_file=secrets.s3_credentials,
    )
    held, aside = settings.home / "store", tmp_path / "aside"
    try:
        daemon.start()
        until(lambda: store.missing(ports, secrets, BUCKET) is None)
        Store.open(storage).put("one", b"held by a volume")
        assert store.missing(ports, secrets, BUCKET) is None
        daemon.kill()
        moved(held, aside)
        daemon.start()
        until(lambda: "GetObject" in (store.missing(ports, secrets, BUCKET) or ""))
        daemon.kill()
        moved(aside, held)
        daemon.start()
        until(lambda: store.missing(ports, secrets, BUCKET) is None)
    finally:
        daemon.kill()
        daemon.clear()
