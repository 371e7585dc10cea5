"""Where a document of a corpus comes from: its source, as the mirror recorded it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from hearth.artifact import Artifact, ArtifactRecord
from hearth.model import FrozenModel, Stage
from hearth.scan import scan
from hearth.storage import Store
from hearth.trace.corpora import Corpus

_ORIGIN: Final = ("doc_key", "source", "work", "parallel", "language", "licence")
_REJECT: Final = ("source", "path", "record", "reason", "detail")
_ADDRESSES: Final = 5


class Origin(FrozenModel):
    """Where a document comes from."""

    mirror: str
    source: str
    version: str | None
    addresses: tuple[str, ...] = ()
    licence: str | None = None
    licence_files: tuple[str, ...] = ()
    work: str | None = None
    parallel: str | None = None
    declared_language: str | None = None


def origin_of(root: Store, corpus: Corpus, key: str) -> Origin | None:
    """Return where a document comes from; None if its mirror is no longer in the store."""
    mirror = mirror_of(root, corpus)
    if mirror is None:
        return None
    artifact, record = mirror
    source = source_of(record, key)
    if source is None:
        return None
    outputs = [
        o for o in record.outputs_named("documents") if o.name.endswith(f"/{source}.parquet")
    ]
    rows = scan(
        artifact.folder,
        outputs or record.outputs_named("documents"),
        _ORIGIN,
        where="doc_key",
        among={key},
    )
    row: Mapping[str, Any] = next(rows, {})
    pin = _table(_table(record.spec.get("pins")).get(source))
    licences = [o.name for o in record.outputs_named(f"licences/{source}")]
    return Origin(
        mirror=artifact.uri,
        source=source,
        version=str(pin["version"]) if "version" in pin else None,
        addresses=_addresses(artifact, record, source),
        licence=row.get("licence") or _licence(record, source),
        licence_files=tuple(licences),
        work=row.get("work"),
        parallel=row.get("parallel"),
        declared_language=row.get("language"),
    )


def mirror_of(root: Store, corpus: Corpus) -> tuple[Artifact, ArtifactRecord] | None:
    """Return the mirror of a corpus; None if it is no longer in the store."""
    ref = corpus.mirror
    if ref is None:
        return None
    artifact = Artifact(root, Stage.MIRROR, ref.fingerprint)
    record = artifact.record()
    return None if record is None else (artifact, record)


def source_of(mirror: ArtifactRecord, key: str) -> str | None:
    """Return the source that a key names: of ids that fit, the longest."""
    fitting = [name for name in sources_of(mirror) if key.startswith(f"{name}:")]
    return max(fitting, key=len) if fitting else key.partition(":")[0] or None


def sources_of(mirror: ArtifactRecord) -> list[str]:
    """Return the ids of a mirror's sources."""
    return sorted(_table(mirror.spec.get("pins")))


def refusals(root: Store, corpus: Corpus, key: str) -> Iterator[str]:
    """Yield why the mirror refused the record, or the file, that a key names."""
    mirror = mirror_of(root, corpus)
    if mirror is None:
        return
    artifact, record = mirror
    source = source_of(record, key)
    name = key.removeprefix(f"{source}:")
    path, _, within = name.partition("#")
    outputs = record.outputs_named("rejects.parquet")
    for row in scan(artifact.folder, outputs, _REJECT, where="path", among={path}):
        if row["source"] == source and row["record"] in {"", within.partition("/")[0]}:
            yield f"{row['reason']}: {row['detail']}"
    if not _has_keys_of_its_own(record, source):
        return
    # Such a key names no file: of a record, or of a later passage of one.
    stem, _, passage = name.rpartition("/")
    names = {name, stem} if stem and passage.isdecimal() else {name}
    for row in scan(artifact.folder, outputs, _REJECT, where="record", among=names):
        if row["source"] == source:
            yield f"{row['reason']}: {row['detail']} (record {row['record']} of {row['path']})"


def _addresses(mirror: Artifact, record: ArtifactRecord, source: str) -> tuple[str, ...]:
    for output in record.outputs_named("manifest.json"):
        files = _table(mirror.folder.get_json(output.path)).get("files")
        return tuple(
            str(file.get("address") or file["path"])
            for file in (files if isinstance(files, list) else ())
            if file.get("source") == source and str(file.get("path")).startswith("files/")
        )[:_ADDRESSES]
    return ()


def _licence(mirror: ArtifactRecord, source: str) -> str | None:
    said = _said_of(mirror, source)
    return str(said["licence"]) if "licence" in said else None


def _has_keys_of_its_own(mirror: ArtifactRecord, source: str | None) -> bool:
    """Say whether records of a source are known by keys that are unique in all its files."""
    rules = _said_of(mirror, source).get("extract")
    return any(
        _table(_table(rule).get("fields")).get("unique") == "source"
        for rule in (rules if isinstance(rules, list) else ())
    )


def _said_of(mirror: ArtifactRecord, source: str | None) -> dict[str, Any]:
    sources = mirror.spec.get("sources")
    for one in sources if isinstance(sources, list) else ():
        if isinstance(one, dict) and one.get("id") == source:
            return one
    return {}


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
