"""An Airflow of the tests' own. `settle` before anything imports Airflow, which reads it then."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Final

CHECKOUT: Final = Path(__file__).resolve().parents[1]


def settle() -> None:
    """Give Airflow an empty home and our DAGs; nobody's own is touched."""
    home = os.environ.setdefault("AIRFLOW_HOME", tempfile.mkdtemp(prefix="hearth-airflow-"))
    os.environ.update(
        {
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__UNIT_TEST_MODE": "True",
            "AIRFLOW__CORE__DAGS_FOLDER": str(CHECKOUT / "dags"),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(CHECKOUT / "plugins"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "AIRFLOW__OPENLINEAGE__DISABLED": "True",
        }
    )
