"""An object store of the tests' own: a real one, on ports that are free."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from hearth.profile import Profile
from hearth.settings import Settings
from hearth.stack import store
from hearth.stack.daemon import MARK, Daemon
from hearth.stack.ports import StorePorts
from hearth.stack.secrets import Secrets
from hearth.storagesettings import StorageSettings

PATIENCE = 60.0


@dataclass(frozen=True)
class OwnStore:
    """A store that runs, and what it takes to open, stop and start it."""

    ports: StorePorts
    secrets: Secrets
    daemon: Daemon
    buckets: tuple[str, ...]
    storage: StorageSettings
    folder: Path

    def missing(self) -> str | None:
        return store.missing(self.ports, self.secrets, *self.buckets)

    def start(self) -> None:
        self.daemon.start()
        deadline = time.monotonic() + PATIENCE
        while (why := self.missing()) is not None:
            assert time.monotonic() < deadline, why
            time.sleep(0.2)


@contextmanager
def own_store(
    settings: Settings, *buckets: str, profile: Profile | None = None
) -> Iterator[OwnStore]:
    """Start a store; the first of its buckets is the one that is opened."""
    home = settings.home
    ports, secrets = StorePorts.after(settings.s3_port), Secrets(home / "secrets")
    secrets.ensure()
    store.prepare(home, secrets, profile)
    storage = StorageSettings(
        uri=f"s3://{buckets[0]}",
        endpoint_url=f"http://127.0.0.1:{settings.s3_port}",  # type: ignore[arg-type]
        region="us-east-1",
        credentials_file=secrets.s3_credentials,
    )
    daemon = store.daemon(home, ports, secrets, {**os.environ, MARK: str(home)})
    started = OwnStore(ports, secrets, daemon, buckets, storage, home / "store")
    try:
        started.start()
        yield started
    finally:
        # Not `stop`, which gives its filer a quarter of a minute for streams that nobody has open.
        daemon.kill()
        daemon.clear()
