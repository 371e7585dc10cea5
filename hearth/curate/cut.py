"""Cut from texts the paragraphs that stand elsewhere too; count the lines that sources repeat."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from hearth.curate import paragraphs
from hearth.curate.boilerplate import LineCounter, Lines
from hearth.curate.clusters import Clusters
from hearth.curate.index import STEPS, Index
from hearth.curate.ledger import Action, Ledger, Step
from hearth.curate.repeats import Repeats
from hearth.curate.rows import Row
from hearth.curate.spec import CurateSpec, Domain
from hearth.shelf import Shelf


@dataclass(frozen=True)
class Texts:
    """What is left of texts, by place, and the lines to be cut from them, by source."""

    shelf: Shelf
    lines: Mapping[int, Lines]

    def __getitem__(self, place: int) -> str:
        """Return a text."""
        return self.shelf[place].decode()


def cut_repeats(index: Index, spec: CurateSpec, ledger: Ledger, clusters: Clusters) -> Texts:
    """Cut from live documents what stands in a more held-out split, or in one that is preferred.

    Args:
        index: All documents; those that have nothing of their own are given up.
        spec: What is long enough.
        ledger: Told of every decision.
        clusters: Told of the clusters of paragraphs.
    """
    repeats = Repeats(index, spec)
    repeats.describe(clusters)
    shelf = Shelf(index.folder, "cut")
    lines = LineCounter(index.folder / "lines.parquet", spec.normalise.boilerplate)
    copies = repeats.copies()
    copy = next(copies, None)
    for row in index.rows():
        gone: dict[int, str] = {}
        while copy is not None and copy.place == row.place:
            gone[copy.number] = copy.reason
            copy = next(copies, None)
        text = "" if row.step else _cut(row, index, gone, ledger)
        shelf.append(text.encode("utf-8", "surrogatepass"))
        if text and spec.domain(row.source) is not Domain.CODE:
            lines.add(int(index.source[row.place]), text)
    return Texts(shelf, lines.repeated(index.database))


def _cut(row: Row, index: Index, gone: Mapping[int, str], ledger: Ledger) -> str:
    text = index.text(row)
    if not gone:
        ledger.add(Step.PARAGRAPH, row.kept(row.size, row.size))
        return text
    left, where = paragraphs.without(text, list(gone))
    spans = tuple((reason, *span) for reason, span in zip(gone.values(), where, strict=True))
    if not left.strip():
        index.step[row.place] = STEPS.index(Step.PARAGRAPH)
        ledger.add(Step.PARAGRAPH, row.dropped(row.size, "nothing of its own", spans=spans))
        return ""
    kept = row.kept(row.size, len(left), action=Action.EDITED, spans=spans)
    ledger.add(Step.PARAGRAPH, kept)
    return left
