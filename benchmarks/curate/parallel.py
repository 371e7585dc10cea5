"""Measures whether the rules of quality treat Chinese as they treat English.

From the repository, in the stages' environment:

    python -m benchmarks.curate.parallel FOLDER_OF_DOCUMENTS

Documents that are there in both languages, as their sources say, are identified, normalised and
judged; printed is what stays of them, and which rules took the rest. A corpus's data card says the
same of every step.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter, defaultdict
from pathlib import Path
from typing import Any, Final

import pandas as pd
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.text.modifiers import Modify
from nemo_curator.tasks import DocumentBatch
from rich.console import Console
from rich.table import Table

from hearth.curate.executor import InProcessExecutor, quiet
from hearth.curate.ledger import Step
from hearth.curate.prepare import BATCH
from hearth.curate.spec import QualitySection
from hearth.curate.stages.clean import CleanText, RepairText, TakeChange
from hearth.curate.stages.language import IdentifyLanguage
from hearth.curate.stages.quality import FilterByLanguage, filters_of
from hearth.documents import read_documents

GAP: Final = 2.0
"""Points that Chinese may lose over English."""
_COLUMNS: Final = ["doc_key", "source", "language", "parallel", "text"]


def main() -> int:
    """Measure, print, and say by the exit code whether the bar is met."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    arguments = parser.parse_args()
    quiet()
    rows = _judged(arguments.folder)
    spoken: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        spoken[row["parallel"]].add(row["language"])
    both = {name for name, languages in spoken.items() if {"en", "zh"} <= languages}
    entered: Counter[tuple[str, str]] = Counter()
    lost: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for row in rows:
        if row["parallel"] in both and row["step"] in {"", Step.QUALITY}:
            for unit, size in (("documents", 1), ("characters", len(row["text"]))):
                entered[row["language"], unit] += size
                if row["step"]:
                    lost[row["language"], unit][row["reason"]] += size
    table = Table("", "of", "kept", "taken by, in points")
    kept = {}
    for key, whole in sorted(entered.items()):
        kept[key] = 100 * (1 - lost[key].total() / whole)
        rules = [f"{name} {100 * size / whole:.1f}" for name, size in lost[key].most_common(6)]
        table.add_row(" ".join(key), str(whole), f"{kept[key]:.1f} %", ", ".join(rules))
    console = Console()
    console.print(table)
    gap = max(kept["en", unit] - kept["zh", unit] for unit in ("documents", "characters"))
    console.print(f"Chinese loses {gap:.1f} points more than English, bar {GAP}")
    return 0 if gap <= GAP else 1


def _judged(folder: Path) -> list[dict[str, Any]]:
    paths = sorted(folder.rglob("*.parquet"))
    rows = [row for row in read_documents(paths, _COLUMNS) if row["parallel"]]
    tasks = [
        DocumentBatch(
            dataset_name="parallel",
            data=pd.DataFrame(rows[start : start + BATCH], columns=_COLUMNS),
        )
        for start in range(0, len(rows), BATCH)
    ]
    stages = [
        IdentifyLanguage(),
        Modify(RepairText(), "text", "clean"),
        Modify(CleanText(narrow=True), [["clean", "source"]], "clean"),
        TakeChange(),
        FilterByLanguage(filters=filters_of(QualitySection())),
    ]
    results = Pipeline(name="parallel", stages=stages).run(InProcessExecutor(), initial_tasks=tasks)
    return [row for task in results or [] for row in task.to_pandas().to_dict("records")]


if __name__ == "__main__":
    sys.exit(main())
