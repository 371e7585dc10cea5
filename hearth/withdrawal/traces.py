"""Where withdrawn documents lie as text outside a corpus: mirrors, suites, rejects, samples."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, Final

from hearth.artifact import Artifact, ArtifactRecord, Output
from hearth.attempt import EXIT
from hearth.mirror.spec import CACHE
from hearth.model import Stage
from hearth.policy import REJECTS
from hearth.rejects import Area
from hearth.review.sample import SAMPLES, TEXTS, samples
from hearth.scan import scan
from hearth.storage import Store
from hearth.trace.descent import Descent
from hearth.withdrawal.holding import Holding, Kind, Todo

_SHARDS: Final = "shards/prepare"
"""Where an attempt at curation leaves documents that its successor may take over."""
_MIRRORED: Final = ("doc_key", "source", "work", "parallel")

IsBuried = Callable[[str, str | None, str | None], bool]
"""Told a doc_key, a content_id and a source."""


def in_mirrors(root: Store, descent: Descent, is_buried: IsBuried) -> Iterator[Holding]:
    """Yield the mirrors that hold buried documents, their packages, and suites made of them."""
    for record in descent.of_stage(Stage.MIRROR):
        artifact = Artifact(root, Stage.MIRROR, record.fingerprint)
        outputs = record.outputs_named("documents")
        rows = [
            row
            for row in scan(artifact.folder, outputs, _MIRRORED)
            if is_buried(row["doc_key"], None, row["source"])
        ]
        if not rows:
            continue
        sources = sorted({row["source"] for row in rows})
        yield Holding(
            kind=Kind.MIRROR,
            name=artifact.uri,
            build=record.provenance.build,
            recipe=record.name,
            documents=tuple(sorted(row["doc_key"] for row in rows)),
            todo=Todo.PURGE,
            how="raw text, which curation leaves out from now on; when its sources have moved on, "
            f"or no recipe names {', '.join(sources)}, `hearth gc --delete` removes it",
        )
        for digest in _packages(record, sources):
            if root.exists(f"{CACHE}/{digest}"):
                yield Holding(
                    kind=Kind.PACKAGE,
                    name=root.url(f"{CACHE}/{digest}"),
                    todo=Todo.PURGE,
                    how="as it was fetched; `hearth gc --delete` removes it with the last mirror "
                    "that is made of it",
                )
        yield from _in_suites(root, descent, record, rows)


def in_rejects(area: Area, is_buried: IsBuried) -> Iterator[Holding]:
    """Yield what a reject area holds of buried documents, of whichever corpus they were dropped."""
    columns = ("doc_key", "content_id", "source")
    for held in area.held():
        keys = {
            str(row["doc_key"])
            for row in scan(area.store, area.outputs(held), columns)
            if row["doc_key"] and is_buried(row["doc_key"], row["content_id"], row["source"])
        }
        if not keys:
            continue
        record = held.record
        how = "`hearth gc --withdrawn --delete` takes them out"
        if record is not None and record.object_lock is not None:
            how += f"; not before {held.until:%Y-%m-%d}: under object lock ({record.object_lock})"
        yield Holding(
            kind=Kind.REJECT,
            name=held.uri,
            build=record.made.build if record else None,
            recipe=record.made.recipe if record else None,
            documents=tuple(sorted(keys)),
            todo=Todo.PURGE,
            how=how,
        )


def not_searched(corpora: Iterable[ArtifactRecord], area: Area | None) -> Iterator[Holding]:
    """Yield what corpora put into a reject area that is not the one at hand."""
    own = f"{area.store.uri}/" if area is not None else None
    for record in corpora:
        said = record.metrics.get(REJECTS)
        uri = said.get("uri") if isinstance(said, dict) else None
        if isinstance(uri, str) and (own is None or not uri.startswith(own)):
            yield Holding(
                kind=Kind.REJECT,
                name=uri,
                build=record.provenance.build,
                recipe=record.name,
                todo=Todo.PURGE,
                how="was not searched: this profile names another reject area, or none: use the "
                "profile that the corpus was made under",
            )


def in_samples(root: Store, is_buried: IsBuried) -> Iterator[Holding]:
    """Yield review samples whose texts hold buried documents."""
    for sample in samples(root):
        keys = [
            item.doc_key
            for item in sample.items
            if is_buried(item.doc_key, item.content_id, item.source)
        ]
        path = f"{SAMPLES}/{sample.id}/{TEXTS}"
        if keys and root.exists(path):
            yield Holding(
                kind=Kind.SAMPLE,
                name=root.url(path),
                recipe=sample.recipe,
                documents=tuple(sorted(keys)),
                todo=Todo.PURGE,
                how="`hearth gc --withdrawn --delete`; call in the files that reviewers have",
            )


def in_shards(root: Store, is_buried: IsBuried) -> Iterator[Holding]:
    """Yield attempts at curation that left buried documents behind; the one that won left none."""
    curated = f"artifacts/{Stage.CURATE}"
    for fingerprint in root.folders(curated):
        for number in root.folders(f"{curated}/{fingerprint}/attempts"):
            attempt = root.sub(f"{curated}/{fingerprint}/attempts/{number}")
            outputs = [
                Output(path=info.path, bytes=info.size, sha256="")
                for info in attempt.list(_SHARDS)
                if info.path.endswith(".parquet")
            ]
            keys = [
                row["doc_key"]
                for row in scan(attempt, outputs, ("doc_key", "content_id", "source"))
                if is_buried(row["doc_key"], row["content_id"], row["source"])
            ]
            if keys:
                yield Holding(
                    kind=Kind.ATTEMPT,
                    name=attempt.uri,
                    documents=tuple(sorted(keys)),
                    todo=Todo.PURGE,
                    how="`hearth gc --withdrawn --delete`"
                    if attempt.exists(EXIT)
                    else "it may be running: mark its task failed, then purge",
                )


def _in_suites(
    root: Store, descent: Descent, mirror: ArtifactRecord, rows: Iterable[Mapping[str, Any]]
) -> Iterator[Holding]:
    groups = {str(row["parallel"] or row["doc_key"]) for row in rows}
    for suite in descent.of_stage(Stage.SUITE):
        ref = suite.inputs.get("mirror")
        if ref is None or ref.fingerprint != mirror.fingerprint:
            continue
        artifact = Artifact(root, Stage.SUITE, suite.fingerprint)
        items = suite.outputs_named("items.parquet")
        found = scan(artifact.folder, items, ("group",), where="group", among=groups)
        asked = sorted({str(row["group"]) for row in found})
        if asked:
            yield Holding(
                kind=Kind.SUITE,
                name=artifact.uri,
                build=suite.provenance.build,
                recipe=suite.name,
                documents=tuple(asked),
                todo=Todo.REBUILD,
                how="asks about it: raise `suite.version`; a suite that is made now leaves it out",
            )


def _packages(mirror: ArtifactRecord, sources: Iterable[str]) -> Iterator[str]:
    pins = mirror.spec.get("pins")
    for source in sources:
        pin = pins.get(source) if isinstance(pins, dict) else None
        files = pin.get("files") if isinstance(pin, dict) else None
        for file in files if isinstance(files, list) else ():
            if isinstance(file, dict):
                yield str(file["sha256"])
