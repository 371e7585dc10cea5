"""The lock: what the floating sources of a recipe resolved to, and the tombstones in force.

A pin says which bytes, by SHA-256; its addresses say where they were seen. Two locks with equal
pins mean the same data even if the addresses differ.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

import rfc8785
from pydantic import Field, model_validator

from hearth.model import FrozenModel

SHA256 = r"^[0-9a-f]{64}$"


class PinnedFile(FrozenModel):
    """One file of a source."""

    name: str = Field(min_length=1, description="The file's name, or its path within the source.")
    address: str = Field(description="Where it was seen: a URL.")
    sha256: str = Field(pattern=SHA256)
    bytes: int | None = Field(default=None, ge=0, description="Its size, where the registry says.")


class PinnedSource(FrozenModel):
    """What a source resolved to."""

    id: str = Field(min_length=1)
    kind: str = Field(min_length=1)
    version: str = Field(min_length=1)
    files: tuple[PinnedFile, ...] = Field(min_length=1)

    @property
    def digest(self) -> str:
        """SHA-256 of the names and bytes of its files: not of the version, nor the addresses."""
        return _digest([[file.name, file.sha256] for file in self.files])


LISTS: Final = "lists"
"""Where the store keeps lists of keywords."""


class PinnedList(FrozenModel):
    """A list of keywords: which bytes, and how many entries. Never what they are."""

    name: str = Field(min_length=1, description="The file's name.")
    version: str = Field(min_length=1, description="What the file itself says.")
    sha256: str = Field(pattern=SHA256)
    bytes: int = Field(ge=0)
    entries: int = Field(ge=1, description="Different ones.")

    @property
    def path(self) -> str:
        """Where the store keeps it."""
        return f"{LISTS}/{self.sha256}"


class Sketch(FrozenModel):
    """What a near copy of a text is known by without the text: `hearth.curate.sketches`."""

    words: int = Field(ge=1, description="Words in a shingle of English.")
    characters: int = Field(ge=1, description="Characters in a shingle of Chinese.")
    shingles: int = Field(ge=1, description="How many the text has.")
    least: str = Field(min_length=1, description="The least of their keyed hashes, in Base64.")


class TombstoneKind(StrEnum):
    """How a tombstone finds what it buries."""

    KEY = "key"
    """By doc_key: `names_of` says which names a document has."""
    CONTENT = "content"
    """By content_id, whatever the key: copies, also under other sources."""
    NEAR = "near"
    """By doc_key or content_id, with all exact and near copies that curation finds.

    By a content that carries its sketch: also when no source has that content any more.
    """
    SOURCE = "source"
    """By source, whatever it holds now or later."""


class Tombstone(FrozenModel):
    """Documents that must never be used again, and why."""

    kind: TombstoneKind
    value: str = Field(
        min_length=1, description="The doc_key, content_id or source that it matches."
    )
    reason: str = Field(min_length=1)
    since: datetime
    by: str = Field(default="", description="Who said so.")
    key: str = Field(
        default="",
        description="Of a content: the name of the secret it was hashed under; empty: not known.",
    )
    sketch: Sketch | None = Field(default=None, description="Of a content: to know its copies by.")

    @property
    def id(self) -> tuple[TombstoneKind, str]:
        """What it buries: two tombstones with one id say the same."""
        return self.kind, self.value


def names_of(doc_key: str) -> tuple[str, ...]:
    """Return what a tombstone may call a document: its key, and that of its record.

    A key without `#` stands for every passage of that record.
    """
    record = doc_key.partition("#")[0]
    return (doc_key,) if record == doc_key else (doc_key, record)


class Lock(FrozenModel):
    """The pins of one build."""

    schema_version: int = 1
    recipe: str
    resolved: datetime
    sources: tuple[PinnedSource, ...]
    tombstones: tuple[Tombstone, ...] = ()
    lists: tuple[PinnedList, ...] = Field(default=(), description="Lists of keywords.")

    @model_validator(mode="after")
    def _one_pin_per_source(self) -> Self:
        ids = [source.id for source in self.sources]
        twice = sorted({name for name in ids if ids.count(name) > 1})
        if twice:
            message = f"sources pinned twice: {', '.join(twice)}"
            raise ValueError(message)
        return self

    @property
    def digest(self) -> str:
        """SHA-256 of what is locked: not of when, nor of the addresses."""
        sources = [
            [pin.id, pin.kind, pin.version, pin.digest]
            for pin in sorted(self.sources, key=lambda pin: pin.id)
        ]
        graves = sorted([str(grave.kind), grave.value] for grave in self.tombstones)
        locked = {"recipe": self.recipe, "sources": sources, "tombstones": graves}
        if self.lists:  # without any, the digest is what it always was
            locked["lists"] = [[one.name, one.sha256] for one in self.lists]
        return _digest(locked)

    def pin(self, source: str) -> PinnedSource | None:
        """Return the pin of the source called `source`."""
        return next((pin for pin in self.sources if pin.id == source), None)


class Change(StrEnum):
    """What happened to a source between two locks."""

    ADDED = "added"
    REMOVED = "removed"
    VERSION = "version"
    BYTES = "bytes"
    """The version is the same and the bytes are not: somebody replaced a release."""


class Move(FrozenModel):
    """One source that is not what it was."""

    source: str
    change: Change
    old: str | None = None
    new: str | None = None

    def __str__(self) -> str:
        """Say it in a line."""
        match self.change:
            case Change.ADDED:
                return f"{self.source}: new, {self.new}"
            case Change.REMOVED:
                return f"{self.source}: gone, was {self.old}"
            case Change.VERSION:
                return f"{self.source}: {self.old} → {self.new}"
            case Change.BYTES:
                return f"{self.source}: {self.new}, the same version with other bytes"


class LockDiff(FrozenModel):
    """What moved from one lock to the next."""

    moves: tuple[Move, ...] = ()
    buried: tuple[Tombstone, ...] = Field(default=(), description="Tombstones now in force.")
    lifted: tuple[Tombstone, ...] = Field(default=(), description="Tombstones no longer in force.")

    def __bool__(self) -> bool:
        """Say whether anything moved."""
        return bool(self.moves or self.buried or self.lifted)


def diff(old: Lock | None, new: Lock) -> LockDiff:
    """Return what moved since `old`; None stands for the lock of nothing."""
    before = {pin.id: pin for pin in old.sources} if old else {}
    after = {pin.id: pin for pin in new.sources}
    return LockDiff(
        moves=tuple(_moves(before, after)),
        buried=_without(new.tombstones, old.tombstones if old else ()),
        lifted=_without(old.tombstones if old else (), new.tombstones),
    )


def _moves(before: dict[str, PinnedSource], after: dict[str, PinnedSource]) -> Iterable[Move]:
    for name in sorted(before.keys() | after.keys()):
        was, now = before.get(name), after.get(name)
        if was is None and now is not None:
            yield Move(source=name, change=Change.ADDED, new=now.version)
        elif now is None and was is not None:
            yield Move(source=name, change=Change.REMOVED, old=was.version)
        elif was is not None and now is not None and was.version != now.version:
            yield Move(source=name, change=Change.VERSION, old=was.version, new=now.version)
        elif was is not None and now is not None and was.digest != now.digest:
            yield Move(source=name, change=Change.BYTES, old=was.version, new=now.version)


def _without(these: tuple[Tombstone, ...], those: tuple[Tombstone, ...]) -> tuple[Tombstone, ...]:
    known = {grave.id for grave in those}
    return tuple(grave for grave in these if grave.id not in known)


def _digest(value: Any) -> str:
    return hashlib.sha256(rfc8785.dumps(value)).hexdigest()
