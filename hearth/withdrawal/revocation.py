"""Revocation: what holds a withdrawn document may neither be reused nor served.

There is no second state. A corpus is revoked while it holds a document that a tombstone buries,
and what was made from it is revoked with it. A corpus whose own spec carries the tombstone was
curated without that document. An exception is an event of the build that made the artifact; it
covers what is made from the artifact too, and only the tombstones that it names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any, Final

from pydantic import JsonValue

from hearth.artifact import Artifact, ArtifactRecord, InputRef, read_record
from hearth.build import Build, EventKind
from hearth.curate.spec import PREVIOUS
from hearth.errors import NotFoundError, PolicyViolation
from hearth.lock import Tombstone, TombstoneKind
from hearth.model import FrozenModel, Stage
from hearth.pipeline import StagePlan
from hearth.storage import Store
from hearth.tombstones import Buried, tombstones, without
from hearth.trace.copies import copied_from, keys_of
from hearth.trace.corpora import Corpus

_TEXT: Final = ("doc_key", "content_id", "source", "split")
_NAMED: Final = 3


class Hit(FrozenModel):
    """A document that is in a corpus, and should not be."""

    document: str
    split: str
    tombstone: Tombstone


class Allowed(FrozenModel):
    """Who said that a revoked artifact may be used all the same."""

    artifact: str
    by: str
    reason: str
    at: datetime


class Revocation(FrozenModel):
    """Why an artifact is revoked."""

    artifact: str
    corpus: str
    hits: tuple[Hit, ...]
    since: datetime
    """Of the first withdrawal that no exception covers; of the first, if all are covered."""
    allowed: Allowed | None = None

    def __str__(self) -> str:
        """Say it in a line."""
        named = ", ".join(hit.document for hit in self.hits[:_NAMED])
        more = f" and {len(self.hits) - _NAMED} more" if len(self.hits) > _NAMED else ""
        grave = self.hits[0].tombstone
        return (
            f"{self.corpus} holds {named}{more}, withdrawn since {grave.since:%Y-%m-%d} "
            f"({grave.reason})"
        )


def hits(corpus: Corpus, graves: Iterable[Tombstone]) -> tuple[Hit, ...]:
    """Return the documents of a corpus that tombstones bury; those it was curated under cannot."""
    buried = Buried(without(graves, _under(corpus.record)))
    if not buried:
        return ()
    near = _near(corpus, buried)
    found = []
    for row in corpus.documents(columns=_TEXT):
        grave = buried.grave(row["doc_key"], row["content_id"], row["source"])
        grave = grave or near.get(row["doc_key"])
        if grave is not None:
            found.append(Hit(document=row["doc_key"], split=row["split"], tombstone=grave))
    return tuple(sorted(found, key=lambda hit: hit.document))


def revocation(
    root: Store,
    ref: InputRef,
    graves: tuple[Tombstone, ...] | None = None,
    scanned: dict[str, tuple[Hit, ...]] | None = None,
) -> Revocation | None:
    """Return why an artifact is revoked; None if it is not, or is not finished.

    Args:
        root: the root of the store.
        ref: the artifact.
        graves: the tombstones in force; read if they are not given.
        scanned: what was found in corpora for these tombstones: pass one dict with many artifacts,
            and each corpus is read once.
    """
    graves = tombstones(root) if graves is None else graves
    if not graves:
        return None
    scanned = {} if scanned is None else scanned
    for record in _corpora_of(root, ref):
        corpus = Corpus(root, record)
        if record.fingerprint not in scanned:
            scanned[record.fingerprint] = hits(corpus, graves)
        found = scanned[record.fingerprint]
        if found:
            exceptions = list(_exceptions(root, (ref.uri, corpus.uri)))
            covered = {pair for _, pairs in exceptions for pair in pairs}
            bare = [hit for hit in found if not _ids([hit]) <= covered] or found
            return Revocation(
                artifact=ref.uri,
                corpus=corpus.uri,
                hits=found,
                since=min(hit.tombstone.since for hit in bare),
                allowed=next((by for by, pairs in exceptions if _ids(found) <= pairs), None),
            )
    return None


def refuse(
    root: Store,
    ref: InputRef,
    use: str,
    graves: tuple[Tombstone, ...] | None = None,
    scanned: dict[str, tuple[Hit, ...]] | None = None,
) -> None:
    """Refuse the use of an artifact that is revoked, unless somebody allowed it.

    Args:
        root: the root of the store.
        ref: the artifact.
        use: what is to be done with it, such as "serve".
        graves: as for `revocation`.
        scanned: as for `revocation`.

    Raises:
        PolicyViolation: it is revoked; says why, and what to do.
    """
    why = revocation(root, ref, graves, scanned)
    if why is not None and why.allowed is None:
        message = (
            f"cannot {use} {ref.uri}: it is revoked: {why}. Build anew: the new build's lock has "
            "the tombstone. To use it all the same, put on record who wants that and why: "
            f"hearth withdraw --allow {ref.uri} --reason …"
        )
        raise PolicyViolation(message)


def refuse_plan(root: Store, plan: StagePlan) -> None:
    """Refuse to reuse what a plan names, or to make it from what is revoked.

    Raises:
        PolicyViolation: as `refuse`.
    """
    artifact = Artifact(root, plan.stage, plan.fingerprint)
    if artifact.record() is not None:
        refuse(root, plan.ref(), "reuse")
        return
    graves = tombstones(root)
    scanned: dict[str, tuple[Hit, ...]] = {}
    for role, ref in plan.inputs.items():
        if role != PREVIOUS:
            refuse(root, ref, f"make {plan.stage} from its {role}", graves, scanned)


def allow(root: Store, uri: str, by: str, reason: str) -> Revocation:
    """Put on record that a revoked artifact may be used all the same.

    Raises:
        NotFoundError: there is no such artifact, or it is not revoked.
    """
    record = read_record(root.sub(root.relative(uri)))
    ref = Artifact(root, record.stage, record.fingerprint).ref()
    graves = tombstones(root)
    scanned: dict[str, tuple[Hit, ...]] = {}
    why = revocation(root, ref, graves, scanned)
    if why is None:
        message = f"{uri}: is not revoked: there is nothing to allow"
        raise NotFoundError(message)
    covered: list[JsonValue] = [[str(kind), value] for kind, value in sorted(_ids(why.hits))]
    Build(root, record.provenance.build).append(
        EventKind.ALLOWED,
        record.stage,
        artifact=ref.uri,
        by=by,
        reason=reason,
        tombstones=covered,
    )
    return revocation(root, ref, graves, scanned) or why


def _corpora_of(root: Store, ref: InputRef) -> Iterator[ArtifactRecord]:
    waiting, seen = [ref], {ref.fingerprint}
    while waiting:
        now = waiting.pop()
        try:
            record = read_record(root.sub(root.relative(now.uri)), now.fingerprint)
        except NotFoundError:
            continue  # Not made yet, or collected: then there is nothing of it to be used.
        if record.stage is Stage.CURATE:
            yield record
            continue
        for below in record.inputs.values():
            if below.fingerprint not in seen:
                seen.add(below.fingerprint)
                waiting.append(below)


def _under(record: ArtifactRecord) -> set[tuple[str, str]]:
    graves: Any = record.spec.get("tombstones") or []
    return {(str(grave["kind"]), str(grave["value"])) for grave in graves}


def _near(corpus: Corpus, buried: Buried) -> dict[str, Tombstone]:
    graves = buried.by_kind[TombstoneKind.NEAR]
    if not graves:
        return {}
    named = dict(graves)
    named |= {key: graves[content] for key, content in keys_of(corpus, graves).items()}
    return {key: named[of] for key, of in copied_from(corpus, named).items()}


def _ids(found: Iterable[Hit]) -> set[tuple[str, str]]:
    return {(str(hit.tombstone.kind), hit.tombstone.value) for hit in found}


def _exceptions(
    root: Store, uris: tuple[str, ...]
) -> Iterator[tuple[Allowed, set[tuple[str, str]]]]:
    """Yield the exceptions on record for artifacts, and the tombstones that each covers."""
    for uri in uris:
        record = read_record(root.sub(root.relative(uri)))
        for event in Build(root, record.provenance.build).events():
            if event.kind is not EventKind.ALLOWED or event.data.get("artifact") != uri:
                continue
            graves: Any = event.data.get("tombstones") or []
            allowed = Allowed(
                artifact=uri,
                by=str(event.data.get("by")),
                reason=str(event.data.get("reason")),
                at=event.at,
            )
            yield allowed, {(str(kind), str(value)) for kind, value in graves}
