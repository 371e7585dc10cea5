"""Asks pip-audit what is known against the packages of the images.

It answers for what its database knows. Where that is not reached, or knows nothing of a package,
the package counts as not audited: "no known vulnerabilities" says nothing of it.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).resolve().parents[2]
LOCKS: Final = ("airflow", "curate", "model", "store", "build")
_SECONDS: Final = 120


def audit(tool: Path) -> dict[str, Any]:
    """Return how many packages there are, how many were audited, and what is known against those.

    Args:
        tool: the folder that pip-audit is installed in.
    """
    packages, answered, known, why = set[str](), set[str](), set[str](), ""
    for name in LOCKS:
        lock = ROOT / "docker" / f"requirements-{name}.txt"
        packages |= {line.split()[0] for line in lock.read_text().splitlines() if "==" in line}
        answers, said = _asked(tool, lock)
        why = why or said
        for one in answers:
            if "skip_reason" not in one:
                what = f"{one['name']}=={one['version']}"
                answered.add(what)
                known |= {f"{what}: {weakness['id']}" for weakness in one["vulns"]}
    if missed := len(packages - answered):
        sys.stdout.write(f"unverified: what is known against {missed} packages: {why}\n")
    for weakness in sorted(known):
        sys.stdout.write(f"known weakness: {weakness}\n")
    return {"packages": len(packages), "audited": len(answered), "weaknesses": sorted(known)}


def _asked(tool: Path, lock: Path) -> tuple[list[dict[str, Any]], str]:
    """Return pip-audit's answers on a lock, and why there may be none."""
    with tempfile.TemporaryDirectory() as folder:
        told = Path(folder) / "told.json"
        command = [
            sys.executable, "-m", "pip_audit", f"--requirement={lock}", "--disable-pip",
            "--no-deps", "--timeout=10", "--progress-spinner=off", "--format=json",
            f"--output={told}",
        ]  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(tool)}
        try:
            done = subprocess.run(
                command, check=False, capture_output=True, text=True, timeout=_SECONDS,
                env=environment,
            )  # fmt: skip
        except subprocess.TimeoutExpired:
            return [], f"no answer within {_SECONDS} seconds"
        if not told.exists():
            return [], (done.stderr.strip().splitlines() or ["no answer"])[-1]
        answers: list[dict[str, Any]] = json.loads(told.read_text())["dependencies"]
    skipped = [one["skip_reason"] for one in answers if "skip_reason" in one]
    return answers, skipped[0] if skipped else ""
