"""Everything in a store that holds withdrawn documents, and what is to be done about each."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from typing import Any

from hearth.artifact import Artifact, ArtifactRecord
from hearth.attempt import EXIT, JOB
from hearth.errors import DataError, NotFoundError
from hearth.lock import Tombstone, TombstoneKind
from hearth.model import Stage
from hearth.rejects import Area
from hearth.storage import Store
from hearth.tombstones import Buried
from hearth.trace.copies import keys_of
from hearth.trace.corpora import Corpus
from hearth.trace.descent import Descent, Role, seats
from hearth.withdrawal.holding import Holding, Kind, Todo
from hearth.withdrawal.revocation import hits
from hearth.withdrawal.traces import in_mirrors, in_rejects, in_samples, in_shards, not_searched


def holdings(
    root: Store,
    graves: Iterable[Tombstone],
    descent: Descent | None = None,
    area: Area | None = None,
) -> tuple[Holding, ...]:
    """Return what holds documents that tombstones bury, in the order of a document's way.

    Args:
        root: the root of the store.
        graves: the tombstones.
        descent: everything in the store; read if it is not given.
        area: the profile's reject area, if it has one.
    """
    found: dict[tuple[Any, ...], Holding] = {}
    finder = _Finder(root, tuple(graves), descent or Descent.of(root), area)
    for holding in finder.find():
        found.setdefault((holding.kind, holding.name, holding.role), holding)
    order = {kind: number for number, kind in enumerate(Kind)}
    return tuple(sorted(found.values(), key=lambda one: (order[one.kind], one.name)))


class _Finder:
    def __init__(
        self, root: Store, graves: tuple[Tombstone, ...], descent: Descent, area: Area | None
    ) -> None:
        self._root = root
        self._area = area
        self._graves = graves
        self._buried = Buried(graves)
        self._descent = descent
        self._keys: set[str] = set()
        """Documents that are buried by their content, or as copies."""

    def find(self) -> Iterator[Holding]:
        corpora = [Corpus(self._root, one) for one in self._descent.of_stage(Stage.CURATE)]
        kinds = (TombstoneKind.CONTENT, TombstoneKind.NEAR)
        contents = {value for kind in kinds for value in self._buried.by_kind[kind]}
        revoked: set[str] = set()
        for corpus in corpora:
            self._keys |= set(keys_of(corpus, contents))
        for corpus in corpora:
            for holding in self._corpus(corpus):
                revoked.add(corpus.record.fingerprint)
                yield holding
        if self._area is not None:
            yield from in_rejects(self._area, self._is_buried)
        yield from not_searched((corpus.record for corpus in corpora), self._area)
        yield from in_mirrors(self._root, self._descent, self._is_buried)
        yield from in_samples(self._root, self._is_buried)
        yield from in_shards(self._root, self._is_buried)
        for made in self._descent.below(revoked):
            revoked.add(made.fingerprint)
            yield from self._made(made)
        yield from self._attempts(revoked)
        yield from self._endpoints(revoked)

    def _is_buried(self, key: str, content: str | None, source: str | None) -> bool:
        return key in self._keys or self._buried.grave(key, content, source) is not None

    def _corpus(self, corpus: Corpus) -> Iterator[Holding]:
        found = hits(corpus, self._graves)
        if not found:
            return
        keys = tuple(hit.document for hit in found)
        self._keys |= set(keys)
        yield Holding(
            kind=Kind.CORPUS,
            name=corpus.uri,
            build=corpus.record.provenance.build,
            recipe=corpus.record.name,
            documents=keys,
            splits=tuple(sorted({hit.split for hit in found})),
            todo=Todo.REBUILD,
            how=f"`hearth build {corpus.record.name}`, then `hearth gc --withdrawn --delete`",
        )

    def _made(self, record: ArtifactRecord) -> Iterator[Holding]:
        artifact = Artifact(self._root, record.stage, record.fingerprint)
        how = f"`hearth build {record.name}`, then `hearth gc --withdrawn --delete`"
        if record.stage is Stage.TRAIN:
            for number in artifact.folder.folders("attempts"):
                path = f"attempts/{number}/checkpoints"
                if artifact.folder.folders(path) or any(artifact.folder.list(path)):
                    yield Holding(
                        kind=Kind.CHECKPOINT,
                        name=artifact.folder.url(path),
                        build=record.provenance.build,
                        recipe=record.name,
                        todo=Todo.PURGE,
                        how="`hearth gc --withdrawn --delete`",
                    )
        yield Holding(
            kind=Kind.MODEL if record.stage is Stage.TRAIN else Kind.EVALUATION,
            name=artifact.uri,
            build=record.provenance.build,
            recipe=record.name,
            todo=Todo.REBUILD,
            how=how,
        )

    def _attempts(self, revoked: Collection[str]) -> Iterator[Holding]:
        """Yield what is being made, or failed to be, from what is revoked: it has no record."""
        for stage in (Stage.TRAIN, Stage.EVALUATE):
            for fingerprint in self._root.folders(f"artifacts/{stage}"):
                if fingerprint in self._descent.records:
                    continue
                folder = self._root.sub(f"artifacts/{stage}/{fingerprint}")
                for number in folder.folders("attempts"):
                    attempt = folder.sub(f"attempts/{number}")
                    job = _job(attempt)
                    inputs = job.get("inputs", {}).values()
                    if not any(ref.get("fingerprint") in revoked for ref in inputs):
                        continue
                    over = attempt.exists(EXIT)
                    yield Holding(
                        kind=Kind.ATTEMPT,
                        name=attempt.uri,
                        build=job.get("build"),
                        recipe=job.get("name"),
                        todo=Todo.PURGE,
                        how="`hearth gc --withdrawn --delete`"
                        if over
                        else "it may be running: mark its task failed, then purge",
                    )

    def _endpoints(self, revoked: Collection[str]) -> Iterator[Holding]:
        for seat in seats(self._root, set(revoked)):
            record = self._descent.records[seat.fingerprint]
            build = f"`hearth build {record.name}`"
            todo, how = {
                Role.SERVING: (
                    Todo.REPLACE,
                    (
                        f"{build} and let its model take over; until then it serves on, for "
                        "policy.revoked_hours of its profile at most"
                    ),
                ),
                Role.CANDIDATE: (Todo.REPLACE, "its rollout is refused from now on"),
                Role.ANCHOR: (
                    Todo.KEEP,
                    "serves nobody; the gate compares with it, so it stays until another is named",
                ),
                Role.SERVED: (Todo.KEEP, "not served any more, and rollout refuses it"),
            }[seat.role]
            yield Holding(
                kind=Kind.ENDPOINT,
                name=f"{seat.endpoint} {seat.version}",
                build=seat.build,
                recipe=record.name,
                todo=todo,
                how=how,
                role=seat.role,
            )


def _job(attempt: Store) -> dict[str, Any]:
    try:
        job = attempt.get_json(JOB)
    except (NotFoundError, DataError):
        return {}
    return job if isinstance(job, dict) else {}
