"""Artifacts: what stages leave behind, named by the fingerprint of what made them.

An artifact is the folder `artifacts/<stage>/<fingerprint>/` of the store. It exists when its
record, `artifact.json`, exists; the record is written last, once, by a conditional put. Nothing
else in the folder means anything without it.
"""

from __future__ import annotations

import hashlib
from datetime import datetime
from typing import Any, Final

import rfc8785
from pydantic import Field, JsonValue

from hearth.digest import FileInfo
from hearth.errors import ConflictError, DataError, NotFoundError
from hearth.model import FrozenModel, Stage, parse
from hearth.storage import Store

RECORD: Final = "artifact.json"
REMAINS: Final = "remains"
"""The folder of what is kept of an artifact that was collected: a record, and the outputs in it."""
SCHEMA_VERSION: Final = 1


class Output(FrozenModel):
    """A file of an artifact; `path` is relative to the artifact's folder."""

    path: str
    bytes: int = Field(ge=0)
    sha256: str
    rows: int | None = None

    @property
    def name(self) -> str:
        """The path without the attempt's folder: what readers ask for."""
        return self.path.split("/", 2)[2]

    @property
    def info(self) -> FileInfo:
        """What the bytes must be."""
        return FileInfo(path=self.path, bytes=self.bytes, sha256=self.sha256)


class InputRef(FrozenModel):
    """An artifact that a stage reads."""

    uri: str
    fingerprint: str


class Provenance(FrozenModel):
    """How a record came to be; none of it is part of the fingerprint."""

    git_revision: str | None
    code_digest: str
    lock_digest: str | None
    packages: dict[str, str]
    python: str
    image: str | None
    host: dict[str, str | int]
    build: str
    started: datetime
    finished: datetime


class Cost(FrozenModel):
    """What an attempt used."""

    wall_seconds: float = Field(ge=0)
    cpu_seconds: float = Field(ge=0)
    peak_rss_bytes: int = Field(ge=0)


class ArtifactRecord(FrozenModel):
    """The last word of a stage: what it made, from what, by what, and what it could not check."""

    schema_version: int = SCHEMA_VERSION
    stage: Stage
    name: str
    contract: int
    fingerprint: str
    spec: dict[str, JsonValue]
    inputs: dict[str, InputRef]
    attempt: int = Field(ge=1)
    outputs: tuple[Output, ...]
    metrics: dict[str, JsonValue]
    provenance: Provenance
    cost: Cost
    unverified: tuple[str, ...] = ()

    def outputs_named(self, prefix: str) -> tuple[Output, ...]:
        """Return the outputs whose name is `prefix` or lies in that folder."""
        folder = prefix.rstrip("/") + "/"
        return tuple(o for o in self.outputs if o.name == prefix or o.name.startswith(folder))

    def output(self, name: str) -> Output:
        """Return one output.

        Raises:
            DataError: the artifact has none of this name.
        """
        for output in self.outputs:
            if output.name == name:
                return output
        message = f"{self.stage} artifact {self.fingerprint[:12]}: has no output {name!r}"
        raise DataError(message)


def canonical_json(value: Any) -> bytes:
    """Return the one byte string that stands for a JSON value (RFC 8785)."""
    return rfc8785.dumps(value)


def fingerprint(stage: Stage, contract: int, spec: dict[str, Any], inputs: dict[str, str]) -> str:
    """Return the identity of a stage's result.

    Args:
        stage: which program.
        contract: the version of the program's promise; a new one says "results differ now".
        spec: everything that can change the result.
        inputs: role → fingerprint of each artifact it reads.

    Returns:
        SHA-256 over the canonical JSON of the four, in hexadecimal.
    """
    identity = {"stage": str(stage), "contract": contract, "spec": spec, "inputs": inputs}
    return hashlib.sha256(canonical_json(identity)).hexdigest()


class Artifact:
    """The folder of one stage's result, whether or not it is finished."""

    def __init__(self, store: Store, stage: Stage, fingerprint: str) -> None:
        """Name the artifact; nothing is read.

        Args:
            store: the root of the store.
            stage: which program makes it.
            fingerprint: what it is made from.
        """
        self.stage = stage
        self.fingerprint = fingerprint
        self.folder = store.sub(f"artifacts/{stage}/{fingerprint}")

    @property
    def uri(self) -> str:
        """Where it lies."""
        return self.folder.uri

    def ref(self) -> InputRef:
        """Return this artifact as another stage's input."""
        return InputRef(uri=self.uri, fingerprint=self.fingerprint)

    def record(self) -> ArtifactRecord | None:
        """Return the record; None while the artifact is not finished.

        Raises:
            DataError: the record is damaged, or belongs to something else.
        """
        try:
            return read_record(self.folder, self.fingerprint)
        except NotFoundError:
            return None

    def remains(self) -> ArtifactRecord | None:
        """Return the record, or that of what is left of it; None if there is neither."""
        try:
            return read_remains(self.folder, self.fingerprint)
        except NotFoundError:
            return None

    def publish(self, record: ArtifactRecord) -> None:
        """Write the record: from here on the artifact exists.

        Raises:
            ConflictError: another attempt published first; its record stands.
            DataError: an output is missing or has another size.
        """
        for output in record.outputs:
            info = self.folder.head(output.path)
            if info is None or info.size != output.bytes:
                found = "is missing" if info is None else f"has {info.size} bytes"
                message = f"{self.folder.url(output.path)}: {found}, {output.bytes} were written"
                raise DataError(message)
        if self.folder.create(RECORD, record.model_dump_json(indent=1).encode()):
            return
        winner = read_record(self.folder, self.fingerprint)
        if winner.attempt != record.attempt:
            message = (
                f"{self.uri}: attempt {winner.attempt} finished before attempt {record.attempt}: "
                "its result is used"
            )
            raise ConflictError(message)


def read_remains(folder: Store, fingerprint: str) -> ArtifactRecord:
    """Read an artifact's record, or that of what is left of it once it was collected.

    Raises:
        NotFoundError: nothing is left.
        DataError: as for `read_record`.
    """
    try:
        return read_record(folder, fingerprint)
    except NotFoundError:
        return read_record(folder, fingerprint, f"{REMAINS}/{RECORD}")


def read_record(
    folder: Store, fingerprint: str | None = None, path: str = RECORD
) -> ArtifactRecord:
    """Read the record of the artifact in `folder`.

    Args:
        folder: the artifact's folder.
        fingerprint: what the record must say; None accepts any.
        path: where in the folder it lies.

    Raises:
        NotFoundError: no record, no artifact.
        DataError: the record is damaged, or is another artifact's.
    """
    where = folder.url(path)
    record = parse(ArtifactRecord, folder.get(path), where, "an artifact record")
    if fingerprint is not None and record.fingerprint != fingerprint:
        message = f"{where}: is the record of {record.fingerprint}, not {fingerprint}"
        raise DataError(message)
    return record
