"""What others' images hold, from Debian's packages: PostgreSQL and Redis."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path

PATIENCE = 60.0


@dataclass
class Postgres:
    """Debian's PostgreSQL, with the database and the password that the compose file wants."""

    folder: Path
    secrets: Path

    def start(self) -> None:
        self.programs = max(Path("/usr/lib/postgresql").glob("*/bin"))
        data, password = self.folder / "data", self.folder / "password"
        self.folder.mkdir(parents=True)
        shutil.copy(self.secrets / "postgres_password", password)
        subprocess.run(["chown", "-R", "postgres", self.folder], check=True)
        self._as_owner(
            self.programs / "initdb", "--username=airflow", f"--pwfile={password}",
            "--auth=scram-sha-256", f"--pgdata={data}",
        )  # fmt: skip
        options = f"-c listen_addresses=127.0.0.1 -c unix_socket_directories={self.folder}"
        self._control = (self.programs / "pg_ctl", f"--pgdata={data}", "--wait")
        self._as_owner(
            *self._control, f"--options={options}", f"--log={self.folder / 'log'}", "start"
        )
        known = self.folder / "pgpass"
        known.write_text(f"127.0.0.1:*:*:airflow:{password.read_text()}")
        known.chmod(0o600)
        create = self.command(["createdb", "--username=airflow", "airflow"])
        subprocess.run(create, check=True)

    def command(self, command: list[str]) -> list[str]:
        """Return the command line that does what a command does in the image's container."""
        program, *rest = command
        who = [f"PGPASSFILE={self.folder / 'pgpass'}", "PGHOST=127.0.0.1"]
        return ["env", *who, str(self.programs / program), *rest]

    def stop(self) -> None:
        self._as_owner(*self._control, "--mode=fast", "stop")

    def _as_owner(self, *command: str | Path) -> None:
        subprocess.run(
            ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", *command],
            check=True,
            stdout=subprocess.DEVNULL,
        )


@dataclass
class Redis:
    """Debian's Redis, by the compose file's command."""

    folder: Path
    secrets: Path
    compose_command: list[str]

    def start(self) -> None:
        self.folder.mkdir()
        command = [
            word.replace("/run/secrets", str(self.secrets)).replace("/data", str(self.folder))
            for word in self.compose_command
        ]
        with (self.folder / "log").open("wb") as log:
            self._process = subprocess.Popen(
                [*command, "--bind", "127.0.0.1"], stdout=log, stderr=subprocess.STDOUT
            )
        wait_for_port(6379)

    def ping(self, *, password: bool) -> str:
        """What it answers to a ping, with the password or without."""
        known = {"REDISCLI_AUTH": (self.secrets / "redis_password").read_text()} if password else {}
        return subprocess.run(
            ["redis-cli", "-h", "127.0.0.1", "ping"],
            env={**os.environ, **known},
            check=False,
            capture_output=True,
            text=True,
        ).stdout.strip()

    def stop(self) -> None:
        self._process.terminate()
        self._process.wait(PATIENCE)


def wait_for_port(port: int) -> None:
    """Wait until somebody listens on a port of loopback."""
    deadline = time.monotonic() + PATIENCE
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), 5).close()
        except OSError:
            assert time.monotonic() < deadline, f"nobody listens on {port}"
            time.sleep(0.2)
        else:
            return
