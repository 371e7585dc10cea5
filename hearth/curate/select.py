"""Between the passes: withdrawn, reserved and copied documents go; groups and splits are dealt."""

from __future__ import annotations

from collections import defaultdict
from typing import Final

import numpy as np
import numpy.typing as npt

from hearth.curate.assigned import Assigned
from hearth.curate.clusters import Clusters, Level, Member, diameter
from hearth.curate.copies import Copies, canonical, find_copies
from hearth.curate.groups import deal
from hearth.curate.index import NONE, STEPS, Index
from hearth.curate.keys import ContentKey
from hearth.curate.ledger import Action, Ledger, Step
from hearth.curate.near import jaccard
from hearth.curate.plan import SPLITS
from hearth.curate.rows import Row
from hearth.curate.sets import Sets
from hearth.curate.sketches import Sketches
from hearth.curate.spec import CurateSpec
from hearth.lock import TombstoneKind, names_of
from hearth.parquet import streamed

_READING: Final = (Step.READ, Step.LANGUAGE, Step.NORMALISE, Step.PII)
_SELECTING: Final = (Step.WITHDRAWN, Step.RESERVED, Step.EXACT, Step.NEAR)
_ORDER: Final = {step: number for number, step in enumerate(STEPS)}
_REASONS: Final = (
    "",
    "withdrawn by source",
    "withdrawn by key",
    "withdrawn by content",
    "withdrawn as a near copy",
    "reserved work",
    "copy of a reserved work",
    "exact copy",
    "near copy",
)
_BY_SOURCE, _BY_KEY, _BY_CONTENT, _BY_NEAR, _RESERVED, _COPY, _EXACT, _NEAR = range(1, 9)


class Selection:
    """Why documents went between the passes, and in favour of which; by place."""

    def __init__(self, index: Index) -> None:
        self.index = index
        self.reason = np.zeros(len(index), dtype=np.uint8)
        self.original = np.full(len(index), NONE, dtype=np.uint32)
        self._shingles = Sets(index.shingles, index.number)

    def give_up(
        self,
        places: npt.NDArray[np.int64],
        step: Step,
        reason: int,
        originals: npt.NDArray[np.int64] | None = None,
    ) -> None:
        """Give up documents, in favour of others if that is said."""
        self.index.step[places] = _ORDER[step]
        self.reason[places] = reason
        if originals is not None:
            self.original[places] = originals

    def likeness(self, place: int, other: int) -> float:
        """Return the Jaccard of two documents."""
        return jaccard(self._shingles[place], self._shingles[other])

    def is_copy(self, sketches: Sketches, place: int) -> bool:
        """Say whether a document is a near copy of what was withdrawn."""
        return sketches.bury(self._shingles[place])

    def why(self, place: int) -> str:
        """Return why a document went; empty if it did not."""
        return _REASONS[self.reason[place]]


def select(
    index: Index,
    spec: CurateSpec,
    key: ContentKey,
    ledger: Ledger,
    clusters: Clusters,
    assigned: Assigned,
) -> None:
    """Give documents up, step by step, and deal groups, splits and folds to those that stay.

    Args:
        index: All documents; its arrays are changed.
        spec: What to do.
        key: Under which groups are named.
        ledger: Told of every decision, those of the first pass too.
        clusters: Told of the clusters of copies.
        assigned: The splits that an earlier corpus assigned.

    Raises:
        DataError: Too few groups are left to fill every split.
    """
    selection = Selection(index)
    copies = find_copies(index, spec)
    _withdraw_and_reserve(selection, copies, spec, key)
    candidates = index.live
    _drop_copies(selection, copies)
    _describe(selection, copies, clusters)
    deal(index, copies, candidates, spec, key, assigned)
    announce(index, ledger, selection)


def _withdraw_and_reserve(
    selection: Selection, copies: Copies, spec: CurateSpec, key: ContentKey
) -> None:
    index, live = selection.index, selection.index.live
    if not spec.tombstones and not spec.reserved:
        return
    values: dict[TombstoneKind, set[str]] = defaultdict(set)
    for grave in spec.tombstones:
        values[grave.kind].add(grave.value)
    keys, contents = values[TombstoneKind.KEY], values[TombstoneKind.CONTENT]
    wide, sources = values[TombstoneKind.NEAR], values[TombstoneKind.SOURCE]
    works = set(spec.reserved)
    named = np.zeros(len(index), dtype=np.uint8)
    buried, reserved = np.zeros(len(index), dtype=bool), np.zeros(len(index), dtype=bool)
    with streamed(index.documents) as file:
        place = 0
        for batch in file.iter_batches(columns=["doc_key", "content_id", "source", "work"]):
            for name, content, source, work in zip(
                *(column.to_pylist() for column in batch.columns), strict=True
            ):
                if source in sources:
                    named[place] = _BY_SOURCE
                elif not keys.isdisjoint(names_of(name)):
                    named[place] = _BY_KEY
                elif content in contents:
                    named[place] = _BY_CONTENT
                buried[place] = name in wide or content in wide
                reserved[place] = work in works
                place += 1
    for reason in (_BY_SOURCE, _BY_KEY, _BY_CONTENT):
        selection.give_up(np.flatnonzero(live & (named == reason)), Step.WITHDRAWN, reason)
    sketches = Sketches(spec.tombstones, spec.dedup, key)
    for place in np.flatnonzero(index.live & ~buried).tolist() if sketches else ():
        buried[place] = selection.is_copy(sketches, place)
    with_it = np.isin(copies.near, copies.near[live & buried])
    selection.give_up(np.flatnonzero(index.live & with_it), Step.WITHDRAWN, _BY_NEAR)
    # What was withdrawn reserves its copies all the same.
    first = np.full(len(index), NONE, dtype=np.uint32)
    held = np.flatnonzero(live & reserved)[::-1]
    first[copies.near[held]] = held
    gone = np.flatnonzero(index.live & reserved)
    selection.give_up(gone, Step.RESERVED, _RESERVED)
    gone = np.flatnonzero(index.live & (first[copies.near] != NONE))
    selection.give_up(gone, Step.RESERVED, _COPY, first[copies.near[gone]].astype(np.int64))


def _drop_copies(selection: Selection, copies: Copies) -> None:
    index = selection.index
    passes = ((Step.EXACT, _EXACT, copies.exact), (Step.NEAR, _NEAR, copies.near))
    for step, reason, sets in passes:
        # Near copies chain through exact ones, also through those that just went.
        members = np.flatnonzero(index.live & copies.crowded)
        gone, stays = canonical(members, sets, index.preferred)
        selection.give_up(gone, step, reason, stays)


def _describe(selection: Selection, copies: Copies, clusters: Clusters) -> None:
    """Tell of the clusters of copies; none of their members has met a later step yet."""
    index = selection.index
    members = np.flatnonzero(copies.crowded)
    members = members[np.argsort(copies.near[members], kind="stable")]
    names = copies.near[members]
    starts = np.flatnonzero(np.concatenate([[True], names[1:] != names[:-1]])[: len(names)])
    for start, end in zip(starts, np.append(starts[1:], len(members)), strict=False):
        places = members[start:end]
        contents = [index.content(place) for place in places]
        stays = next((int(place) for place in places if not index.step[place]), None)
        # Of equal contents the last speaks, in the place of the first.
        distinct = dict(zip(contents, places.tolist(), strict=True))
        width = diameter(Sets(index.shingles, index.number[list(distinct.values())]))
        cluster, kept = min(contents), None if stays is None else index.key(stays)
        for place in places.tolist():
            clusters.add(
                Member(
                    cluster=cluster,
                    level=Level.DOCUMENT,
                    reason=selection.why(place) or "stays",
                    doc_key=index.key(place),
                    paragraph=None,
                    canonical=kept,
                    canonical_paragraph=None,
                    likeness=None if stays is None else selection.likeness(place, stays),
                    diameter=width,
                )
            )


def announce(index: Index, ledger: Ledger, selection: Selection | None = None) -> None:
    """Tell the ledger what became of documents in the first pass, and since."""
    for row in index.rows():
        if _was_read(row, ledger) and selection is not None:
            _was_selected(row, selection, ledger)


def _was_read(row: Row, ledger: Ledger) -> bool:
    """Tell the ledger of the first pass; return whether the document is still in after it."""
    for step in _READING:
        entered = row.characters if step is Step.PII else row.entered
        if row.step == step:
            ledger.add(step, row.dropped(entered, row.reason, score=row.score))
            return False
        if step is Step.NORMALISE:
            edited = Action.EDITED if row.changed else Action.KEPT
            ledger.add(step, row.kept(entered, row.characters, action=edited))
        elif step is Step.PII:
            edited = Action.EDITED if row.spans else Action.KEPT
            ledger.add(step, row.kept(entered, row.size, action=edited, spans=row.spans))
        else:
            ledger.add(step, row.kept(entered, entered))
    return True


def _was_selected(row: Row, selection: Selection, ledger: Ledger) -> None:
    for step in _SELECTING:
        if row.step == step:
            original = int(selection.original[row.place])
            copied = None if original == NONE else selection.index.key(original)
            # What is reserved is no copy that was measured: its cluster was.
            score = None
            if copied is not None and step is not Step.RESERVED:
                score = selection.likeness(row.place, original)
            reason = selection.why(row.place)
            ledger.add(step, row.dropped(row.size, reason, canonical=copied, score=score))
            return
        ledger.add(step, row.kept(row.size, row.size))
    split = SPLITS[selection.index.split[row.place]]
    ledger.add(Step.SPLIT, row.kept(row.size, row.size, reason=split.value))
