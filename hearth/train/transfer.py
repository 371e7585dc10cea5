"""Checkpoints in the store: each attempt keeps its own, the next one takes the newest valid."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from hearth.errors import DataError, NotFoundError
from hearth.storage import Store
from hearth.train.checkpoint import (
    MANIFEST,
    Manifest,
    name_of,
    parse,
    sealed_steps,
    step_of,
)
from hearth.train.plan import kept

log = logging.getLogger(__name__)

FOLDER: Final = "checkpoints"


class Uploader:
    """Copies sealed checkpoints from a disk into an attempt's folder of the store."""

    def __init__(self, local: Path, attempt: Store, identity: str, keep: int) -> None:
        """Copy from `local`.

        Args:
            local: where checkpoints appear.
            attempt: this attempt's folder.
            identity: of the run.
            keep: how many of the newest stay in the store.
        """
        self._local = local
        self._store = attempt.sub(FOLDER)
        self._identity = identity
        self._keep = keep
        self._done: list[int] = []

    def skip(self, step: int) -> None:
        """Leave out the checkpoint that came from the store."""
        self._done.append(step)

    def run(self) -> None:
        """Copy the newest if it is new, and remove what is no longer kept."""
        fresh = [step for step in sealed_steps(self._local) if step > max(self._done, default=-1)]
        self._copy(fresh[:1])
        if fresh:
            self._prune()

    def rest(self) -> None:
        """Copy the others that are there too: a training that diverged leaves no newer one."""
        self._copy([step for step in sealed_steps(self._local) if step not in self._done])

    def _copy(self, steps: Sequence[int]) -> None:
        for step in steps:
            try:
                self._upload(step)
            except (FileNotFoundError, NotFoundError):
                # Pruned by the ranks meanwhile: a newer one is there, for the next call.
                continue
            self._done.append(step)

    def _prune(self) -> None:
        paths = [item.path.split("/") for item in self._store.list("")]
        whole = [step_of(name) for name, *rest in paths if rest == [MANIFEST]]
        stay = kept(filter(None, whole), self._keep)
        for step in set(filter(None, (step_of(name) for name, *_ in paths))) - stay:
            self._remove(step)

    def _upload(self, step: int) -> None:
        folder = self._local / name_of(step)
        raw = (folder / MANIFEST).read_bytes()
        for file in parse(raw, str(folder / MANIFEST), step, self._identity).files:
            self._store.upload(folder / file.path, f"{name_of(step)}/{file.path}")
        self._store.put(f"{name_of(step)}/{MANIFEST}", raw)
        log.info("checkpoint %s is in the store", name_of(step))

    def _remove(self, step: int) -> None:
        # The manifest goes first: without it, the rest is no checkpoint.
        self._store.delete(f"{name_of(step)}/{MANIFEST}")
        for item in list(self._store.list(name_of(step) + "/")):
            self._store.delete(item.path)


def fetch_newest(earlier: Sequence[Store], local: Path, identity: str) -> Manifest | None:
    """Copy the newest valid checkpoint of earlier attempts to a disk, verified.

    Args:
        earlier: the attempts' folders, newest first; they are only read.
        local: where to put it.
        identity: of the run.

    Returns:
        Its manifest; None if there is none. Each one that is refused is named in the log.
    """
    found = [
        (step, -age, attempt.sub(FOLDER))
        for age, attempt in enumerate(earlier)
        for step in map(step_of, attempt.folders(FOLDER))
        if step is not None
    ]
    for step, _, store in sorted(found, key=lambda item: item[:2], reverse=True):
        path = f"{name_of(step)}/{MANIFEST}"
        if not store.exists(path):
            continue
        target = local / name_of(step)
        try:
            manifest = parse(store.get(path), store.url(path), step, identity)
            for file in manifest.files:
                store.download(f"{name_of(step)}/{file.path}", target / file.path, expect=file)
        except DataError as error:
            log.warning("checkpoint refused, the one before is used: %s", error)
            shutil.rmtree(target, ignore_errors=True)
            continue
        (target / MANIFEST).write_bytes(store.get(path))
        log.info("resumes from %s", store.url(name_of(step)))
        return manifest
    return None
