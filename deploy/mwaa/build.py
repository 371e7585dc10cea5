"""Builds what Amazon MWAA wants, into a folder that is uploaded as it is: `make mwaa`.

    requirements.txt   what is installed beside MWAA's Airflow, under Airflow's own constraints
    plugins.zip        Hearth's wheel and its plugin; unpacked to …/plugins there
    dags/              the DAGs, and below config/ the recipes and profiles of this checkout
    startup.sh         what every component finds in its environment

`--offline FOLDER` is for where MWAA cannot reach the internet: it takes Airflow's `constraints.txt`
along, which lies in the folder, and the wheels that lie beside it; then pip asks no index.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
AIRFLOW: Final = "3.3.1"
PYTHON: Final = "3.12"
"""The newest of MWAA's: https://github.com/aws/amazon-mwaa-docker-images/tree/main/images/airflow."""

HOME: Final = "/usr/local/airflow"
UNCONSTRAINED: Final = ("duckdb", "obstore", "rfc8785")
"""Dependencies that Airflow's constraints do not name: pinned as this checkout's lock has them."""

STARTUP: Final = f"""#!/bin/sh
# Sourced by every component of MWAA, before Airflow starts. Secrets are no business of this file.
export HEARTH_CONFIG={HOME}/dags/config
export HEARTH_HOME=/tmp/hearth
export HEARTH_PROFILE=PROFILE
"""


def build(into: Path, profile: str, offline: Path | None) -> None:
    """Build all of it; what was there before is gone."""
    shutil.rmtree(into, ignore_errors=True)
    dags = into / "dags"
    dags.mkdir(parents=True)
    for path in sorted((ROOT / "dags").glob("*.py")):
        shutil.copy(path, dags / path.name)
    for name in ("recipes", "profiles", "presets"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(ROOT / name, dags / "config" / name, ignore=ignored)
    where = (
        "https://raw.githubusercontent.com/apache/airflow/"
        f"constraints-{AIRFLOW}/constraints-{PYTHON}.txt"
    )
    wheels: list[Path] = []
    if offline is not None:
        wheels = sorted(offline.glob("*.whl"))
        shutil.copy(_constraints(offline), dags / "constraints.txt")
        where = f"{HOME}/dags/constraints.txt"
    wheel = _wheel(into)
    with zipfile.ZipFile(into / "plugins.zip", "w", zipfile.ZIP_DEFLATED) as plugins:
        for path in (wheel, *(one for one in wheels if one.name != wheel.name)):
            plugins.write(path, path.name)
        plugins.write(ROOT / "plugins" / "hearth_plugin.py", "hearth_plugin.py")
    wheel.unlink()
    # https://docs.aws.amazon.com/mwaa/latest/userguide/best-practices-dependencies.html
    index = [f"--find-links {HOME}/plugins", "--no-index"] if wheels else []
    lines = [*index, f'--constraint "{where}"', *_pins(), f"{HOME}/plugins/{wheel.name}"]
    # The extras that MWAA's Airflow lacks; their versions are the constraints' affair.
    lines += ["apache-airflow-providers-openlineage", "apprise"]
    (into / "requirements.txt").write_text("\n".join(lines) + "\n", encoding="utf-8")
    startup = STARTUP.replace("=PROFILE", f"={profile}")
    (into / "startup.sh").write_text(startup, encoding="utf-8")


def _wheel(into: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", into]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = into.glob("*.whl")
    return wheel


def _constraints(folder: Path) -> Path:
    path = folder / "constraints.txt"
    if not path.is_file():
        message = f"{path}: is not there: put Airflow's constraints for {AIRFLOW} there"
        raise SystemExit(message)
    return path


def _pins() -> list[str]:
    lock = (ROOT / "requirements.txt").read_text(encoding="utf-8")
    pins = []
    for name in UNCONSTRAINED:
        found = re.search(rf"^{name}==\S+", lock, re.MULTILINE)
        if found is None:
            message = f"{name}: not in requirements.txt"
            raise SystemExit(message)
        pins.append(found.group())
    return pins


def main() -> None:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("into", type=Path)
    parser.add_argument("--profile", default="aws", help="the profile that builds use")
    parser.add_argument("--offline", type=Path, metavar="FOLDER", help="constraints and wheels")
    options = parser.parse_args()
    build(options.into.absolute(), options.profile, options.offline)


if __name__ == "__main__":
    main()
