"""Checkpoints on a disk: written aside, sealed by a manifest, named last; newest valid one wins.

    step-000120/manifest.json      step, identity of the run, bytes and SHA-256 of every file
    step-000120/model.safetensors  …

A folder of that name is whole, because it gets its name by a rename after its manifest. It may
be damaged since: whoever reads it compares every hash first.
"""

from __future__ import annotations

import logging
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from hearth.digest import FileInfo, sha256_of
from hearth.errors import DataError
from hearth.model import FrozenModel
from hearth.train.plan import kept

log = logging.getLogger(__name__)

MANIFEST: Final = "manifest.json"
_NAME: Final = re.compile(r"step-(\d{6,})")


class Manifest(FrozenModel):
    """What a checkpoint holds, and of which run."""

    step: int
    identity: str
    world_size: int
    files: tuple[FileInfo, ...]


def name_of(step: int) -> str:
    """Return the name of the checkpoint after `step` steps."""
    return f"step-{step:06d}"


def step_of(name: str) -> int | None:
    """Return after how many steps the checkpoint of this name was taken; None: it is none."""
    match = _NAME.fullmatch(name)
    return int(match[1]) if match else None


def aside(root: Path, step: int) -> Path:
    """Return the folder to write a checkpoint's files in until it is sealed."""
    return root / f".{name_of(step)}.partial"


def clear(folder: Path) -> None:
    """Make an empty folder of it, whatever a killed run left there."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def seal(root: Path, step: int, identity: str, world_size: int) -> Path:
    """Hash what lies aside, write the manifest last, and give the checkpoint its name."""
    folder, sealed = aside(root, step), root / name_of(step)
    files = tuple(
        FileInfo(path=path.name, bytes=path.stat().st_size, sha256=sha256_of(path))
        for path in sorted(folder.iterdir())
    )
    for file in files:
        _flush(folder / file.path)
    manifest = Manifest(step=step, identity=identity, world_size=world_size, files=files)
    (folder / MANIFEST).write_text(manifest.model_dump_json(indent=1), "utf-8")
    _flush(folder / MANIFEST)
    _flush(folder)
    # A damaged checkpoint of the same step may lie there: it is why this one was written again.
    shutil.rmtree(sealed, ignore_errors=True)
    folder.rename(sealed)
    _flush(root)
    return sealed


def sealed_steps(root: Path) -> list[int]:
    """Return the steps of the checkpoints in a folder, newest first."""
    if not root.is_dir():
        return []
    steps = (step_of(path.name) for path in root.iterdir())
    return sorted((step for step in steps if step is not None), reverse=True)


def prune(root: Path, keep: int) -> None:
    """Remove the checkpoints that are no longer `kept`, and what was never sealed."""
    steps = sealed_steps(root)
    for step in set(steps) - kept(steps, keep):
        shutil.rmtree(root / name_of(step))
    for partial in root.glob(".step-*.partial"):
        shutil.rmtree(partial)


def verify(folder: Path, identity: str) -> Manifest:
    """Return a checkpoint's manifest, once every byte of it was compared.

    Raises:
        DataError: a file is missing or damaged, or the checkpoint is of another run.
    """
    path = folder / MANIFEST
    raw = path.read_bytes() if path.is_file() else b""
    manifest = parse(raw, str(path), step_of(folder.name), identity)
    for file in manifest.files:
        local = folder / file.path
        found = sha256_of(local) if local.is_file() else "nothing"
        if found != file.sha256:
            message = f"{local}: has sha256 {found}, its manifest says {file.sha256}"
            raise DataError(message)
    return manifest


def parse(raw: bytes, where: str, step: int | None, identity: str) -> Manifest:
    """Return the manifest in `raw`.

    Args:
        raw: what was read.
        where: from where.
        step: what its folder's name says.
        identity: of the run.

    Raises:
        DataError: it is none, or is of another step or run.
    """
    try:
        manifest = Manifest.model_validate_json(raw)
    except ValidationError as error:
        message = f"{where}: is not a checkpoint's manifest: {error}"
        raise DataError(message) from error
    if manifest.step != step:
        message = f"{where}: is of step {manifest.step}, its folder of {step}"
        raise DataError(message)
    if manifest.identity != identity:
        message = f"{where}: is of the run {manifest.identity[:12]}, not of {identity[:12]}"
        raise DataError(message)
    return manifest


def newest_valid(root: Path, identity: str) -> tuple[Path, Manifest] | None:
    """Return the newest checkpoint whose every byte is right; None if there is none.

    Each one that is refused is named in the log, with the file and both hashes.
    """
    for folder in _newest_first(root):
        try:
            return folder, verify(folder, identity)
        except DataError as error:
            log.warning("checkpoint refused, the one before is used: %s", error)
    return None


def _newest_first(root: Path) -> Iterator[Path]:
    return (root / name_of(step) for step in sealed_steps(root))


def _flush(path: Path) -> None:
    """Have the disk hold a file or a folder before anything relies on it."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
