"""What a corpus had of the suite, and what it has still."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from hearth.curate import tables
from hearth.curate.contamination import SuiteItem, unpacked
from hearth.curate.ledger import Action, Step
from hearth.curate.rows import Row
from hearth.curate.sections import DecontaminateSection


class Contamination:
    """Gathers what decontamination found, document by document, in the order of their keys."""

    def __init__(self, items: Sequence[SuiteItem], folder: Path) -> None:
        """Write into `folder` which document gave away how much of which item."""
        self._items = items
        self._writer = tables.Writer(folder, tables.CONTAMINATION)
        self._worst: dict[int, float] = {}
        self._counts: dict[str, Counter[str]] = {item.task: Counter() for item in items}
        self._found: set[int] = set()

    def add(self, row: Row, entered: int, record: Mapping[str, Any]) -> None:
        """Add what the stage says of a document.

        Args:
            row: The document; its step says whether it went.
            entered: Its length before the step.
            record: The columns that `CutContamination` wrote.
        """
        gone = row.step == Step.DECONTAMINATE
        self._found.update(record["items"])
        for task in {self._items[number].task for number in record["items"]}:
            self._counts[task]["documents_dropped" if gone else "documents_cut"] += 1
            own = sum(s["end"] - s["start"] for s in record["cut"] if s["kind"] == task)
            self._counts[task]["characters_cut"] += entered if gone else own
        left = {} if gone else {met.item: met for met in unpacked(record["left"])}
        rows = []
        cut = Action.EDITED if record["cut"] else Action.KEPT
        action = Action.DROPPED if gone else cut
        for met in unpacked(record["met"]):
            item = self._items[met.item]
            still = left[met.item].whole if met.item in left else 0.0
            self._counts[item.task]["near_misses"] += still > 0
            shares = [
                float(f"{share:.6g}") for share in (met.question, met.answer, met.whole, still)
            ]
            what = (row.doc_key, item.task, item.item, action.value, met.start, met.end)
            rows.append((*what, *shares))
        if rows:
            columns = zip(tables.CONTAMINATION.names, zip(*sorted(rows), strict=True), strict=True)
            self._writer.add({name: list(values) for name, values in columns})

    def expose(self, left: bytes) -> None:
        """Add what a document of the train split gives away still, as `packed` has it."""
        for met in unpacked(left):
            self._worst[met.item] = max(met.whole, self._worst.get(met.item, 0.0))

    def report(self, section: DecontaminateSection) -> dict[str, Any]:
        """Return, for each task, what was cut, and the items that train exposes still.

        Args:
            section: From which share an item is exposed.
        """
        names = ("documents_cut", "documents_dropped", "characters_cut", "near_misses")
        report: dict[str, Any] = {}
        for task, counts in sorted(self._counts.items()):
            mine = [number for number, item in enumerate(self._items) if item.task == task]
            bare = sum(self._worst.get(number, 0.0) >= section.exposed_share for number in mine)
            report[task] = {
                **{name: counts[name] for name in names},
                "items": len(mine),
                "items_found": len(self._found.intersection(mine)),
                "items_exposed": bare,
                "exposed": round(bare / len(mine), 6),
            }
        return report

    def close(self) -> tables.Written:
        """Finish the files; return them, with the rows of each."""
        return self._writer.close()
