"""What the store could do without: nothing that an endpoint, a kept build or its lineage needs.

Kept are the artifacts of what serves, served or is a candidate, of the newest builds of each
recipe, of pinned builds (`builds/<id>/pin`), and everything that those were made from. A build's
records are never garbage: they are the evidence. Neither is an attempt that may be alive.

The folder of a cluster's job, with its log, stays as long as the attempt that it ran.

An earlier corpus whose splits are kept need not stay for that: what it says about splits is small,
holds no text and is left behind (`remains/`) as long as a kept build, or the next one, follows it.

What holds a withdrawn document goes too where that is asked for, whichever build refers to it; only
what an endpoint serves, tries or compares with stays, with what it was made from.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Final

from pydantic import Field, ValidationError

from hearth.artifact import RECORD, REMAINS, Artifact, ArtifactRecord, read_record
from hearth.attempt import CLAIM, EXIT
from hearth.build import Build, BuildRecord, builds
from hearth.compute.slurm.backend import JOBS
from hearth.compute.slurm.folder import EXIT as JOB_EXIT
from hearth.curate.spec import PREVIOUS, SPLITS
from hearth.lock import LISTS
from hearth.mirror.spec import CACHE
from hearth.model import FrozenModel, Stage
from hearth.pipeline import stage_plans
from hearth.rollout.state import read_state
from hearth.storage import Store
from hearth.tombstones import tombstones
from hearth.withdrawal.holding import Kind
from hearth.withdrawal.holdings import holdings
from hearth.withdrawal.revocation import Hit, revocation

PIN: Final = "pin"
KEPT_BUILDS: Final = 5
_ON_ITS_WAY: Final = timedelta(days=1)
_SHA256: Final = re.compile(r"\b[0-9a-f]{64}\b")
_JOB: Final = re.compile(r"hearth-([a-z]+)-([0-9a-f]{16})-(\d+)")
_ARTIFACT: Final = re.compile(r"artifacts/([a-z]+)/([0-9a-f]{64})")


class Why(StrEnum):
    """Why something is garbage."""

    ARTIFACT = "no endpoint, kept build or lineage refers to this artifact"
    ATTEMPT = "this attempt did not win"
    CHECKPOINT = "the model that this checkpoint led to is finished"
    PACKAGE = "no mirror that is kept is made of this package"
    LIST = "no kept build's lock pins this list of keywords"
    JOB = "the attempt that this cluster's job ran is gone, or goes"
    REMAINS = "no kept build follows what this corpus said about splits"
    WITHDRAWN = "it holds a withdrawn document, or was made from one that does"
    SAMPLE = "among its texts is a withdrawn document"


_ON_REQUEST: Final = frozenset({Why.WITHDRAWN, Why.SAMPLE})


class Garbage(FrozenModel):
    """A folder of the store, or an object, that could go."""

    path: str
    why: Why
    objects: int
    bytes: int
    leaves: bool = Field(default=False, description="Whether what it says about splits stays.")


def garbage(
    root: Store, *, kept_builds: int = KEPT_BUILDS, withdrawn: bool = False
) -> list[Garbage]:
    """Return what could go.

    Args:
        root: the root of the store.
        kept_builds: how many of each recipe's newest builds keep their artifacts.
        withdrawn: also what holds withdrawn documents, unless its use is allowed.
    """
    needed, followed = _needed(root, kept_builds)
    found = _withdrawn(root) if withdrawn else []
    gone = tuple(f"{item.path}/" for item in found)
    for stage in Stage:
        for fingerprint in root.folders(f"artifacts/{stage}"):
            artifact = Artifact(root, stage, fingerprint)
            path = f"artifacts/{stage}/{fingerprint}"
            record = artifact.record()
            if record is not None and path not in needed:
                found.append(_measure(root, path, Why.ARTIFACT))
            else:
                found += _attempts(root, artifact, path, record, needed=path in needed)
            if stage is Stage.CURATE and (record is not None or path not in followed):
                found.append(_measure(root, f"{path}/{REMAINS}", Why.REMAINS))
    found += [*_packages(root, needed), *_lists(root, needed)]
    kept = [
        item.model_copy(update={"leaves": item.path in followed})
        for item in found
        if item.objects and (item.why in _ON_REQUEST or not f"{item.path}/".startswith(gone))
    ]
    # First: an attempt may be claimed anew once it is gone, and its job's name must be free then.
    return [*_jobs(root, tuple(f"{item.path}/" for item in kept)), *kept]


def collect(root: Store, items: list[Garbage]) -> None:
    """Delete what `garbage` found, a folder's record first: no record, no artifact."""
    for item in items:
        if item.why in {Why.PACKAGE, Why.LIST, Why.SAMPLE}:
            root.delete(item.path)
            continue
        folder = root.sub(item.path)
        if item.why is Why.JOB:
            _forget(folder)
            continue
        left = _leave_splits(folder) if item.leaves else ()
        folder.delete(RECORD)
        for info in list(folder.list()):
            if info.path not in left:
                folder.delete(info.path)


def _withdrawn(root: Store) -> list[Garbage]:
    graves = tombstones(root)
    seated: set[str] = set()
    for name in root.folders("endpoints"):
        state = read_state(root, name)
        versions = filter(None, (state.serving, state.candidate, state.anchor))
        seated |= {f"artifacts/{Stage.TRAIN}/{version.fingerprint}" for version in versions}
    kept = _with_lineage(root, seated)
    scanned: dict[str, tuple[Hit, ...]] = {}
    found = []
    for holding in holdings(root, graves) if graves else ():
        if holding.kind is Kind.REJECT:
            continue  # It lies apart: hearth.retention.
        path = root.relative(holding.name) if "://" in holding.name else ""
        match = _ARTIFACT.match(path)
        if holding.kind is Kind.SAMPLE:
            found.append(_measure(root, path, Why.SAMPLE))
        elif match is None or match.group(0) in kept:
            continue
        elif holding.kind is Kind.ATTEMPT and root.exists(f"{path}/{EXIT}"):
            found.append(_measure(root, path, Why.WITHDRAWN))
        elif holding.kind in {Kind.CORPUS, Kind.MODEL, Kind.EVALUATION}:
            ref = Artifact(root, Stage(match.group(1)), match.group(2)).ref()
            why = revocation(root, ref, graves, scanned)
            if why is not None and why.allowed is None:
                found.append(_measure(root, path, Why.WITHDRAWN))
    return found


def _leave_splits(folder: Store) -> tuple[str, ...]:
    """Copy what a corpus says about splits to where it stays; return all that stays."""
    record = read_record(folder)
    outputs = []
    for output in record.outputs_named(SPLITS):
        path = f"{REMAINS}/{record.attempt}/{output.name}"
        with tempfile.TemporaryDirectory(prefix="hearth-") as scratch:
            local = Path(scratch) / "part"
            folder.download(output.path, local, expect=output.info)
            folder.upload(local, path)
        outputs.append(output.model_copy(update={"path": path}))
    if not outputs:
        return ()
    path = f"{REMAINS}/{RECORD}"
    left = record.model_copy(update={"outputs": tuple(outputs)})
    folder.put(path, left.model_dump_json(indent=1).encode())
    return (path, *(output.path for output in outputs))


def _needed(root: Store, kept_builds: int) -> tuple[set[str], set[str]]:
    """Return what must stay, and the corpora whose splits must."""
    paths: set[str] = set()
    followed: set[str] = set()
    for name in root.folders("endpoints"):
        raw = read_state(root, name).model_dump_json()
        paths |= {match.group(0) for match in _ARTIFACT.finditer(raw)}
    seen: dict[str, int] = {}
    led: set[str] = set()
    for build in builds(root):
        record = build.record()
        recipe = record.recipe_name
        seen[recipe] = seen.get(recipe, 0) + 1
        if seen[recipe] <= kept_builds or build.folder.exists(PIN):
            paths |= set(_of_build(root, build, record))
            if record.previous and record.previous.corpus:
                followed.add(root.relative(record.previous.corpus.uri))
        if recipe not in led:
            last = [one.fingerprint for one in build.made() if one.stage is Stage.CURATE]
            followed |= {f"artifacts/{Stage.CURATE}/{fingerprint}" for fingerprint in last}
            led |= {recipe} if last else set()
    return _with_lineage(root, paths), followed


def _of_build(root: Store, build: Build, record: BuildRecord) -> Iterator[str]:
    yield from (pin.path for pin in record.lock.lists)
    # What it made, by its own word, and what it would make: a newer Hearth plans otherwise.
    for made in build.made():
        yield f"artifacts/{made.stage}/{made.fingerprint}"
    try:
        plans = stage_plans(record)
    except ValidationError:
        return
    for plan in plans.values():
        yield root.relative(Artifact(root, plan.stage, plan.fingerprint).uri)


def _with_lineage(root: Store, paths: set[str]) -> set[str]:
    waiting, needed = list(paths), set(paths)
    while waiting:
        match = _ARTIFACT.fullmatch(waiting.pop())
        if match is None:
            continue
        record = Artifact(root, Stage(match.group(1)), match.group(2)).record()
        for role, ref in record.inputs.items() if record else ():
            path = root.relative(ref.uri)
            if role != PREVIOUS and path not in needed:
                needed.add(path)
                waiting.append(path)
    return needed


def _packages(root: Store, needed: set[str]) -> Iterator[Garbage]:
    """Yield what the mirrors' content cache holds and no kept mirror pins."""
    pinned: set[str] = set()
    for path in needed:
        match = _ARTIFACT.fullmatch(path)
        if match is not None and match.group(1) == Stage.MIRROR:
            record = Artifact(root, Stage.MIRROR, match.group(2)).record()
            pinned |= set(_SHA256.findall(str(record.spec.get("pins")))) if record else set()
    for info in root.list(CACHE):
        if info.path.rpartition("/")[2] not in pinned:
            yield Garbage(path=info.path, why=Why.PACKAGE, objects=1, bytes=info.size)


def _lists(root: Store, needed: set[str]) -> Iterator[Garbage]:
    """Yield lists of keywords that no kept build pins; a new one's build may be on its way."""
    for info in root.list(LISTS):
        if info.path not in needed and datetime.now(UTC) - info.modified > _ON_ITS_WAY:
            yield Garbage(path=info.path, why=Why.LIST, objects=1, bytes=info.size)


def _attempts(
    root: Store, artifact: Artifact, path: str, record: ArtifactRecord | None, *, needed: bool
) -> Iterator[Garbage]:
    for number in artifact.folder.folders("attempts"):
        attempt = f"{path}/attempts/{number}"
        if not root.exists(f"{attempt}/{EXIT}"):
            continue
        if record is not None and number == str(record.attempt):
            if artifact.stage is Stage.TRAIN:
                yield _measure(root, f"{attempt}/checkpoints", Why.CHECKPOINT)
        elif record is not None or not needed:
            yield _measure(root, attempt, Why.ATTEMPT)


def _jobs(root: Store, going: tuple[str, ...]) -> Iterator[Garbage]:
    """Yield the folders of jobs that have ended, and whose attempts are gone or go."""
    fingerprints = {stage: root.folders(f"artifacts/{stage}") for stage in Stage}
    for name in root.folders(JOBS):
        match = _JOB.fullmatch(name)
        if match is None or match.group(1) not in fingerprints:
            continue
        stage, begins, number = match.groups()
        attempts = [
            f"artifacts/{stage}/{fingerprint}/attempts/{number}/"
            for fingerprint in fingerprints[Stage(stage)]
            if fingerprint.startswith(begins)
        ]
        needed = any(
            root.exists(f"{attempt}{CLAIM}") and not attempt.startswith(going)
            for attempt in attempts
        )
        if not needed and root.exists(f"{JOBS}/{name}/{JOB_EXIT}"):
            yield _measure(root, f"{JOBS}/{name}", Why.JOB)


def _forget(folder: Store) -> None:
    """Delete a job's folder, its end last: without it the job would count as alive."""
    for info in list(folder.list()):
        if info.path != JOB_EXIT:
            folder.delete(info.path)
    folder.delete(JOB_EXIT)


def _measure(root: Store, path: str, why: Why) -> Garbage:
    one = root.head(path) if why is Why.SAMPLE else None
    sizes = [one.size] if one else [info.size for info in root.list(path)]
    return Garbage(path=path, why=why, objects=len(sizes), bytes=sum(sizes))
