"""The reject area: documents that curation dropped, apart from the store, for as long as is stated.

    rejects/<fingerprint of the corpus>/<attempt>/part-00000.parquet
    rejects/<fingerprint of the corpus>/<attempt>/record.json           written last

An attempt writes its own folder and no other; the corpus's record names the one that counts. Where
the area is under Object Lock, what is written cannot be deleted before its time, by Hearth neither.
"""

from __future__ import annotations

import tempfile
from collections import defaultdict
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from pydantic import ValidationError

from hearth.artifact import Output
from hearth.digest import FileInfo, sha256_of
from hearth.errors import NotFoundError
from hearth.model import FrozenModel
from hearth.policy import ObjectLock
from hearth.profile import RejectArea
from hearth.s3 import ASKED, Version, VersionedBucket
from hearth.storage import Store

FOLDER: Final = "rejects"
RECORD: Final = "record.json"
_DEPTH: Final = 3


class Made(FrozenModel):
    """By what documents were dropped."""

    fingerprint: str
    corpus: str
    attempt: int
    build: str
    recipe: str


class RejectRecord(FrozenModel):
    """What an attempt put into the area."""

    schema_version: int = 1
    made: Made
    steps: tuple[str, ...]
    documents: int
    files: tuple[FileInfo, ...]
    written: datetime
    until: datetime
    object_lock: ObjectLock | None = None


class Held(FrozenModel):
    """A folder of the area."""

    path: str
    uri: str
    record: RejectRecord | None
    """None: the attempt died before it was done."""
    objects: int
    bytes: int
    until: datetime


class Area:
    """The reject area of a profile."""

    def __init__(self, settings: RejectArea, retries: int = ASKED) -> None:
        """Open it; nothing is asked of the server.

        Args:
            settings: where it is, and how long what it holds is kept.
            retries: how often a request is repeated that failed for want of the server.

        Raises:
            SpecError: the URI or the credentials file is wrong.
        """
        self.settings = settings
        self.store = Store.open(settings.storage, retries)
        place = urlsplit(settings.storage.uri)
        self._prefix = place.path.strip("/")
        self._bucket = (
            VersionedBucket(settings.storage, place.netloc) if place.scheme == "s3" else None
        )

    def write(self, made: Made, files: Sequence[tuple[Path, int]], now: datetime) -> RejectRecord:
        """Keep files of dropped documents, until the retention ends.

        Args:
            made: by what they were dropped.
            files: local Parquet files of `hearth.curate.rejected`, with their rows.
            now: when the retention begins.

        Raises:
            SpecError: the area refuses access, or has no Object Lock where that is asked for.
            TransientError: it does not answer.
        """
        folder = f"{FOLDER}/{made.fingerprint}/{made.attempt}"
        record = RejectRecord(
            made=made,
            steps=self.settings.steps,
            documents=sum(rows for _, rows in files),
            files=tuple(
                FileInfo(path=path.name, bytes=path.stat().st_size, sha256=sha256_of(path))
                for path, _ in files
            ),
            written=now,
            until=now + timedelta(days=self.settings.retention_days),
            object_lock=self.settings.object_lock,
        )
        for path, _ in files:
            self._put(path, f"{folder}/{path.name}", record)
        self._put_record(folder, record)
        return record

    def ask(self, fingerprint: str) -> None:
        """Ask whether the area is there: who may only write and list finds that out by this.

        Raises:
            SpecError: it is not, or refuses access.
            TransientError: it does not answer.
        """
        self._versions(f"{FOLDER}/{fingerprint}")

    def uri(self, made: Made) -> str:
        """Return where an attempt's dropped documents lie."""
        return self.store.url(f"{FOLDER}/{made.fingerprint}/{made.attempt}")

    def held(self, fingerprint: str | None = None) -> list[Held]:
        """Return what lies there, of all corpora or of one; hidden versions too."""
        folders: dict[str, list[Version]] = defaultdict(list)
        for version in self._versions(f"{FOLDER}/{fingerprint}" if fingerprint else FOLDER):
            parts = version.key.split("/")
            if len(parts) > _DEPTH:
                folders["/".join(parts[:_DEPTH])].append(version)
        found = []
        for path, versions in sorted(folders.items()):
            record = self._record(path)
            # Of an attempt that died, nobody said until when: as long as of one that did not.
            late = max(one.modified for one in versions)
            until = record.until if record else late + timedelta(days=self.settings.retention_days)
            found.append(
                Held(
                    path=path,
                    uri=self.store.url(path),
                    record=record,
                    objects=len(versions),
                    bytes=sum(one.size for one in versions),
                    until=until,
                )
            )
        return found

    def outputs(self, held: Held) -> list[Output]:
        """Return a folder's Parquet files, as `hearth.scan` reads them from `store`."""
        return [
            Output(path=f"{held.path}/{info.path}", bytes=info.size, sha256="")
            for info in self.store.sub(held.path).list()
            if info.path.endswith(".parquet")
        ]

    def purge(self, held: Held) -> datetime | None:
        """Delete a folder, all versions; return until when it is locked, if that forbids it."""
        versions = self._versions(held.path)
        # Its record goes last: what is left after a failure still says until when.
        last = [one for one in versions if one.key == f"{held.path}/{RECORD}"]
        first = [one for one in versions if one not in last]
        return self._delete(first) or self._delete(last)

    def strike(self, held: Held, keys: Collection[str], now: datetime) -> datetime | None:
        """Take documents out of a folder; return until when it is locked, if that forbids it."""
        import pyarrow as pa  # noqa: PLC0415 - slow to load, and most calls need none
        import pyarrow.compute as pc  # noqa: PLC0415 - as above
        import pyarrow.parquet as pq  # noqa: PLC0415 - as above

        record = held.record
        if record is None or (record.object_lock and record.until > now):
            return held.until if record else self.purge(held)
        files, left = [], 0
        with tempfile.TemporaryDirectory(prefix="hearth-rejects-") as scratch:
            for info in record.files:
                path, local = f"{held.path}/{info.path}", Path(scratch) / info.path
                self.store.download(path, local, expect=info)
                table = pq.read_table(local)
                gone = pc.is_in(table["doc_key"], value_set=pa.array(sorted(keys), pa.string()))
                kept = table.filter(pc.invert(gone))
                left += kept.num_rows
                if kept.num_rows < table.num_rows:
                    pq.write_table(kept, local, compression="zstd")
                    self._put(local, path, None)
                files.append(
                    FileInfo(path=info.path, bytes=local.stat().st_size, sha256=sha256_of(local))
                )
        struck = record.model_copy(update={"files": tuple(files), "documents": left})
        self._put_record(held.path, struck, lock=False)
        return self._delete([one for one in self._versions(held.path) if not one.latest])

    # Inner --------------------------------------------------------------------------------------

    def _put(self, local: Path, path: str, record: RejectRecord | None) -> None:
        if self._bucket is None:
            self.store.upload(local, path)
            return
        mode = record.object_lock if record else None
        until = record.until if record else None
        self._bucket.put(self._key(path), local, mode=mode, until=until)

    def _put_record(self, folder: str, record: RejectRecord, *, lock: bool = True) -> None:
        with tempfile.TemporaryDirectory(prefix="hearth-rejects-") as scratch:
            local = Path(scratch) / RECORD
            local.write_text(record.model_dump_json(indent=1), encoding="utf-8")
            self._put(local, f"{folder}/{RECORD}", record if lock else None)

    def _record(self, folder: str) -> RejectRecord | None:
        try:
            return RejectRecord.model_validate_json(self.store.get(f"{folder}/{RECORD}"))
        except (NotFoundError, ValidationError):
            return None

    def _versions(self, path: str) -> list[Version]:
        if self._bucket is None:
            return [
                Version(
                    key=f"{path}/{info.path}",
                    id="",
                    size=info.size,
                    modified=info.modified,
                    latest=True,
                )
                for info in self.store.sub(path).list()
            ]
        head = f"{self._prefix}/" if self._prefix else ""
        return [
            one.model_copy(update={"key": one.key.removeprefix(head)})
            for one in self._bucket.versions(self._key(path) + "/")
        ]

    def _delete(self, versions: Iterable[Version]) -> datetime | None:
        locked: list[datetime] = []
        for one in versions:
            if self._bucket is None:
                self.store.delete(one.key)
                continue
            named = one.model_copy(update={"key": self._key(one.key)})
            until = self._bucket.delete(named)
            if until is not None:
                locked.append(until)
        return max(locked, default=None)

    def _key(self, path: str) -> str:
        return f"{self._prefix}/{path}" if self._prefix else path
