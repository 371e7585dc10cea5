"""What parsing all DAGs adds to importing Airflow.

Three programs, each in a fresh interpreter, in turn, several rounds: one imports Airflow; one
also imports what parses DAGs; one also parses all of ours. Parsing adds the difference between
the medians of the last and the first; what lies between the last and the second is Hearth's, with
whatever of Airflow only our DAG files make it import.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from typing import Final

from rich.console import Console
from rich.table import Table

from hearth.errors import EXIT_OK
from hearth.settings import settings

_BAR: Final = 1.5
_EXIT_MISSED: Final = 1
_BAG: Final = "from airflow.dag_processing.dagbag import DagBag"
PROGRAMS: Final = {
    "import airflow": "import airflow",
    "and what parses DAGs": _BAG,
    "and parse all DAGs": f"{_BAG}; bag = DagBag(); assert bag.dags and not bag.import_errors",
}


def measure(rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each program, per round."""
    found: dict[str, list[float]] = {name: [] for name in PROGRAMS}
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as home:
        environment = {
            **os.environ,
            "AIRFLOW_HOME": home,
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(settings().dags),
            "AIRFLOW__CORE__PLUGINS_FOLDER": str(settings().plugins),
        }
        for number in range(rounds + 1):
            for name, program in PROGRAMS.items():
                began = time.perf_counter()
                subprocess.run(
                    [sys.executable, "-c", program], env=environment, check=True, cwd=home
                )
                if number:  # the first round fills the caches
                    found[name].append(time.perf_counter() - began)
    return found


def main(arguments: list[str]) -> int:
    """Measure, and print a table or, with `--json`, the numbers; 1 when the bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    given = parser.parse_args(arguments)
    found = measure(given.rounds)
    medians = {name: statistics.median(seconds) for name, seconds in found.items()}
    airflow, dagbag, all_dags = medians.values()
    added, ours = all_dags - airflow, all_dags - dagbag
    if given.json:
        print(
            json.dumps(
                {"seconds": found, "medians": medians, "added": added, "ours": ours}, indent=1
            )
        )
    else:
        table = Table("program", "median s", "least s", "most s")
        for name, seconds in found.items():
            row = (medians[name], min(seconds), max(seconds))
            table.add_row(name, *(f"{number:.2f}" for number in row))
        Console().print(table)
        print(f"parsing all DAGs adds {added:.2f} s (bar {_BAR} s), {ours:.2f} s of it ours")
    return EXIT_OK if added < _BAR else _EXIT_MISSED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
