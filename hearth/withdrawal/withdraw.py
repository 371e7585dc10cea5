"""Withdrawing documents: tombstones for all that is known of them, and what holds them by now.

A withdrawal is put down twice: its tombstones, which every later lock carries, and a record of who
wanted it, why, and what held the documents then. Neither ever holds a document's text.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any, Final

from pydantic import Field

from hearth.artifact import Artifact
from hearth.errors import NotFoundError, SpecError
from hearth.lock import Tombstone, TombstoneKind, names_of
from hearth.model import FrozenModel, Stage, parse
from hearth.rejects import Area
from hearth.scan import scan
from hearth.storage import Store
from hearth.tombstones import bury, tombstones
from hearth.trace.copies import Known, contents_of, sketches_of, with_copies
from hearth.trace.corpora import Corpus
from hearth.trace.descent import Descent
from hearth.withdrawal.holding import Holding
from hearth.withdrawal.holdings import holdings

RECORDS: Final = "withdrawals"
_MOST: Final = 50_000
_KEY: Final = ("doc_key",)
_MOST_SKETCHES: Final = 10_000
"""Some 9 MB of tombstones, which every lock and every corpus's spec carries."""


class Match(StrEnum):
    """How widely a withdrawal reaches; each includes those before it."""

    KEY = "key"
    CONTENT = "content"
    NEAR = "near"


class Wish(FrozenModel):
    """What somebody wants to have withdrawn."""

    documents: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    match: Match = Match.NEAR
    reason: str = Field(min_length=1)
    by: str
    unseen: bool = Field(default=False, description="Also what the store never saw.")


class Withdrawal(FrozenModel):
    """A wish, the tombstones that it comes to, and what they bury."""

    schema_version: int = 1
    id: str
    at: datetime
    wish: Wish
    documents: tuple[str, ...] = Field(description="The documents that were found for it.")
    copies: tuple[str, ...] = Field(description="Exact and near copies that go with them.")
    tombstones: tuple[Tombstone, ...] = Field(description="Those that are new.")
    known: int = Field(description="Tombstones of this wish that were in force before.")
    unsketched: int = Field(
        default=0,
        description="Contents whose near copies are only found while a source has the document.",
    )
    holdings: tuple[Holding, ...]


def plan_withdrawal(root: Store, wish: Wish, area: Area | None = None) -> Withdrawal:
    """Return what a withdrawal would do; nothing is written.

    Args:
        root: the root of the store.
        wish: what is to be withdrawn.
        area: the profile's reject area, if it has one.

    Raises:
        NotFoundError: the store never saw a document or source; says what was searched.
        SpecError: nothing is named, or too much at once.
    """
    if not wish.documents and not wish.sources:
        message = "withdraw: nothing is named: give --document or --source"
        raise SpecError(message)
    now = datetime.now(UTC)
    descent = Descent.of(root)
    corpora = [Corpus(root, record) for record in descent.of_stage(Stage.CURATE)]
    keys = _documents(root, descent, corpora, wish)
    copies, contents = _known_as(corpora, keys, wish.match)
    wanted = _tombstones(wish, keys, contents, now)
    if len(wanted) > _MOST:
        message = (
            f"withdraw: comes to {len(wanted)} tombstones, and every lock carries them: at most "
            f"{_MOST}: use --match key"
        )
        raise SpecError(message)
    old = {grave.id for grave in tombstones(root)}
    return Withdrawal(
        id=f"{now:%Y%m%dT%H%M%SZ}-{uuid.uuid4().hex[:8]}",
        at=now,
        wish=wish,
        documents=tuple(sorted(keys)),
        copies=tuple(sorted(copies - keys)),
        tombstones=tuple(grave for grave in wanted if grave.id not in old),
        known=sum(grave.id in old for grave in wanted),
        unsketched=len(contents) - sum(grave.sketch is not None for grave in wanted)
        if wish.match is Match.NEAR
        else 0,
        holdings=holdings(root, wanted, descent, area),
    )


def withdraw(root: Store, plan: Withdrawal) -> None:
    """Put a withdrawal into force, and keep its record."""
    if plan.tombstones:
        bury(root, plan.id, plan.tombstones)
    root.create(f"{RECORDS}/{plan.id}.json", plan.model_dump_json(indent=1).encode())


def withdrawals(root: Store) -> Iterator[Withdrawal]:
    """Yield the records of all withdrawals."""
    for info in root.list(RECORDS):
        advice = "restore the version before: what serves is held against it"
        yield parse(Withdrawal, root.get(info.path), root.url(info.path), "of a withdrawal", advice)


def _documents(root: Store, descent: Descent, corpora: Sequence[Corpus], wish: Wish) -> set[str]:
    found: dict[str, set[str]] = {name: set() for name in (*wish.documents, *wish.sources)}
    read = 0

    def look(keys: Iterable[str]) -> None:
        nonlocal read
        for key in keys:
            read += 1
            for name in names_of(key):
                if name in wish.documents:
                    found[name].add(key)
            for source in wish.sources:
                if key.startswith(f"{source}:"):
                    found[source].add(key)

    for corpus in corpora:
        outputs = corpus.record.outputs_named("decisions/step=read")
        look(str(row["doc_key"]) for row in scan(corpus.artifact.folder, outputs, _KEY))
    mirrors = descent.of_stage(Stage.MIRROR)
    for mirror in mirrors:
        folder = Artifact(root, Stage.MIRROR, mirror.fingerprint).folder
        look(str(row["doc_key"]) for row in scan(folder, mirror.outputs_named("documents"), _KEY))
    unknown = sorted(name for name, keys in found.items() if not keys)
    if unknown and not wish.unseen:
        message = (
            f"withdraw {', '.join(unknown)}: the store never saw it: searched {read} documents in "
            f"{len(mirrors)} mirrors and {len(corpora)} corpora of {root.uri}: check the key, "
            "`source:record`; with --unseen it is buried all the same"
        )
        raise NotFoundError(message)
    return set().union(*found.values())


def _known_as(
    corpora: Sequence[Corpus], keys: set[str], match: Match
) -> tuple[set[str], dict[str, Known]]:
    """Return copies and contents of documents, in all corpora: a text may have changed."""
    copies: set[str] = set(keys)
    contents: dict[str, Known] = {}
    if match is Match.KEY:
        return copies, contents
    for corpus in corpora:
        here = with_copies(corpus, keys) if match is Match.NEAR else set(keys)
        copies |= here
        known = sketches_of(corpus, here)
        for content in contents_of(corpus, here).values():
            if content in known or content not in contents:
                contents[content] = known.get(content, Known())
    return copies, contents


def _tombstones(
    wish: Wish, keys: set[str], contents: Mapping[str, Known], now: datetime
) -> list[Tombstone]:
    wanted: dict[tuple[TombstoneKind, str], Tombstone] = {}

    def add(kind: TombstoneKind, value: str, **more: Any) -> None:
        grave = Tombstone(kind=kind, value=value, reason=wish.reason, since=now, by=wish.by, **more)
        wanted.setdefault(grave.id, grave)

    for source in wish.sources:
        add(TombstoneKind.SOURCE, source)
    for document in wish.documents:
        add(TombstoneKind.KEY, document)
    ordered = sorted(contents.items())
    for content, known in ordered:
        add(TombstoneKind.CONTENT, content, key=known.key)
    if wish.match is Match.NEAR:
        # By key: what the document says by then, while it is still mirrored.
        wished = frozenset(wish.documents)
        for key in sorted(keys):
            if not wished.isdisjoint(names_of(key)):
                add(TombstoneKind.NEAR, key)
        # By sketch: what it says now, when no source has it any more.
        sketched = [(content, known) for content, known in ordered if known.sketch is not None]
        for content, known in sketched[:_MOST_SKETCHES]:
            add(TombstoneKind.NEAR, content, key=known.key, sketch=known.sketch)
    return list(wanted.values())
