"""The laws of what MWAA gets: it is whole, and imports with nothing of the checkout beside it."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]
ASK = """
import json, hearth, operators
from airflow import plugins_manager
from airflow.dag_processing.dagbag import DagBag
bag = DagBag()
plugins, errors = plugins_manager._get_plugins()
print("\\n" + json.dumps({
    "dags": sorted(bag.dags), "errors": {**bag.import_errors, **errors},
    "from": [hearth.__file__, operators.__file__],
    "plugins": [p.name for p in plugins],
}))
"""


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("mwaa")
    (folder / "constraints.txt").write_text("apache-airflow==3.3.1\n")
    return build(folder / "built", folder)


def build(into: Path, offline: Path) -> Path:
    command = [sys.executable, ROOT / "deploy" / "mwaa" / "build.py", into, "--profile", "aws-cn"]
    command += ["--offline", offline]
    subprocess.run(command, check=True, timeout=240, capture_output=True)
    return into


@pytest.fixture(scope="module")
def closed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What is built with wheels along: one of a package that no environment has."""
    folder = tmp_path_factory.mktemp("closed")
    (folder / "constraints.txt").write_text("only-in-the-folder==1.0\n")
    with zipfile.ZipFile(folder / "only_in_the_folder-1.0-py3-none-any.whl", "w") as wheel:
        info = "only_in_the_folder-1.0.dist-info"
        said = "Metadata-Version: 2.1\nName: only-in-the-folder\nVersion: 1.0\n"
        wheel.writestr(f"{info}/METADATA", said)
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    return build(folder / "built", folder)


@pytest.fixture(scope="module")
def imported(built: Path, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What an Airflow says that has these files and no others of ours."""
    home = tmp_path_factory.mktemp("home")
    plugins, site = home / "plugins", home / "site"
    with zipfile.ZipFile(built / "plugins.zip") as archive:
        archive.extractall(plugins)
    (wheel,) = plugins.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    settings = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "AIRFLOW_HOME": str(home),
        # Before the checkout, which this interpreter knows too.
        "PYTHONPATH": str(site),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(plugins),
        "AIRFLOW__CORE__DAGS_FOLDER": str(built / "dags"),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "HEARTH_CONFIG": str(built / "dags" / "config"),
        "HEARTH_HOME": str(home / "hearth"),
    }
    done = subprocess.run(
        [sys.executable, "-c", ASK],
        env=settings, cwd=home, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr[-4000:]
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert all(path.startswith(str(site)) for path in answer["from"])
    return answer


def test_dags_and_plugin_import_from_what_is_built_alone(imported: dict[str, Any]) -> None:
    assert imported["errors"] == {}
    assert {"build_llm", "reap", "preflight"} <= set(imported["dags"])
    assert "hearth" in imported["plugins"]


def test_what_is_installed_is_pinned_or_constrained(built: Path) -> None:
    first, *rest = (built / "requirements.txt").read_text().splitlines()
    assert first == '--constraint "/usr/local/airflow/dags/constraints.txt"'
    assert (built / "dags" / "constraints.txt").exists()
    names = {re.split(r"==", line)[0] for line in rest}
    assert {"duckdb", "obstore", "rfc8785"} <= names
    (wheel,) = [line for line in rest if line.endswith(".whl")]
    assert wheel.startswith("/usr/local/airflow/plugins/hearth-")
    with zipfile.ZipFile(built / "plugins.zip") as archive:
        assert wheel.rpartition("/")[2] in archive.namelist()


def test_with_wheels_along_pip_finds_what_it_needs_and_asks_no_index(
    closed: Path, tmp_path: Path
) -> None:
    """As MWAA installs it, but for the folder that it unpacks to."""
    with zipfile.ZipFile(closed / "plugins.zip") as archive:
        archive.extractall(tmp_path / "plugins")
    text = (closed / "requirements.txt").read_text() + "only-in-the-folder\n"
    text = text.replace("/usr/local/airflow/plugins", str(tmp_path / "plugins"))
    text = text.replace("/usr/local/airflow/dags", str(closed / "dags"))
    (tmp_path / "requirements.txt").write_text(text)
    # A configuration that names an index is overruled: nothing listens there.
    settings = {"PATH": os.environ["PATH"], "PIP_INDEX_URL": "http://127.0.0.1:9/simple"}
    done = subprocess.run(
        [sys.executable, "-m", "pip", "install", "--dry-run", "-r", tmp_path / "requirements.txt"],
        env=settings, capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "only-in-the-folder-1.0" in done.stdout


def test_a_folder_without_constraints_is_refused(tmp_path: Path) -> None:
    with pytest.raises(subprocess.CalledProcessError) as refused:
        build(tmp_path / "built", tmp_path)
    assert b"constraints.txt: is not there" in refused.value.stderr


def test_every_component_finds_recipes_and_profiles_and_no_secret(built: Path) -> None:
    startup = (built / "startup.sh").read_text()
    exported = dict(re.findall(r"^export (\w+)=(\S+)$", startup, re.MULTILINE))
    assert exported["HEARTH_CONFIG"] == "/usr/local/airflow/dags/config"
    assert (built / "dags" / "config" / "profiles" / f"{exported['HEARTH_PROFILE']}.yaml").exists()
    assert (built / "dags" / "config" / "recipes").is_dir()
    assert set(exported) == {"HEARTH_CONFIG", "HEARTH_HOME", "HEARTH_PROFILE"}
