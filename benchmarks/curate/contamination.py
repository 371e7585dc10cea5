"""Measures how text of a suite is found.

From the repository, in either environment:

    python -m benchmarks.curate.contamination frozen
    python -m benchmarks.curate.contamination clean FOLDER_OF_DOCUMENTS ITEMS_PARQUET [--show 20]

`frozen` scores the set of `tests/unit/curate/contamination`. `clean` counts the documents of a
folder that hold a long n-gram of a suite's item: give it documents of no reserved work. What it
finds may be real; `--show` prints it, so that somebody can judge.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Final

import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from hearth.curate.contamination import SuiteIndex, SuiteItem
from hearth.curate.normalise import clean as cleaned
from hearth.curate.sections import DecontaminateSection
from hearth.documents import read_documents
from tests.unit.curate.contamination.score import score

RECALL: Final = 0.98
TOUCHED: Final = 0.001


def main() -> int:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    tasks = parser.add_subparsers(required=True)
    tasks.add_parser("frozen").set_defaults(run=frozen)
    clean_parser = tasks.add_parser("clean")
    clean_parser.add_argument("folder", type=Path)
    clean_parser.add_argument("items", type=Path)
    clean_parser.add_argument("--show", type=int, default=20)
    clean_parser.set_defaults(run=clean)
    arguments = parser.parse_args()
    return int(arguments.run(arguments, Console()))


def frozen(_arguments: argparse.Namespace, console: Console) -> int:
    """Print recall by disguise and language, and the clean documents that are touched."""
    result = score()
    table = Table("disguise", "language", "found", "of")
    for (disguise, language), found in result.recall.items():
        table.add_row(disguise, language, str(sum(found)), str(len(found)))
    console.print(table)
    found, total = sum(map(sum, result.recall.values())), sum(map(len, result.recall.values()))
    console.print(f"{found} of {total} planted items found, bar {RECALL}")
    console.print(f"{len(result.touched)} of {result.clean} clean documents touched, bar {TOUCHED}")
    good = found >= RECALL * total and len(result.touched) <= TOUCHED * result.clean
    return 0 if good else 1


def clean(arguments: argparse.Namespace, console: Console) -> int:
    """Print how many documents hold something, and what."""
    items = [
        SuiteItem(row["task"], row["item"], row["language"], cleaned(row["text"], narrow=True))
        for row in pq.read_table(arguments.items).to_pylist()
    ]
    index = SuiteIndex(items, DecontaminateSection())
    held: Counter[str] = Counter()
    touched = total = 0
    for row in read_documents(sorted(arguments.folder.rglob("*.parquet")), ["text"]):
        text = cleaned(row["text"], narrow=True)
        total += 1
        spans: list[tuple[int, int]] = []
        for match in index.look(text).matches:
            if spans and match.start <= spans[-1][1]:
                spans[-1] = (spans[-1][0], max(match.end, spans[-1][1]))
            else:
                spans.append((match.start, match.end))
        touched += bool(spans)
        held.update(" ".join(text[start:end].split()) for start, end in spans)
    console.print(f"{touched} of {total} documents hold a long n-gram of an item")
    for said, count in held.most_common(arguments.show):
        console.print(f"{count}  {said[:200]!r}", markup=False, highlight=False)
    return 0 if touched <= TOUCHED * total else 1


if __name__ == "__main__":
    sys.exit(main())
