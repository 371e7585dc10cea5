"""Lines that a source repeats in document after document: navigation, credits, notices."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence

from hearth.curate.hashing import letters
from hearth.curate.ledger import Action, Ledger, Step
from hearth.curate.rows import Row, live
from hearth.curate.sections import BoilerplateSection
from hearth.curate.spec import CurateSpec, Domain


def repeated(texts: Iterable[str], section: BoilerplateSection) -> frozenset[str]:
    """Return the lines, without white space around them, that enough of some texts hold."""
    if section.share is None:
        return frozenset()
    counts: Counter[str] = Counter()
    total = 0
    for text in texts:
        total += 1
        counts.update(
            {line.strip() for line in text.split("\n") if len(line) >= section.characters}
        )
    least = max(section.documents, section.share * total)
    return frozenset(
        line
        for line, count in counts.items()
        if count >= least and len(letters(line)[0]) >= section.characters
    )


def without(text: str, lines: Collection[str]) -> tuple[str, list[tuple[int, int]]]:
    """Cut lines from a text; return what is left, and where they were."""
    kept: list[str] = []
    cut: list[tuple[int, int]] = []
    start = 0
    for line in text.split("\n"):
        if line.strip() in lines:
            cut.append((start, start + len(line)))
        elif line or not kept or kept[-1]:  # no two empty lines in a row are left behind
            kept.append(line)
        start += len(line) + 1
    return ("\n".join(kept).strip("\n"), cut) if cut else (text, cut)


def cut_boilerplate(everybody: Sequence[Row], spec: CurateSpec, ledger: Ledger) -> None:
    """Cut from live rows the lines that their source repeats; code keeps its lines."""
    section = spec.normalise.boilerplate
    by_source: dict[str, list[Row]] = defaultdict(list)
    for row in live(everybody):
        by_source[row.source].append(row)
    lines: Mapping[str, frozenset[str]] = {
        source: frozenset()
        if spec.domain(source) is Domain.CODE
        else repeated((row.text for row in rows), section)
        for source, rows in by_source.items()
    }
    for row in live(everybody):
        size = len(row.text)
        text, where = without(row.text, lines[row.source])
        if not where:
            ledger.add(Step.BOILERPLATE, [row.kept(size, size)])
            continue
        cut = tuple(("boilerplate", start, end) for start, end in where)
        if not text.strip():
            row.step, row.reason = Step.BOILERPLATE.value, "nothing else"
            ledger.add(Step.BOILERPLATE, [row.dropped(size, row.reason, spans=cut)])
            continue
        row.text = text
        decision = row.kept(size, len(text), action=Action.EDITED, spans=cut)
        ledger.add(Step.BOILERPLATE, [decision])
