"""DAGs as Airflow parses them, with recipes and profiles of the tests' own."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.airflow_home import CHECKOUT, settle

settle()

from airflow.dag_processing.dagbag import DagBag  # noqa: E402 - after its environment

from hearth.settings import settings  # noqa: E402

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
