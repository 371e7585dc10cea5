"""Finished shards of a pass: each is sealed in the attempt's folder, and taken from earlier ones.

    shards/<pass>/<number>.parquet   what the pass made of the shard: redacted text and keyed hashes
    shards/<pass>/<number>.json      its seal, written last: the run, and the file's size and hash

A killed run's next attempt does what is not sealed. It reads what earlier attempts left and never
writes there.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import pyarrow as pa
import pyarrow.parquet as pq
from pydantic import ValidationError

from hearth.digest import FileInfo
from hearth.errors import DataError
from hearth.model import FrozenModel
from hearth.storage import Store

log = logging.getLogger(__name__)

FOLDER: Final = "shards"


class Seal(FrozenModel):
    """What is known of a finished shard."""

    identity: str
    file: FileInfo


class Shards:
    """The finished shards of a run: on scratch, and, if there is a store, in its attempts."""

    def __init__(
        self,
        folder: Path,
        identity: str = "",
        own: Store | None = None,
        earlier: Sequence[Store] = (),
    ) -> None:
        """Know the shards of a run.

        Args:
            folder: On scratch; passes leave there what they need too.
            identity: Of the run: everything that a shard depends on beside its number.
            own: The attempt's folder.
            earlier: Those of earlier attempts, the newest first; they are only read.
        """
        self.folder = folder
        self._identity = identity
        self._own = own.sub(FOLDER) if own is not None else None
        self._sealed: dict[str, list[Store]] = {}
        for attempt in earlier:
            left = attempt.sub(FOLDER)
            for found in left.list(""):
                name, dot, kind = found.path.rpartition(".")
                if dot and kind == "json":
                    self._sealed.setdefault(name, []).append(left)
        self.counts: Counter[str] = Counter()
        """Shards that were taken over or made, by pass: `prepare taken`, `prepare made`."""

    def get(self, name: str) -> Path | None:
        """Return the file of a shard, if an earlier attempt finished it and it is whole."""
        for store in self._sealed.get(name, ()):
            try:
                seal = Seal.model_validate_json(store.get(f"{name}.json"))
                if seal.identity != self._identity:
                    log.info("%s: is of another run", store.url(name))
                    continue
                path = self._path(name)
                store.download(f"{name}.parquet", path, expect=seal.file)
            except (DataError, ValidationError) as error:
                log.warning("finished shard refused, it is made again: %s", error)
                continue
            self._count(name, "taken")
            log.info("%s: finished by an earlier attempt: %s", name, store.uri)
            return path
        return None

    def put(self, name: str, table: pa.Table) -> Path:
        """Write a shard, and seal it."""
        path = self._path(name)
        aside = path.with_suffix(".part")
        pq.write_table(table, aside, compression="zstd", compression_level=1, row_group_size=512)
        aside.rename(path)
        if self._own is not None:
            file = self._own.upload(path, f"{name}.parquet")
            seal = Seal(identity=self._identity, file=file)
            self._own.put(f"{name}.json", seal.model_dump_json().encode())
        self._count(name, "made")
        return path

    def clear(self) -> None:
        """Remove what this attempt sealed: it is done. The seals go first."""
        if self._own is not None:
            found = sorted(self._own.list(""), key=lambda item: not item.path.endswith(".json"))
            for item in found:
                self._own.delete(item.path)

    def report(self, step: str) -> None:
        """Say in the log how many shards of a pass there were."""
        taken, made = self.counts[f"{step} taken"], self.counts[f"{step} made"]
        log.info("%s: %d shards done, %d taken from earlier attempts", step, made, taken)

    def _count(self, name: str, what: str) -> None:
        self.counts[f"{name.partition('/')[0]} {what}"] += 1

    def _path(self, name: str) -> Path:
        path = self.folder / f"{name}.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        return path
