"""The mirror's work: fetch each source (from the cache where it can), keep it, extract it."""

from __future__ import annotations

import json
import logging
from collections import Counter
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path, PurePosixPath
from typing import Any, Final

from pydantic import ValidationError

from hearth.artifact import Output
from hearth.digest import FileInfo
from hearth.documents import Document, write_documents
from hearth.errors import DataError, HearthError, SpecError
from hearth.mirror import debian, folder, pypi, web
from hearth.mirror.extract import Extracted, extract
from hearth.mirror.fetching import VanishedError, Wanted
from hearth.mirror.model import model_files
from hearth.mirror.reader import Reader
from hearth.mirror.records import Reject, write_rejects
from hearth.mirror.resolve import resolve
from hearth.mirror.spec import (
    CACHE,
    DebianSource,
    FetchPlan,
    Kind,
    MirrorSource,
    MirrorSpec,
    PypiSource,
)
from hearth.shelf import Shelf
from hearth.stage.context import Context
from hearth.storage import Store

log = logging.getLogger(__name__)

_AT_ONCE: Final = 4
_FETCH: Final = {
    Kind.PYPI: pypi.fetch,
    Kind.DEBIAN: debian.fetch,
    Kind.HTTP: web.fetch,
    Kind.FILE: folder.fetch,
}


def run(context: Context) -> dict[str, Any]:
    """Mirror the sources of the job; return the metrics."""
    spec = context.spec
    if not isinstance(spec, MirrorSpec):
        message = f"the mirror was given a {type(spec).__name__}"
        raise SpecError(message)
    try:
        plan = FetchPlan.model_validate(context.job.settings.get("fetch", {}))
    except ValidationError as error:
        message = f"settings.fetch of the job: {error}"
        raise SpecError(message) from error
    packages, downloaded = _fetch_all(context, spec, plan)
    manifest: list[dict[str, Any]] = []
    rejects: list[Reject] = []
    sources: dict[str, Any] = {}
    with Reader(spec.limits, context.scratch) as reader:
        for done, source in enumerate(spec.sources, start=1):
            with Shelf(context.scratch, "texts") as texts:
                result = extract(source, packages[source.id], spec.passages, reader, texts)
                manifest += _publish(context, spec, plan, source, packages[source.id], result)
                sources[source.id] = _metrics(result, spec.pins[source.id].version)
            rejects += result.rejects
            context.progress("extract", done, len(spec.sources), "sources", source.id)
    _publish_lists(context, manifest, rejects)
    return _totals(sources, rejects, manifest, downloaded)


def _fetch_all(
    context: Context, spec: MirrorSpec, plan: FetchPlan
) -> tuple[dict[str, dict[str, Path]], int]:
    packages: dict[str, dict[str, Path]] = {source.id: {} for source in spec.sources}
    files = [(source, file) for source in spec.sources for file in spec.pins[source.id].files]
    downloaded = 0
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        waiting = {}
        for number, (source, file) in enumerate(files):
            wanted = Wanted(
                source=source.id,
                name=file.name,
                address=plan.addresses.get(source.id, {}).get(file.name, ""),
                sha256=file.sha256,
                access=plan.access,
                limit=spec.limits.package_bytes,
            )
            place = context.scratch / "packages" / str(number)
            place.mkdir(parents=True)
            future = pool.submit(_obtain, context, spec, source, wanted, place)
            waiting[future] = (source.id, file.name)
        try:
            for done, future in enumerate(as_completed(waiting), start=1):
                source_id, name = waiting[future]
                local, fresh = future.result()
                packages[source_id][name] = local
                downloaded += local.stat().st_size if fresh else 0
                context.progress("fetch", done, len(files), "files", name)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    return packages, downloaded


def _obtain(
    context: Context, spec: MirrorSpec, source: MirrorSource, wanted: Wanted, place: Path
) -> tuple[Path, bool]:
    cached = _from_cache(context.root, wanted, place)
    if cached is not None:
        return cached, False
    if not wanted.address:
        message = f"source {source.id}: settings.fetch has no address for {wanted.name}"
        raise SpecError(message)
    try:
        local = _FETCH[source.kind](wanted, place)
    except VanishedError as error:
        raise _with_successor(context, spec, source, wanted, error) from error
    context.root.upload(local, f"{CACHE}/{wanted.sha256}")
    return local, True


def _from_cache(root: Store, wanted: Wanted, place: Path) -> Path | None:
    path = f"{CACHE}/{wanted.sha256}"
    info = root.head(path)
    if info is None:
        return None
    expected = FileInfo(path=path, bytes=info.size, sha256=wanted.sha256)
    local = place / PurePosixPath(wanted.name).name
    try:
        root.download(path, local, expect=expected)
    except DataError as error:
        # The registry still has it, so a damaged copy of ours is replaced rather than fatal.
        log.warning("%s: it is fetched again", error)
        return None
    return local


def _with_successor(
    context: Context, spec: MirrorSpec, source: MirrorSource, wanted: Wanted, error: VanishedError
) -> DataError:
    version = spec.pins[source.id].version
    versioned = isinstance(source, PypiSource | DebianSource)
    floating = source.model_copy(update={"version": None}) if versioned else source
    try:
        lock = resolve(
            context.job.build,
            [floating],
            access=wanted.access,
            home=context.scratch / "successor" / source.id,
            base=Path.cwd(),
            limits=spec.limits,
        )
        now = f"its registry has {lock.sources[0].version} now: build again to take that"
    except HearthError as unknown:
        now = f"its registry names no successor ({unknown})"
    return DataError(f"{error}: the lock pins {version}, no artifact of ours holds it, and {now}")


def _publish(
    context: Context,
    spec: MirrorSpec,
    plan: FetchPlan,
    source: MirrorSource,
    packages: dict[str, Path],
    result: Extracted,
) -> list[dict[str, Any]]:
    origin = {
        "source": source.id,
        "kind": str(source.kind),
        "version": spec.pins[source.id].version,
        "licence": source.licence,
    }
    entries = []
    for name, local in sorted(packages.items()):
        output = context.publish(local, f"files/{source.id}/{name}")
        address = plan.addresses.get(source.id, {}).get(name)
        entries.append({**origin, "path": output.name, "address": address, **_bytes(output)})
    for path, text in sorted(result.licences.items()):
        local = context.scratch / "licence"
        local.write_bytes(text)
        output = context.publish(local, f"licences/{source.id}/{path}")
        entries.append({**origin, "path": output.name, "address": None, **_bytes(output)})
    if source.model:
        place = context.scratch / "models" / source.id
        for name, local in model_files(source, packages, spec.limits, place).items():
            output = context.publish(local, f"models/{source.id}/{name}")
            entries.append({**origin, "path": output.name, "address": None, **_bytes(output)})
    if not source.extract:
        return entries
    local = context.scratch / f"{source.id}.parquet"
    rows = write_documents(local, result.documents)
    output = context.publish(local, f"documents/{source.id}.parquet", rows)
    entries.append({**origin, "path": output.name, "address": None, **_bytes(output)})
    return entries


def _bytes(output: Output) -> dict[str, Any]:
    return {"bytes": output.bytes, "sha256": output.sha256}


def _publish_lists(context: Context, manifest: list[dict[str, Any]], rejects: list[Reject]) -> None:
    local = context.scratch / "rejects.parquet"
    rows = write_rejects(local, rejects)
    context.publish(local, "rejects.parquet", rows)
    local = context.scratch / "manifest.json"
    local.write_text(json.dumps({"files": manifest}, ensure_ascii=False, indent=1), "utf-8")
    context.publish(local, "manifest.json", len(manifest))


def _metrics(result: Extracted, version: str) -> dict[str, Any]:
    return {
        "version": version,
        "files": result.files,
        "documents": len(result.documents),
        "rejects": len(result.rejects),
        "languages": _by_language(result.documents),
    }


def _by_language(documents: Iterable[Document]) -> dict[str, Any]:
    count: Counter[str] = Counter()
    characters: Counter[str] = Counter()
    size: Counter[str] = Counter()
    for document in documents:
        language = document.language or "unknown"
        count[language] += 1
        characters[language] += len(document.text)
        size[language] += len(document.text.encode())
    return {
        language: {
            "documents": count[language],
            "characters": characters[language],
            "bytes": size[language],
        }
        for language in sorted(count)
    }


def _totals(
    sources: dict[str, Any], rejects: list[Reject], manifest: list[dict[str, Any]], downloaded: int
) -> dict[str, Any]:
    languages: dict[str, Counter[str]] = {}
    for source in sources.values():
        for language, numbers in source["languages"].items():
            languages.setdefault(language, Counter()).update(numbers)
    reasons = Counter(str(reject.refusal.reason) for reject in rejects)
    return {
        "documents": sum(source["documents"] for source in sources.values()),
        "languages": {name: dict(numbers) for name, numbers in sorted(languages.items())},
        "rejects": dict(sorted(reasons.items())),
        "downloaded_bytes": downloaded,
        "stored_bytes": sum(entry["bytes"] for entry in manifest),
        "sources": sources,
    }
