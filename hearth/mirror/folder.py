"""Sources that are files of this machine, or of a file system that it mounts."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit

from hearth.digest import sha256_of
from hearth.errors import DataError
from hearth.lock import PinnedFile, PinnedSource
from hearth.mirror.fetching import VanishedError, Wanted, verified
from hearth.mirror.spec import FileSource

_FILES: Final = 10_000


def resolve(source: FileSource, base: Path) -> PinnedSource:
    """Return the pin of a file, or of a folder with everything below it.

    Args:
        source: the source.
        base: where relative paths start.

    Raises:
        DataError: there is nothing, too much, or a link that leads out of the folder.
    """
    root = (base / source.path).resolve()
    if root.is_file():
        names = {root.name: root}
    elif root.is_dir():
        names = {
            path.relative_to(root).as_posix(): path
            for path in sorted(root.rglob("*"))
            if path.is_file()
        }
    else:
        names = {}
    if not 0 < len(names) <= _FILES:
        message = (
            f"source {source.id}: {root} has {len(names)} files, 1 to {_FILES} are wanted: "
            "check the path; pack a larger folder into an archive"
        )
        raise DataError(message)
    for path in names.values():
        if not path.resolve().is_relative_to(root):
            message = f"source {source.id}: {path} leads out of {root}: put the file itself there"
            raise DataError(message)
    files = tuple(
        PinnedFile(
            name=name,
            address=path.as_uri(),
            sha256=sha256_of(path),
            bytes=path.stat().st_size,
        )
        for name, path in names.items()
    )
    pin = PinnedSource(id=source.id, kind=source.kind, version="files", files=files)
    return pin.model_copy(update={"version": f"sha256-{pin.digest[:12]}"})


def fetch(wanted: Wanted, folder: Path) -> Path:
    """Copy a pinned file.

    Raises:
        VanishedError: it is gone.
        DataError: it changed since it was pinned.
    """
    path = Path(unquote(urlsplit(wanted.address).path))
    if not path.is_file():
        message = f"source {wanted.source}: {path}: is gone"
        raise VanishedError(message)
    return verified(wanted, Path(shutil.copyfile(path, folder / path.name)))
