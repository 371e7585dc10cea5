"""The stack of `docker-compose.yaml`, started from its images."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from tests.images.containers import Compose

ROOT: Final = Path(__file__).resolve().parents[2]
PREFIX: Final = "localhost/hearth"


@dataclass
class Postgres:
    """Debian's PostgreSQL, with the database and the password that the compose file wants."""

    folder: Path
    secrets: Path

    def start(self) -> None:
        programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
        data, password = self.folder / "data", self.folder / "password"
        self.folder.mkdir(parents=True)
        shutil.copy(self.secrets / "postgres_password", password)
        subprocess.run(["chown", "-R", "postgres", self.folder], check=True)
        self._as_owner(
            programs / "initdb", "--username=airflow", f"--pwfile={password}",
            "--auth=scram-sha-256", f"--pgdata={data}",
        )  # fmt: skip
        options = f"-c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        self._control = (programs / "pg_ctl", f"--pgdata={data}", "--wait")
        self._as_owner(
            *self._control, f"--options={options}", f"--log={self.folder / 'log'}", "start"
        )
        environment = {**os.environ, "PGPASSWORD": password.read_text().strip()}
        create = [programs / "createdb", "--host=127.0.0.1", "--username=airflow", "airflow"]
        subprocess.run(create, check=True, env=environment)

    def stop(self) -> None:
        self._as_owner(*self._control, "--mode=fast", "stop")

    def _as_owner(self, *command: str | Path) -> None:
        subprocess.run(
            ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command],
            check=True,
            stdout=subprocess.DEVNULL,
        )


@pytest.fixture(scope="session")
def secrets() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="hearth-secrets-") as folder:
        subprocess.run([ROOT / "docker" / "secrets", folder], check=True, stdout=subprocess.DEVNULL)
        yield Path(folder)


@pytest.fixture(scope="session")
def stack(secrets: Path) -> Iterator[Compose]:
    """The default profile, with Debian's PostgreSQL."""
    with tempfile.TemporaryDirectory(prefix="hearth-images-") as folder:
        home = Path(folder)
        home.chmod(0o755)
        postgres = Postgres(home / "postgres", secrets)
        variables = {
            "HEARTH_SECRETS": str(secrets),
            "HEARTH_PREFIX": PREFIX,
            "HEARTH_PIP_CONFIG": os.environ.get("PIP_CONFIG", "/etc/pip.conf"),
        }
        compose = Compose(ROOT / "docker-compose.yaml", home, variables, frozenset({"postgres"}))
        postgres.start()
        try:
            compose.up()
            yield compose
        finally:
            compose.down()
            postgres.stop()
