"""Runs the tiers of tests in order, each in its environment: what `make test` calls.

A tier that fails does not keep the next from running. The last line sums up all of them.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
AIRFLOW = ROOT / ".venv" / "airflow" / "bin" / "python"
STAGES = ROOT / ".venv" / "stages" / "bin" / "python"


@dataclass(frozen=True)
class Tier:
    """A folder of tests, or some of it, and the interpreter that runs it."""

    name: str
    python: Path
    folders: tuple[str, ...] = ()  # by default the tier's name
    only: str = ""  # those of its tests that this expression over markers takes
    spread: tuple[str, ...] = ()  # over how many processes, and what stays in one

    def run(self, arguments: list[str]) -> Counter[str]:
        """Run it; return how many tests passed, failed and were skipped."""
        with tempfile.TemporaryDirectory() as folder:
            report = Path(folder) / "report.xml"
            tests = [f"tests/{folder}" for folder in self.folders or (self.name,)]
            command = [self.python, "-m", "pytest", *tests, f"--junitxml={report}"]
            command += ["-m", self.only] if self.only else []
            command += [*self.spread, *arguments]
            code = subprocess.run(command, cwd=ROOT, check=False).returncode
            counts = _counts(report)
        # pytest can fail without a failed test: nothing collected, a crash, an interrupt.
        if code != 0 and not counts["failed"]:
            counts["failed"] += 1
        return counts


BY_TEST = ("-n=logical", "--dist=load")
BY_FILE = ("-n=logical", "--dist=loadfile")

TIERS = (
    Tier("unit", AIRFLOW, spread=BY_TEST),
    Tier("compute", AIRFLOW, only="not slurm", spread=BY_TEST),
    Tier("stages", STAGES, spread=BY_FILE),
    Tier("operators", AIRFLOW),
    Tier("dags", AIRFLOW),
    Tier("integration", AIRFLOW),
    Tier("browser", AIRFLOW),
    Tier("faults", AIRFLOW),
    # In more processes than there may be cores, because it waits more than it works; the longest
    # files first.
    Tier(
        "slurm",
        AIRFLOW,
        folders=("rehearsal", "compute"),
        only="slurm",
        spread=("-n=3", "--dist=loadfile", "--no-loadscope-reorder"),
    ),
)


def _counts(report: Path) -> Counter[str]:
    counts: Counter[str] = Counter(passed=0, failed=0, skipped=0)
    if not report.exists():
        return counts
    for suite in ET.parse(report).getroot().iter("testsuite"):  # noqa: S314 - pytest's own
        tests, skipped = int(suite.attrib["tests"]), int(suite.attrib["skipped"])
        failed = int(suite.attrib["failures"]) + int(suite.attrib["errors"])
        counts.update(passed=tests - failed - skipped, failed=failed, skipped=skipped)
    return counts


def main() -> int:
    """Run the tiers that were asked for; return 1 when one failed."""
    names = [tier.name for tier in TIERS]
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", action="append", choices=names, help="run this tier alone")
    parser.add_argument("--skip", action="append", choices=names, default=[], help="leave it out")
    options, arguments = parser.parse_known_args()
    total: Counter[str] = Counter()
    lines = []
    for tier in TIERS:
        if tier.name in options.skip or (options.only and tier.name not in options.only):
            lines.append(f"{tier.name:12} left out")
            continue
        print(f"=== tests/{tier.name}", flush=True)
        began = time.monotonic()
        counts = tier.run(arguments)
        total.update(counts)
        shown = ", ".join(f"{count} {what}" for what, count in counts.items())
        lines.append(f"{tier.name:12} {time.monotonic() - began:5.0f} s  {shown}")
        print(f"=== {lines[-1]}", flush=True)
    print("\n".join(["", *lines]))
    print(f"{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped")
    return 1 if total["failed"] or not total["passed"] else 0


if __name__ == "__main__":
    sys.exit(main())
