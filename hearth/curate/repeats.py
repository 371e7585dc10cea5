"""Cut from rows the paragraphs that stand elsewhere too."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence

import numpy as np
import numpy.typing as npt

from hearth.curate import paragraphs
from hearth.curate.clusters import Level, Member, diameter
from hearth.curate.hashing import Hashes
from hearth.curate.ledger import Action, Ledger, Step
from hearth.curate.plan import HELD_OUT, Split, preference
from hearth.curate.rows import Row, live
from hearth.curate.spec import CurateSpec


def cut_repeats(everybody: Sequence[Row], spec: CurateSpec, ledger: Ledger) -> list[Member]:
    """Cut from live rows what stands in a more held-out split, or in a document that is preferred.

    Returns:
        The members of the clusters of paragraphs.
    """
    rows = live(everybody)
    ranks = {source: rank for rank, source in enumerate(spec.dedup.trust)}
    out = {split: number for number, split in enumerate((*HELD_OUT, Split.TRAIN))}
    order = sorted(
        range(len(rows)),
        key=lambda place: (out[rows[place].split], preference(rows[place].candidate, ranks)),
    )
    rank_of = {place: rank for rank, place in enumerate(order)}
    documents = [
        paragraphs.Document(
            row.text,
            rank_of[place],
            out[row.split],
            row.paragraphs or b"",
            list(_passages(row, spec.dedup.permutations)),
        )
        for place, row in enumerate(rows)
    ]
    copies = paragraphs.copies(documents, spec.dedup)
    by_row: dict[int, dict[int, paragraphs.Copy]] = defaultdict(dict)
    for copy in copies:
        by_row[copy.part.document][copy.part.number] = copy
    for place, row in enumerate(rows):
        gone, size = sorted(by_row[place]), len(row.text)
        if not gone:
            ledger.add(Step.PARAGRAPH, [row.kept(size, size)])
            continue
        text, where = paragraphs.without(row.text, gone)
        cut = tuple(
            (by_row[place][number].reason, *span) for number, span in zip(gone, where, strict=True)
        )
        if not text.strip():
            row.step, row.reason = Step.PARAGRAPH.value, "nothing of its own"
            ledger.add(Step.PARAGRAPH, [row.dropped(size, row.reason, spans=cut)])
            continue
        row.text = text
        ledger.add(Step.PARAGRAPH, [row.kept(size, len(text), action=Action.EDITED, spans=cut)])
    return _paragraph_members(rows, documents, copies)


def _paragraph_members(
    rows: Sequence[Row],
    documents: Sequence[paragraphs.Document],
    copies: Sequence[paragraphs.Copy],
) -> list[Member]:
    # An exact copy's original may itself be a near copy of another paragraph.
    original = {copy.part: copy for copy in copies}

    def root(part: paragraphs.Part) -> paragraphs.Part:
        return root(original[part].original) if part in original else part

    clusters: dict[paragraphs.Part, list[paragraphs.Copy]] = defaultdict(list)
    for copy in copies:
        clusters[root(copy.part)].append(copy)
    members = []
    for stays, gone in clusters.items():
        parts = [stays, *(copy.part for copy in gone)]
        sets: dict[bytes, Hashes] = {}
        for part in parts:
            for number, shingles, _ in documents[part.document].passages:
                if number == part.number:
                    sets[documents[part.document].digest(number)] = shingles
        width = diameter(list(sets.values()))
        name = min(documents[part.document].digest(part.number) for part in parts).hex()
        for part in parts:
            mine = original.get(part)
            members.append(
                Member(
                    cluster=name,
                    level=Level.PARAGRAPH,
                    reason=mine.reason if mine else "stays",
                    doc_key=rows[part.document].doc_key,
                    paragraph=part.number,
                    canonical=rows[stays.document].doc_key,
                    canonical_paragraph=stays.number,
                    likeness=mine.likeness if mine else 1.0,
                    diameter=width,
                )
            )
    return members


def _passages(row: Row, permutations: int) -> Iterator[tuple[int, Hashes, npt.NDArray[np.uint32]]]:
    numbers = np.frombuffer(row.passages or b"", dtype=np.int64).reshape(-1, 2)
    shingles = np.frombuffer(row.passage_shingles or b"", dtype=np.uint64)
    signatures = np.frombuffer(row.passage_signatures or b"", dtype=np.uint32)
    start = 0
    for (number, count), signature in zip(
        numbers.tolist(), signatures.reshape(-1, permutations), strict=True
    ):
        yield number, shingles[start : start + count], signature
        start += count
