"""Airflow on this machine: four daemons, a SQLite database, set up by the environment alone.

They are what `airflow standalone` starts, without its parent process, which neither restarts a
child that died nor takes its children with it when it is killed.
"""

from __future__ import annotations

import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx

from hearth.errors import SpecError, TransientError
from hearth.profile import Lineage
from hearth.settings import Settings
from hearth.stack.daemon import Daemon, tail
from hearth.stack.ports import HOST
from hearth.stack.secrets import ADMIN, Secrets

_COMPONENTS: Final[dict[str, tuple[str, ...]]] = {
    "api-server": ("api-server",),
    # Task logs are files here: nobody needs the servers that hand them out, nor their ports.
    "scheduler": ("scheduler", "--skip-serve-logs"),
    "triggerer": ("triggerer", "--skip-serve-logs"),
    "dag-processor": ("dag-processor",),
}
_LOCK_SECONDS: Final = 120
"""Daemons that wait less than a busy machine takes to write die of "database is locked"."""

_LOCK_SECONDS_OF_API: Final = 5
"""The API server holds the lock and waits for it in one event loop at times: it must give up soon.
What it refuses then, its clients ask again."""

_CONNECTION: Final = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"


def configuration(settings: Settings, secrets: Secrets, lineage: Lineage) -> dict[str, str]:
    """Return Airflow's configuration as environment variables, without a secret in it.

    Args:
        settings: of this stack.
        secrets: whose files Airflow reads its keys from, by `cat`.
        lineage: how jobs are named in OpenLineage events, and where those go.
    """
    home = settings.home / "airflow"
    url = f"http://{HOST}:{settings.airflow_port}"
    options: dict[str, dict[str, object]] = {
        "core": {
            "dags_folder": settings.dags,
            "plugins_folder": settings.plugins,
            "load_examples": False,
            "executor": "LocalExecutor",
            "parallelism": 4,  # forked at once, 150 MB each; a waiting task takes none
            "auth_manager": "airflow.api_fastapi.auth.managers.simple.simple_auth_manager"
            ".SimpleAuthManager",
            "simple_auth_manager_users": f"{ADMIN}:admin",
            "simple_auth_manager_passwords_file": secrets.airflow_passwords,
            "execution_api_server_url": f"{url}/execution/",
            "fernet_key_cmd": _cat(secrets.fernet_key),
        },
        "database": {"sql_alchemy_conn": _connection(home, _LOCK_SECONDS)},
        "logging": {
            "base_log_folder": settings.home / "logs" / "tasks",
            "dag_processor_child_process_log_directory": settings.home / "logs" / "dag-processor",
            "remote_logging": False,
            "colored_console_log": False,
        },
        "api": {
            "instance_name": "Hearth",
            "base_url": url,
            "host": HOST,
            "port": settings.airflow_port,
            "workers": 1,
            "expose_config": False,
            "secret_key_cmd": _cat(secrets.api_secret_key),
        },
        "api_auth": {"jwt_secret_cmd": _cat(secrets.jwt_secret)},
        "scheduler": {
            # A chain of short tasks waits for this between any two of them.
            "scheduler_idle_sleep_time": 0.3,
            # What a killed scheduler or worker left is taken up within about a minute, not five.
            "orphaned_tasks_check_interval": 30,
            "task_instance_heartbeat_timeout": 90,
            "task_instance_heartbeat_timeout_detection_interval": 10,
        },
        # A worker notices the end of its task at its next heartbeat, and is taken until then.
        "workers": {"min_heartbeat_interval": 1},
        "dag_processor": {
            # Each parse costs seconds of a core that training needs.
            "min_file_process_interval": 300,
            "refresh_interval": 60,
            "parsing_processes": 1,
            "print_stats_interval": 600,
        },
        "openlineage": {
            **_transport(settings.home, lineage.transport),
            "namespace": lineage.namespace,
            "dag_state_change_process_pool_size": 1,
        },
    }
    return {
        "AIRFLOW_HOME": str(home),
        **{
            f"AIRFLOW__{section.upper()}__{option.upper()}": str(value)
            for section, values in options.items()
            for option, value in values.items()
        },
    }


def _transport(home: Path, file: Path | None) -> dict[str, object]:
    if file is None:
        path = str(home / "lineage" / "events.jsonl")
        return {"transport": json.dumps({"type": "file", "log_file_path": path, "append": True})}
    return {"config_path": file}


def require_transport(lineage: Lineage) -> None:
    """Refuse a profile whose OpenLineage transport is not there: events would be lost.

    Raises:
        SpecError: it names a file that does not exist.
    """
    if lineage.transport is not None and not lineage.transport.is_file():
        message = (
            f"lineage.transport = {lineage.transport}: is no file: write an openlineage.yml "
            "there, or leave it out of the profile"
        )
        raise SpecError(message)


def _connection(home: Path, lock_seconds: int) -> str:
    return f"sqlite:///{home / 'airflow.db'}?timeout={lock_seconds}"


def daemons(home: Path, environment: Mapping[str, str]) -> list[Daemon]:
    """Return Airflow's daemons, in the order in which they start."""
    impatient = {_CONNECTION: _connection(home / "airflow", _LOCK_SECONDS_OF_API)}
    return [
        Daemon(
            name=name,
            command=[sys.executable, "-m", "airflow", *arguments],
            environment={**environment, **impatient} if name == "api-server" else environment,
            state=home / "run",
            logs=home / "logs",
        )
        for name, arguments in _COMPONENTS.items()
    ]


def migrate(home: Path, environment: Mapping[str, str], version: str) -> None:
    """Bring Airflow's database to the schema of the installed version, if it is not there yet.

    Raises:
        TransientError: it did not work; the message holds Airflow's last words.
    """
    done = home / "airflow" / "migrated-to"
    if done.exists() and done.read_text() == version:
        return
    for folder in ("airflow", "logs", "lineage"):
        (home / folder).mkdir(parents=True, exist_ok=True)
    log = home / "logs" / "migrate.log"
    with log.open("wb") as output:
        answer = subprocess.run(
            [sys.executable, "-m", "airflow", "db", "migrate"],
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            check=False,
        )
    if answer.returncode != 0:
        message = f"airflow db migrate failed; the last lines of {log}:\n{tail(log)}"
        raise TransientError(message)
    done.write_text(version)


def silent(settings: Settings) -> str | None:
    """Say that the API does not answer; None when it does."""
    return None if _health(settings) else "Airflow's API does not answer"


def missing(settings: Settings) -> str | None:
    """Say which part of Airflow does not report itself healthy; None when all do."""
    parts = _health(settings)
    wanted = ("metadatabase", "scheduler", "triggerer", "dag_processor")
    ill = [part for part in wanted if (parts.get(part) or {}).get("status") != "healthy"]
    return f"not healthy: {', '.join(ill)}" if ill else None


def _health(settings: Settings) -> dict[str, dict[str, str]]:
    url = f"http://{HOST}:{settings.airflow_port}/api/v2/monitor/health"
    try:
        answer = httpx.get(url, timeout=5, trust_env=False).raise_for_status().json()
    except (httpx.HTTPError, ValueError):
        return {}
    return dict(answer)


def _cat(path: Path) -> str:
    return f"cat {shlex.quote(str(path))}"
