"""Scores what is found of a suite in the frozen set."""

from __future__ import annotations

import json
from collections import defaultdict
from functools import cache
from pathlib import Path
from typing import Any, Final, NamedTuple

from hearth.curate.contamination import SuiteIndex, SuiteItem
from hearth.curate.normalise import clean
from hearth.curate.pii.policy import Treatment
from hearth.curate.pii.section import PiiSection
from hearth.curate.sections import DecontaminateSection

ITEMS: Final = Path(__file__).with_name("items.jsonl")
PLANTS: Final = Path(__file__).with_name("plants.jsonl")
CLEAN: Final = Path(__file__).with_name("clean.jsonl")


class Score(NamedTuple):
    """What was found, and what was not."""

    recall: dict[tuple[str, str], list[bool]]
    """By disguise and language: whether each planted item was found."""
    missed: list[dict[str, Any]]
    touched: list[dict[str, Any]]
    """Clean documents in which something was found."""
    clean: int


@cache
def score() -> Score:
    """Look for the items in every document; both sides are normalised and redacted alike."""
    treat = Treatment(PiiSection(), b"")

    def told(text: str) -> str:
        return treat(clean(text, narrow=True), droppable=False).text

    items = [
        SuiteItem("frozen", row["item"], row["language"], told(row["text"])) for row in rows(ITEMS)
    ]
    index = SuiteIndex(items, DecontaminateSection())
    recall: dict[tuple[str, str], list[bool]] = defaultdict(list)
    missed = []
    for row in rows(PLANTS):
        found = {items[match.item].item for match in index.look(told(row["text"])).matches}
        recall[row["disguise"], row["language"]].append(row["item"] in found)
        if row["item"] not in found:
            missed.append(row)
    innocent = rows(CLEAN)
    touched = [row for row in innocent if index.look(told(row["text"])).matches]
    return Score(dict(recall), missed, touched, len(innocent))


def rows(path: Path) -> list[dict[str, Any]]:
    """Read a file of the set."""
    with path.open(encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]
