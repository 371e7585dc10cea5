"""DAGs as Airflow parses them, with recipes and profiles of the tests' own."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

# Airflow reads these when it is imported; it must not touch anybody's own.
_AIRFLOW_HOME = os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="hearth-airflow-"))
CHECKOUT = Path(__file__).resolve().parents[2]
os.environ.update(
    {
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
        "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
        "AIRFLOW__CORE__PLUGINS_FOLDER": str(CHECKOUT / "plugins"),
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{_AIRFLOW_HOME}/airflow.db",
        "AIRFLOW__OPENLINEAGE__DISABLED": "True",
    }
)

from airflow.dag_processing.dagbag import DagBag  # noqa: E402 - after its environment

from hearth.profile import settings  # noqa: E402

PROFILE = """
name: {name}
storage: {{uri: "file:///nowhere"}}
endpoint: {{url: "http://127.0.0.1:1"}}
schedules: {{demo: "@weekly", tiny: "0 3 * * 1"}}
"""


@pytest.fixture(scope="session")
def config(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    folder = tmp_path_factory.mktemp("config")
    for name in ("recipes", "profiles"):
        (folder / name).mkdir()
    for name in ("demo", "tiny"):
        # Wrong on purpose: parsing a DAG may list names, and must not read what they name.
        (folder / "recipes" / f"{name}.yaml").write_text("not: a recipe")
    for name in ("local", "other"):
        (folder / "profiles" / f"{name}.yaml").write_text(PROFILE.format(name=name))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEARTH_CONFIG", str(folder))
        patch.setenv("HEARTH_PROFILE", "local")
        settings.cache_clear()
        yield folder
    settings.cache_clear()


@pytest.fixture(scope="session")
def dagbag(config: Path) -> Any:
    return DagBag(dag_folder=str(CHECKOUT / "dags"))
