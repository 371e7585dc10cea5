"""The program of the suite stage: freeze a suite from the mirror's reserved works."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

from hearth.documents import Document, read_documents
from hearth.errors import DataError
from hearth.lock import Tombstone
from hearth.model import Stage
from hearth.stage.context import Context
from hearth.stage.program import main
from hearth.suite.dev import dev_plan
from hearth.suite.manifest import SuiteManifest, WorkInfo
from hearth.suite.passages import Passage
from hearth.suite.plan import passages, plan
from hearth.suite.spec import CONTRACT, Language, SuiteSpec
from hearth.suite.tasks import write
from hearth.tombstones import Buried


def run(context: Context) -> dict[str, Any]:
    """Build the suite; metrics count items and groups of each task."""
    spec = cast("SuiteSpec", context.spec)
    folder = context.input("mirror").fetch("documents/*") / "documents"
    graves = cast("list[Any]", context.job.settings.get("tombstones", []))
    buried = Buried(Tombstone.model_validate(grave) for grave in graves)
    reserved = reserved_documents(sorted(folder.glob("*.parquet")), spec, buried)
    context.progress("choose items", 0, None, "items")
    found = passages([d for d in reserved if d.work in spec.reserved], spec)
    tasks = plan(found, spec)
    known, dev = dev_plan([d for d in reserved if d.work not in spec.reserved], tasks, spec)
    manifest = SuiteManifest(
        name=spec.name,
        version=spec.version,
        max_length=spec.max_length,
        dtype=spec.dtype,
        tasks=tuple(task.info for task in tasks),
        dev=tuple(task.info for task in dev),
        works=(*works(found), *works(known)),
    )
    built = context.scratch / "suite"
    both = (*tasks, *dev)
    write(built, manifest, both)
    items = sum(len(task.items) for task in both)
    for path in sorted(path for path in built.rglob("*") if path.is_file()):
        name = path.relative_to(built).as_posix()
        context.publish(path, name, rows=items if name == "items.parquet" else None)
    context.progress("choose items", items, items, "items")
    return {
        "items": {task.info.task: task.info.items for task in both},
        "groups": {task.info.task: task.info.groups for task in both},
    }


def reserved_documents(paths: list[Path], spec: SuiteSpec, buried: Buried) -> list[Document]:
    """The documents of the reserved works, but for those that are withdrawn by key or source.

    A mirror does not know contents by their keyed hashes: copies under other keys are for whoever
    withdraws to name.

    Raises:
        DataError: the mirror has no document of a reserved work.
    """
    held: Counter[str] = Counter()
    documents = []
    for row in read_documents(paths):
        held[row["work"]] += 1
        if row["work"] in spec.held_out and not buried.grave(row["doc_key"], source=row["source"]):
            documents.append(Document(**row))
    missing = [work for work in spec.held_out if not held[work]]
    if missing:
        message = (
            f"suite {spec.name} version {spec.version}: the mirror holds no document of the works "
            f"{', '.join(missing)} that it reserves: it holds {', '.join(sorted(held)) or 'none'}: "
            "correct suite.reserved and suite.dev, or mirror a source that has it"
        )
        raise DataError(message)
    return documents


def works(found: Mapping[Language, Sequence[Passage]]) -> tuple[WorkInfo, ...]:
    """Whom to credit: works and licences, per language."""
    taken: dict[tuple[str, Language], list[Passage]] = {}
    for language, ranked in found.items():
        for passage in ranked:
            taken.setdefault((passage.document.work, language), []).append(passage)
    return tuple(
        WorkInfo(
            work=work,
            language=language,
            licence="; ".join(sorted({passage.document.licence for passage in cut})),
            documents=len({passage.document.doc_key for passage in cut}),
            passages=len(cut),
        )
        for (work, language), cut in sorted(taken.items())
    )


if __name__ == "__main__":
    sys.exit(main(Stage.SUITE, CONTRACT, SuiteSpec, run))
