"""The stack of `docker-compose.yaml`, started from its images."""

from __future__ import annotations

import os
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from tests.images.containers import Compose
from tests.images.engine import engine
from tests.images.given import Postgres, Redis

ROOT: Final = Path(__file__).resolve().parents[2]
PREFIX: Final = "localhost/hearth"
MONITORING: Final = frozenset({"statsd", "blackbox", "prometheus"})


class Machine:
    """A machine that has the images and the secrets, and Debian's packages for what others make."""

    def __init__(self, folder: Path, secrets: Path, *profiles: str, **variables: str) -> None:
        """Start the database and the queue, on their own so far."""
        self.folder = folder
        self.secrets = secrets
        folder.chmod(0o755)
        self.postgres = Postgres(folder / "postgres", secrets)
        self.compose = Compose(
            ROOT / "docker-compose.yaml",
            folder,
            {
                "HEARTH_SECRETS": str(secrets),
                "HEARTH_PREFIX": PREFIX,
                "HEARTH_PIP_CONFIG": os.environ.get("PIP_CONFIG", "/etc/pip.conf"),
                **variables,
            },
            frozenset({"postgres", "redis"}) | MONITORING,
            frozenset(profiles),
        )
        self.postgres.start()
        self.redis = None
        if "celery" in profiles:
            command = self.compose.services["redis"]["command"]
            self.redis = Redis(folder / "redis", secrets, command)
            self.redis.start()

    def script(self, name: str, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run one of the scripts of `docker/` against this machine's stack."""
        with tempfile.TemporaryDirectory() as folder:
            door = Path(folder) / "engine"
            with engine(self.compose, door, self.postgres.command) as command:
                return subprocess.run(
                    [ROOT / "docker" / name, *arguments],
                    env={
                        **os.environ,
                        "COMPOSE": command,
                        "COMPOSE_PROFILES": ",".join(sorted(self.compose.profiles)),
                        "ENGINE": "buildah",
                        "HEARTH_PREFIX": PREFIX,
                        "HEARTH_SECRETS": str(self.secrets),
                    },
                    check=False,
                    capture_output=True,
                    text=True,
                )

    def down(self) -> None:
        """Stop everything."""
        self.compose.down()
        self.postgres.stop()
        if self.redis is not None:
            self.redis.stop()


@contextmanager
def machine(secrets: Path, *profiles: str, **variables: str) -> Iterator[Machine]:
    """A new machine, without anything that another left."""
    with tempfile.TemporaryDirectory(prefix="hearth-images-") as folder:
        one = Machine(Path(folder), secrets, *profiles, **variables)
        try:
            yield one
        finally:
            one.down()


@pytest.fixture(scope="session")
def secrets() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hearth-secrets-") as folder:
        subprocess.run([ROOT / "docker" / "secrets", folder], check=True, stdout=subprocess.DEVNULL)
        yield Path(folder)


@pytest.fixture(scope="session")
def backups(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the first machine's backup lies, which the second is made from."""
    return tmp_path_factory.mktemp("backups")
