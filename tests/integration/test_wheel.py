"""Hearth as images have it: a wheel in an environment, and no checkout anywhere near."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).resolve().parents[2]
SHIPPED: Final = ("recipes", "profiles", "presets", "dags", "plugins")
RECIPE: Final = """
name: own
mirror:
  sources:
    - id: texts
      kind: file
      path: texts
      licence: CC0-1.0
      extract: [{files: "*.txt", format: text, language: en}]
suite: {name: own, reserved: [held-out]}
train: {steps: 5, schedule: {warmup_steps: 1}}
"""
PROFILE: Final = """
name: local
storage: {uri: "file://${HEARTH_HOME}/store"}
endpoint: {url: "http://127.0.0.1:1"}
"""

Run = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with this checkout's wheel in it, and Airflow's libraries within reach."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", folder / "dist"]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = (folder / "dist").glob("*.whl")
    venv.create(folder / "venv", symlinks=True)
    python = folder / "venv" / "bin" / "python"
    uv = Path(sys.executable).with_name("uv")
    install = [uv, "pip", "install", "--offline", "--no-deps", f"--python={python}", wheel]
    subprocess.run(install, check=True, capture_output=True)
    (packages,) = (folder / "venv" / "lib").glob("python*/site-packages")
    # A path in a .pth is searched for packages; the .pth files that lie there (this checkout's
    # editable installation is one) are not read.
    (packages / "airflow.pth").write_text(sysconfig.get_path("purelib"))
    return folder / "venv"


@pytest.fixture
def run(installed: Path, tmp_path: Path) -> Run:
    """Runs a program of that environment in an empty folder, with nothing of ours set."""
    ours = ("HEARTH_", "AIRFLOW", "AWS_", "PYTHON", "VIRTUAL_ENV")
    clean = {name: value for name, value in os.environ.items() if not name.startswith(ours)}

    def run(*command: str, **variables: str) -> subprocess.CompletedProcess[str]:
        program, *arguments = command
        return subprocess.run(
            [installed / "bin" / program, *arguments],
            cwd=tmp_path,
            env={**clean, "HOME": str(tmp_path), "COLUMNS": "200", **variables},
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    return run


def answer(run: Run, code: str, **variables: str) -> object:
    done = run("python", "-c", f"import json\n{code}", **variables)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_the_wheel_is_what_runs(run: Run, installed: Path) -> None:
    for package in ("hearth", "operators"):
        where = answer(run, f"import {package}; print(json.dumps({package}.__file__))")
        assert str(where).startswith(str(installed))


def test_an_installed_hearth_does_not_take_another_checkout_for_its_own(
    run: Run, installed: Path
) -> None:
    git = ["git", "-c", "user.name=a", "-c", "user.email=a@example.org", "-C", installed.parent]
    for command in (["init", "-q"], ["commit", "-q", "--allow-empty", "-m", "somebody else's"]):
        subprocess.run([*git, *command], check=True)
    code = "from hearth.provenance import git_revision\nprint(json.dumps(git_revision()))"
    assert answer(run, code) is None


def test_the_wheel_carries_every_file_of_the_folders_that_are_no_packages(run: Run) -> None:
    config = answer(
        run, "from hearth.settings import settings\nprint(json.dumps(str(settings().config)))"
    )
    for name in SHIPPED:
        files = [path for path in (ROOT / name).rglob("*.*") if path.suffix in {".py", ".yaml"}]
        assert files
        for path in files:
            shipped = Path(str(config)) / path.relative_to(ROOT)
            assert shipped.read_bytes() == path.read_bytes()


def test_the_shipped_recipes_and_profiles_are_found_from_any_folder(run: Run) -> None:
    found = answer(
        run,
        "from hearth.profile import load_profile, names_in\nfrom hearth.settings import settings\n"
        "from hearth.resolution import Request, wanted_recipe\n"
        "recipes = names_in(settings().recipes)\n"
        "for name in recipes: wanted_recipe(Request.of({'recipe': name, 'profile': 'local'}))\n"
        "print(json.dumps([recipes, load_profile().name]))",
    )
    assert found == [["demo", "tiny"], "local"]


def test_the_command_runs_and_names_the_recipes_that_there_are(run: Run, installed: Path) -> None:
    assert "hearth plan demo" in run("hearth", "--help").stdout
    done = run("hearth", "plan", "nonesuch")
    assert done.returncode == 64
    assert f"not found in {installed}" in done.stderr
    assert "there are: demo, tiny" in done.stderr


def test_airflow_parses_the_shipped_dags_with_the_shipped_plugin(run: Run, tmp_path: Path) -> None:
    folders = answer(
        run,
        "from hearth.settings import settings\n"
        "print(json.dumps([str(settings().dags), str(settings().plugins)]))",
    )
    assert isinstance(folders, list)
    found = answer(
        run,
        "from airflow.dag_processing.dagbag import DagBag\n"
        "from airflow import plugins_manager\n"
        "bag = DagBag()\n"
        "plugins = [plugin.name for plugin in plugins_manager._get_plugins()[0]]\n"
        "print(json.dumps([sorted(bag.dags), bag.import_errors, 'hearth' in plugins]))",
        AIRFLOW_HOME=str(tmp_path / "airflow"),
        AIRFLOW__CORE__LOAD_EXAMPLES="False",
        AIRFLOW__CORE__DAGS_FOLDER=folders[0],
        AIRFLOW__CORE__PLUGINS_FOLDER=folders[1],
    )
    assert found == [["build_llm", "preflight", "reap", "weekly_demo"], {}, True]


def test_own_recipes_lie_where_one_setting_says_and_a_plan_says_what_it_read(
    run: Run, tmp_path: Path
) -> None:
    own = tmp_path / "own"
    for path, text in (
        ("recipes/own.yaml", RECIPE),
        ("profiles/local.yaml", PROFILE),
        ("texts/a.txt", "Once upon a time."),
    ):
        (own / path).parent.mkdir(parents=True)
        (own / path).write_text(text)
    here = {"HEARTH_CONFIG": str(own), "HEARTH_HOME": str(tmp_path / "home")}
    done = run("hearth", "plan", "own", **here)
    assert done.returncode == 0, done.stderr
    assert f"read: {own}/recipes/own.yaml" in done.stdout
    assert f"read: {own}/profiles/local.yaml" in done.stdout
    dags = "from hearth.settings import settings\nprint(json.dumps(settings().dags.is_dir()))"
    assert answer(run, dags, **here) is True
