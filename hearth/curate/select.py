"""Between the passes: withdrawn, reserved and copied documents go; groups and splits are dealt."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from hearth.curate.assigned import Assigned
from hearth.curate.clusters import Level, Member, diameter
from hearth.curate.hashing import Hashes
from hearth.curate.keys import ContentKey, Domain, fraction
from hearth.curate.ledger import Ledger, Step
from hearth.curate.near import duplicates, jaccard
from hearth.curate.plan import Split, UnionFind, assign, canonical, groups
from hearth.curate.rows import Row, live
from hearth.curate.spec import CurateSpec
from hearth.lock import TombstoneKind, names_of


@dataclass
class Copies:
    """Who is a copy of whom, among some rows."""

    rows: list[Row]
    exact: list[tuple[int, int]]
    near: list[tuple[int, int]]

    def sets(self) -> UnionFind:
        """Return the rows' sets of near-duplicates, exact ones among them."""
        sets = UnionFind(len(self.rows))
        for one, other in (*self.exact, *self.near):
            sets.union(one, other)
        return sets


def select(
    rows: Sequence[Row], spec: CurateSpec, key: ContentKey, ledger: Ledger, assigned: Assigned
) -> list[Member]:
    """Give rows up, step by step, and deal groups, splits and folds to those that stay.

    Args:
        rows: All rows.
        spec: What to do.
        key: Under which groups are named.
        ledger: Told of every decision.
        assigned: The splits that an earlier corpus assigned.

    Returns:
        The members of the clusters of copies.

    Raises:
        DataError: Too few groups are left to fill every split.
    """
    copies = find_copies(live(rows), spec)
    _withdraw(copies, spec, ledger)
    _reserve(copies, spec, ledger)
    candidates = [place for place, row in enumerate(copies.rows) if not row.step]
    _drop_copies(copies, spec, ledger)
    members = _clusters(copies)
    _deal(copies, candidates, spec, key, ledger, assigned)
    return members


def find_copies(rows: list[Row], spec: CurateSpec) -> Copies:
    """Find exact copies by content id, and near ones among what is left."""
    by_content: dict[str | None, list[int]] = defaultdict(list)
    for place, row in enumerate(rows):
        by_content[row.content_id].append(place)
    exact = [(same[0], place) for same in by_content.values() for place in same[1:]]
    # The first by key speaks for its copies: sources may declare the language differently.
    distinct = [min(same, key=lambda place: rows[place].doc_key) for same in by_content.values()]
    if not distinct:
        return Copies(rows, exact, [])
    signatures = np.frombuffer(
        b"".join(rows[place].signature or b"" for place in distinct), dtype=np.uint32
    ).reshape(len(distinct), spec.dedup.permutations)
    shingles = [_shingles(rows[place]) for place in distinct]
    # Chinese and English share no shingles, so no pair crosses languages.
    near = [
        (distinct[one], distinct[other])
        for one, other, _ in duplicates(signatures, shingles, spec.dedup)
    ]
    return Copies(rows, exact, near)


def _withdraw(copies: Copies, spec: CurateSpec, ledger: Ledger) -> None:
    values: dict[TombstoneKind, set[str]] = defaultdict(set)
    for grave in spec.tombstones:
        values[grave.kind].add(grave.value)
    keys, contents = values[TombstoneKind.KEY], values[TombstoneKind.CONTENT]
    wide, sources = values[TombstoneKind.NEAR], values[TombstoneKind.SOURCE]
    sets = copies.sets()
    buried = {
        sets.find(place)
        for place, row in enumerate(copies.rows)
        if row.doc_key in wide or row.content_id in wide
    }
    for place, row in enumerate(copies.rows):
        if row.source in sources:
            _give_up(row, Step.WITHDRAWN, "withdrawn by source", ledger)
        elif not keys.isdisjoint(names_of(row.doc_key)):
            _give_up(row, Step.WITHDRAWN, "withdrawn by key", ledger)
        elif row.content_id in contents:
            _give_up(row, Step.WITHDRAWN, "withdrawn by content", ledger)
        elif sets.find(place) in buried:
            _give_up(row, Step.WITHDRAWN, "withdrawn as a near copy", ledger)
        else:
            _keep(row, Step.WITHDRAWN, ledger)


def _reserve(copies: Copies, spec: CurateSpec, ledger: Ledger) -> None:
    works = set(spec.reserved)
    sets = copies.sets()
    reserved: dict[int, str] = {}
    for place, row in enumerate(copies.rows):
        if row.work in works:
            reserved.setdefault(sets.find(place), row.doc_key)
    for place, row in enumerate(copies.rows):
        if row.step:
            continue
        if row.work in works:
            _give_up(row, Step.RESERVED, "reserved work", ledger)
        elif sets.find(place) in reserved:
            original = reserved[sets.find(place)]
            _give_up(row, Step.RESERVED, "copy of a reserved work", ledger, original)
        else:
            _keep(row, Step.RESERVED, ledger)


def _drop_copies(copies: Copies, spec: CurateSpec, ledger: Ledger) -> None:
    passes = ((Step.EXACT, "exact copy", copies.exact), (Step.NEAR, "near copy", copies.near))
    joined: list[tuple[int, int]] = []
    for step, reason, pairs in passes:
        # Near copies chain through exact ones, also through those that just went.
        joined += pairs
        sets = UnionFind(len(copies.rows))
        for one, other in joined:
            sets.union(one, other)
        clusters: dict[int, list[int]] = defaultdict(list)
        for place, row in enumerate(copies.rows):
            if not row.step:
                clusters[sets.find(place)].append(place)
        candidates = [row.candidate for row in copies.rows]
        gone = canonical(candidates, clusters.values(), spec.dedup.trust)
        for place, row in enumerate(copies.rows):
            if row.step:
                continue
            if place not in gone:
                _keep(row, step, ledger)
                continue
            stays = copies.rows[gone[place]]
            likeness = jaccard(_shingles(row), _shingles(stays))
            _give_up(row, step, reason, ledger, stays.doc_key, likeness)


def _deal(
    copies: Copies,
    candidates: list[int],
    spec: CurateSpec,
    key: ContentKey,
    ledger: Ledger,
    assigned: Assigned,
) -> None:
    number = {place: number for number, place in enumerate(candidates)}
    # By sets, not by pairs: what a withdrawn copy joined stays together.
    joined = ([p for p in places if p in number] for places in copies.sets().sets().values())
    pairs = [(number[one], number[other]) for places in joined for one, other in pairwise(places)]
    everybody = [copies.rows[place] for place in candidates]
    known = [row.candidate for row in everybody]
    names = groups(known, pairs, key)
    for row, group in zip(everybody, names, strict=True):
        row.group = group
    staying = live(everybody)
    shares = {Split.VALIDATION: spec.split.validation, Split.TEST: spec.split.test}
    splits = assign(
        [row.candidate for row in staying],
        [row.group for row in staying],
        shares,
        spec.split.largest_held_out,
        key,
        assigned.of(known, names),
    )
    for row in staying:
        row.split = splits[row.group]
        if row.split is Split.TRAIN:
            row.fold = int(fraction(key.name(Domain.FOLD, row.group)) * spec.perplexity.folds)
        _keep(row, Step.SPLIT, ledger, row.split.value)


def _clusters(copies: Copies) -> list[Member]:
    """Describe the clusters of copies; none of their members has met a later step yet."""
    members: list[Member] = []
    for places in copies.sets().sets().values():
        if len(places) == 1:
            continue
        cluster = [copies.rows[place] for place in places]
        stays = next((row for row in cluster if not row.step), None)
        distinct = {row.content_id: _shingles(row) for row in cluster}
        width = diameter(list(distinct.values()))
        members += [
            Member(
                cluster=min(row.content_id or "" for row in cluster),
                level=Level.DOCUMENT,
                reason=row.reason or "stays",
                doc_key=row.doc_key,
                paragraph=None,
                canonical=stays.doc_key if stays else None,
                canonical_paragraph=None,
                likeness=jaccard(_shingles(row), _shingles(stays)) if stays else None,
                diameter=width,
            )
            for row in cluster
        ]
    return members


def _give_up(
    row: Row,
    step: Step,
    reason: str,
    ledger: Ledger,
    original: str | None = None,
    score: float | None = None,
) -> None:
    row.step, row.reason = step.value, reason
    ledger.add(step, [row.dropped(len(row.text), reason, canonical=original, score=score)])


def _keep(row: Row, step: Step, ledger: Ledger, reason: str | None = None) -> None:
    ledger.add(step, [row.kept(len(row.text), len(row.text), reason=reason)])


def _shingles(row: Row) -> Hashes:
    return np.frombuffer(row.shingles or b"", dtype=np.uint64)
