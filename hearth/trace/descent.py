"""What was made from something: lineage read downwards, from a corpus to models and endpoints."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from enum import StrEnum
from typing import Final, Self

from hearth.artifact import Artifact, ArtifactRecord
from hearth.curate.spec import PREVIOUS
from hearth.model import FrozenModel, Stage
from hearth.rollout.state import EndpointState, Happening, Version, read_state
from hearth.storage import Store

_AT_ONCE: Final = 16


class Role(StrEnum):
    """What a version is to an endpoint."""

    SERVING = "serving"
    CANDIDATE = "candidate"
    ANCHOR = "anchor"
    SERVED = "served"


class Seat(FrozenModel):
    """A version at an endpoint."""

    endpoint: str
    role: Role
    version: str
    fingerprint: str
    build: str


class Descent:
    """Every finished artifact of a store, by what it was made from."""

    def __init__(self, root: Store, records: Collection[ArtifactRecord]) -> None:
        """Use `of`."""
        self.root = root
        self.records = {record.fingerprint: record for record in records}
        self._made_from: dict[str, list[str]] = {}
        for record in records:
            for role, ref in record.inputs.items():
                if role != PREVIOUS:
                    self._made_from.setdefault(ref.fingerprint, []).append(record.fingerprint)

    @classmethod
    def of(cls, root: Store) -> Self:
        """Read every record of a store."""
        artifacts = [
            Artifact(root, stage, fingerprint)
            for stage in Stage
            for fingerprint in root.folders(f"artifacts/{stage}")
        ]
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            found = pool.map(lambda artifact: artifact.record(), artifacts)
            return cls(root, [record for record in found if record is not None])

    def uri(self, fingerprint: str) -> str:
        """Return where an artifact lies."""
        return Artifact(self.root, self.records[fingerprint].stage, fingerprint).uri

    def of_stage(self, stage: Stage) -> list[ArtifactRecord]:
        """Return a stage's artifacts, newest first."""
        return sorted(
            (record for record in self.records.values() if record.stage is stage),
            key=lambda record: (record.provenance.finished, record.fingerprint),
            reverse=True,
        )

    def below(self, fingerprints: Collection[str]) -> list[ArtifactRecord]:
        """Return what was made from some artifacts, in the order of a build; not those."""
        found: set[str] = set()
        waiting = list(fingerprints)
        while waiting:
            for made in self._made_from.get(waiting.pop(), ()):
                if made not in found:
                    found.add(made)
                    waiting.append(made)
        order = {stage: number for number, stage in enumerate(Stage)}
        return sorted(
            (self.records[made] for made in found - set(fingerprints)),
            key=lambda record: (order[record.stage], record.provenance.finished),
        )


def seats(root: Store, fingerprints: Collection[str]) -> list[Seat]:
    """Return where models of these fingerprints serve, may serve, or served."""
    return [
        Seat(
            endpoint=name,
            role=role,
            version=version.version,
            fingerprint=version.fingerprint,
            build=version.build,
        )
        for name in root.folders("endpoints")
        for role, version in _versions(read_state(root, name))
        if version.fingerprint in fingerprints
    ]


def _versions(state: EndpointState) -> Iterator[tuple[Role, Version]]:
    named = {
        Role.SERVING: state.serving,
        Role.CANDIDATE: state.candidate,
        Role.ANCHOR: state.anchor,
    }
    seen = set()
    for role, version in named.items():
        if version is not None:
            seen.add(version.fingerprint)
            yield role, version
    for event in reversed(state.history):
        fingerprint = event.version.fingerprint
        if event.happening is Happening.PROMOTED and fingerprint not in seen:
            seen.add(fingerprint)
            yield Role.SERVED, event.version
