"""The laws of Airflow's settings for production: Airflow knows each; what they promise holds."""

from __future__ import annotations

import configparser
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests.airflow_home import settle

settle()

from airflow.sdk.module_loading import import_string  # noqa: E402 - after its environment
from airflow.secrets import BaseSecretsBackend  # noqa: E402

pytestmark = pytest.mark.timeout(900)

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy" / "airflow"
FAB = "airflow.providers.fab.auth_manager.fab_auth_manager.FabAuthManager"
ASK = """
import json, sys
from airflow.configuration import conf
from airflow.providers_manager import ProvidersManager
ProvidersManager().initialize_providers_configuration()
known = {s: list(d["options"]) for s, d in conf.configuration_description.items()}
from airflow.dag_processing.dagbag import DagBag
bag = DagBag("DAGS")
pools = {t.task_id: t.pool for t in bag.dags["build_llm"].tasks}
answer = {"known": known, "pools": pools, "errors": bag.import_errors,
          "executor": conf.get("core", "executor"), "runs": bag.dags["build_llm"].max_active_runs}
print("\\n" + json.dumps(answer))
"""


@pytest.fixture(scope="module")
def airflow(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an Airflow of its own says, under these settings and this policy."""
    home = tmp_path_factory.mktemp("airflow")
    (home / "airflow.cfg").write_text((DEPLOY / "airflow.cfg").read_text("utf-8"), "utf-8")
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "PYTHONPATH": str(DEPLOY),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__CORE__FERNET_KEY": "",
        "AIRFLOW__LOGGING__REMOTE_LOGGING": "False",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(ROOT / "plugins"),
        "AIRFLOW__CORE__DAGS_FOLDER": str(ROOT / "dags"),
        "AIRFLOW__SECRETS__BACKEND": "",
        "HEARTH_HOME": str(home / "hearth"),
    }
    command = [sys.executable, "-c", ASK.replace("DAGS", str(ROOT / "dags"))]
    done = subprocess.run(
        command, env=settings, capture_output=True, text=True, timeout=240, check=False, cwd=home
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return dict(json.loads(done.stdout.splitlines()[-1]))


@pytest.fixture(scope="module")
def migrated(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """An Airflow of its own with users, whose database is made; what its commands need."""
    home = tmp_path_factory.mktemp("users")
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        "AIRFLOW__CORE__AUTH_MANAGER": FAB,
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
    }
    done = cli(settings, "db", "migrate")
    assert done.returncode == 0, done.stderr[-4000:]
    return settings


def cli(settings: dict[str, str], *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "airflow", *words]
    return subprocess.run(
        command, env=settings, capture_output=True, text=True, timeout=240, check=False, cwd=ROOT
    )


def test_the_pool_is_imported_as_the_page_tells(migrated: dict[str, str]) -> None:
    assert cli(migrated, "pools", "import", "deploy/airflow/pools.json").returncode == 0
    said = cli(migrated, "pools", "list", "--output", "json").stdout
    (gpu,) = [pool for pool in json.loads(said) if pool["pool"] == "gpu"]
    assert gpu["include_deferred"] == "True"


def test_a_user_is_made_for_a_program_as_the_page_tells(migrated: dict[str, str]) -> None:
    words = ["--role", "User", "--username", "builds", "--firstname", "A", "--lastname", "Program"]
    words += ["--email", "builds@example.cn", "--use-random-password"]
    done = cli(migrated, "users", "create", *words)
    assert done.returncode == 0, done.stderr[-4000:]
    (user,) = json.loads(cli(migrated, "users", "list", "--output", "json").stdout)
    assert (user["username"], user["roles"]) == ("builds", ["User"])


@pytest.mark.parametrize("section", ["secrets", "workers"])
def test_where_secrets_come_from_is_a_backend_that_takes_these_arguments(section: str) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(DEPLOY / "airflow.cfg", "utf-8")
    prefix = "secrets_" if section == "workers" else ""
    arguments = json.loads(parser[section][f"{prefix}backend_kwargs"])
    backend = import_string(parser[section][f"{prefix}backend"])(**arguments)
    assert isinstance(backend, BaseSecretsBackend)
    assert {name: getattr(backend, name) for name in arguments} == arguments


def test_the_other_backend_that_the_file_tells_of_is_one_too() -> None:
    text = (DEPLOY / "airflow.cfg").read_text("utf-8")
    (name,) = re.findall(r"^#\s+backend = (\S+)$", text, re.MULTILINE)
    (arguments,) = re.findall(r"^#\s+backend_kwargs = (.+)$", text, re.MULTILINE)
    assert isinstance(import_string(name)(**json.loads(arguments)), BaseSecretsBackend)


def test_airflow_knows_every_option(airflow: dict[str, Any]) -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(DEPLOY / "airflow.cfg", "utf-8")
    known = airflow["known"]
    unknown = [
        f"{section}.{option}"
        for section in parser.sections()
        for option in parser[section]
        if option.removesuffix("_cmd") not in known.get(section, ())
    ]
    assert unknown == []
    assert airflow["executor"] == "KubernetesExecutor"


def test_what_uses_gpus_waits_for_them_and_nothing_else_does(airflow: dict[str, Any]) -> None:
    assert airflow["errors"] == {}
    pools = airflow["pools"]
    assert {task for task, pool in pools.items() if pool == "gpu"} == {"train", "evaluate"}
    assert set(pools.values()) == {"gpu", "default_pool"}


def test_a_task_that_waits_for_its_job_keeps_its_gpus() -> None:
    pools = json.loads((DEPLOY / "pools.json").read_text("utf-8"))
    assert pools["gpu"]["include_deferred"] is True
    assert set(pools["gpu"]) == {"slots", "description", "include_deferred"}


def test_no_secret_stands_in_the_settings() -> None:
    parser = configparser.ConfigParser(interpolation=None)
    parser.read(DEPLOY / "airflow.cfg", "utf-8")
    for section in parser.sections():
        for option, value in parser[section].items():
            if option.endswith("_cmd"):
                assert value.startswith("cat /run/secrets/"), option
            else:
                words = ("password", "secret_key", "fernet_key", "jwt_secret", "sql_alchemy_conn")
                assert option not in words
