"""The store: objects in a bucket or a folder, through obstore, by one code path.

A `Store` is a place (a URI); everything in it is named by a path relative to it, with `/` between
parts. Whole objects are written atomically. Conditional writes are what claims and records rest
on: `create` succeeds once, `replace` only on the version that was read.
"""

from __future__ import annotations

import fcntl
import hashlib
import json
import os
from collections.abc import Iterator
from contextlib import AbstractContextManager
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any, Final
from urllib.parse import unquote, urlsplit

import obstore
from obstore.exceptions import AlreadyExistsError, PreconditionError
from obstore.store import LocalStore, S3Store

from hearth.digest import FileInfo, sha256_of, verify
from hearth.errors import ConflictError, DataError, NotFoundError, SpecError
from hearth.failures import of_disk, of_store
from hearth.model import FrozenModel
from hearth.s3 import ASKED, open_bucket
from hearth.storagesettings import StorageSettings

CHUNK: Final = 8 << 20
_LOCKS: Final = ".locks"


class ObjectInfo(FrozenModel):
    """What a store says about an object."""

    path: str
    size: int
    etag: str | None
    modified: datetime


class Store:
    """A place in the store, and everything below it."""

    def __init__(self, objects: S3Store | LocalStore, root: str, prefix: str = "") -> None:
        """Use `open`, `at` or `sub`."""
        self._objects = objects
        self._root = root.rstrip("/")
        self._prefix = prefix.strip("/")

    @classmethod
    def open(cls, settings: StorageSettings, retries: int = ASKED) -> Store:
        """Open the place that a profile names.

        Args:
            settings: where it is.
            retries: how often a request is repeated that failed for want of the server.

        Raises:
            SpecError: the URI or the credentials file is wrong.
        """
        parts = urlsplit(str(settings.uri))
        if parts.scheme == "file":
            folder = Path(unquote(parts.path))
            if parts.netloc or not folder.is_absolute():
                message = f"store {settings.uri}: write file:///absolute/folder"
                raise SpecError(message)
            folder.mkdir(parents=True, exist_ok=True)
            return cls(LocalStore(folder), f"file://{folder}")
        bucket = open_bucket(settings, parts.netloc, retries)
        return cls(bucket, f"s3://{parts.netloc}", parts.path)

    @classmethod
    def at(cls, uri: str) -> Store:
        """Open a place by its URI, with what the environment says of the store (in a job)."""
        return cls.open(StorageSettings.from_environment(uri))

    @property
    def uri(self) -> str:
        """This place's URI."""
        return f"{self._root}/{self._prefix}" if self._prefix else self._root

    def __repr__(self) -> str:
        """Show the place; there is no secret in it."""
        return f"Store({self.uri!r})"

    def sub(self, path: str) -> Store:
        """Return the place `path` below this one."""
        return Store(self._objects, self._root, self._key(path))

    def url(self, path: str) -> str:
        """Return the URI of the object `path`."""
        return f"{self._root}/{self._key(path)}"

    def relative(self, uri: str) -> str:
        """Return the path, from here, of the object or folder at `uri`.

        Raises:
            DataError: `uri` lies elsewhere.
        """
        head = self.uri + "/"
        if not uri.startswith(head):
            message = (
                f"{uri}: does not lie below {self.uri}: records must not point outside the store"
            )
            raise DataError(message)
        return uri[len(head) :]

    # Whole objects ------------------------------------------------------------------------------

    def get(self, path: str) -> bytes:
        """Return an object's bytes.

        Raises:
            NotFoundError: there is no such object.
            TransientError: the store did not answer.
        """
        with self._errors(path):
            return bytes(obstore.get(self._objects, self._key(path)).bytes())

    def get_with_etag(self, path: str) -> tuple[bytes, str]:
        """Return an object's bytes and the ETag that `replace` wants."""
        with self._errors(path):
            answer = obstore.get(self._objects, self._key(path))
            return bytes(answer.bytes()), str(answer.meta["e_tag"])

    def put(self, path: str, data: bytes) -> None:
        """Write an object, whatever is there."""
        with self._errors(path):
            obstore.put(self._objects, self._key(path), data)

    def create(self, path: str, data: bytes) -> bool:
        """Write an object unless there is one; say whether it was written.

        A retry after a lost answer meets its own bytes; so an object with exactly these bytes
        counts as written by this call. Writers that must tell themselves apart put a name in.
        """
        with self._errors(path):
            try:
                obstore.put(self._objects, self._key(path), data, mode="create")
            except (AlreadyExistsError, PreconditionError):
                return self.get(path) == data
            return True

    def replace(self, path: str, data: bytes, etag: str) -> str:
        """Write an object if it is still the version with `etag`; return its new ETag.

        Raises:
            ConflictError: it changed meanwhile.
        """
        conflict = f"{self.url(path)}: changed since it was read: read it and decide again"
        with self._errors(path):
            if isinstance(self._objects, LocalStore):
                return self._replace_file(path, data, etag, conflict)
            try:
                # Without "version": obstore refuses None there, and an ETag is all that counts.
                result = obstore.put(self._objects, self._key(path), data, mode={"e_tag": etag})
            except (PreconditionError, AlreadyExistsError) as error:
                raise ConflictError(conflict) from error
            return str(result["e_tag"])

    def _replace_file(self, path: str, data: bytes, etag: str, conflict: str) -> str:
        # A file system has no If-Match. Writers on one machine take turns by a lock instead.
        lock = Path(self._root.removeprefix("file://")) / _LOCKS
        lock.mkdir(exist_ok=True)
        name = hashlib.sha256(self._key(path).encode()).hexdigest()
        with (lock / name).open("w") as file:
            fcntl.flock(file, fcntl.LOCK_EX)
            if obstore.head(self._objects, self._key(path))["e_tag"] != etag:
                raise ConflictError(conflict)
            return str(obstore.put(self._objects, self._key(path), data)["e_tag"])

    def get_json(self, path: str) -> Any:
        """Return what an object of JSON says.

        Raises:
            DataError: it is not JSON.
        """
        try:
            return json.loads(self.get(path))
        except ValueError as error:
            message = f"{self.url(path)}: is not JSON ({error}): it is damaged, or not Hearth's"
            raise DataError(message) from error

    def head(self, path: str) -> ObjectInfo | None:
        """Return what is known of an object; None if there is none."""
        try:
            with self._errors(path):
                return self._info(obstore.head(self._objects, self._key(path)))
        except NotFoundError:
            return None

    def exists(self, path: str) -> bool:
        """Say whether there is such an object."""
        return self.head(path) is not None

    def delete(self, path: str) -> None:
        """Remove an object; it is no error if there is none."""
        try:
            with self._errors(path):
                obstore.delete(self._objects, self._key(path))
        except NotFoundError:
            return

    def list(self, prefix: str = "") -> Iterator[ObjectInfo]:
        """Yield every object below the folder `prefix`, in the order of their paths."""
        with self._errors(prefix):
            found = [
                self._info(meta)
                for batch in obstore.list(self._objects, self._key(prefix) or None)
                for meta in batch
            ]
        yield from sorted(
            (info for info in found if not info.path.startswith(f"{_LOCKS}/")),
            key=lambda info: info.path,
        )

    def folders(self, prefix: str = "") -> tuple[str, ...]:
        """Return the names of the folders directly below the folder `prefix`, sorted."""
        with self._errors(prefix):
            answer = obstore.list_with_delimiter(self._objects, self._key(prefix) or None)
        names = (PurePosixPath(path).name for path in answer["common_prefixes"])
        return tuple(sorted(name for name in names if name != _LOCKS))

    # Files --------------------------------------------------------------------------------------

    def upload(self, local: Path, path: str) -> FileInfo:
        """Copy a local file to the object `path`; return its size and SHA-256."""
        info = FileInfo(path=path, bytes=local.stat().st_size, sha256=sha256_of(local))
        with self._errors(path):
            obstore.put(self._objects, self._key(path), local)
        return info

    def download(self, path: str, local: Path, *, expect: FileInfo | None = None) -> FileInfo:
        """Copy the object `path` to a local file, hashing as it streams.

        Args:
            path: the object.
            local: the file; written aside first, so that it is whole or absent.
            expect: the size and SHA-256 that the bytes must have.

        Raises:
            DataError: the bytes are not the expected ones; nothing is left at `local`.
            TransientError: the store does not answer, or the disk is full.
        """
        local.parent.mkdir(parents=True, exist_ok=True)
        aside = local.with_name(f".{local.name}.{os.getpid()}.part")
        digest, size = hashlib.sha256(), 0
        try:
            with self._errors(path), of_disk(local), aside.open("wb") as file:
                for chunk in obstore.get(self._objects, self._key(path)).stream(CHUNK):
                    digest.update(chunk)
                    size += len(chunk)
                    file.write(chunk)
            got = FileInfo(path=path, bytes=size, sha256=digest.hexdigest())
            if expect is not None:
                verify(self.url(path), got, expect)
            aside.replace(local)
        finally:
            aside.unlink(missing_ok=True)
        return got

    def range(self, path: str, start: int, length: int) -> bytes:
        """Return a stretch of an object's bytes."""
        if length <= 0:
            return b""
        with self._errors(path):
            key = self._key(path)
            return bytes(obstore.get_range(self._objects, key, start=start, length=length))

    # Inner --------------------------------------------------------------------------------------

    def _key(self, path: str) -> str:
        path = path.strip("/")
        if any(part in {".", ".."} for part in path.split("/")):
            message = f"path {path!r}: must not contain '.' or '..'"
            raise DataError(message)
        return "/".join(part for part in (self._prefix, path) if part)

    def _info(self, meta: Any) -> ObjectInfo:
        path = str(meta["path"])
        if self._prefix:
            path = path.removeprefix(self._prefix + "/")
        return ObjectInfo(
            path=path, size=meta["size"], etag=meta["e_tag"], modified=meta["last_modified"]
        )

    def _errors(self, path: str) -> AbstractContextManager[None]:
        return of_store(self.url(path))
