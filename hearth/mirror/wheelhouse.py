"""Fills a folder with the packages of locks, for images that are built where no index is reached.

`python -m hearth.mirror.wheelhouse FOLDER LOCK... [PROJECT==VERSION...]`; the last is for what a
lock leaves out, and has the hash that the index states. Packages come from where the mirror has
wheels from, under its allow-list. Nothing gets into the folder before it was hashed against the
lock; `SHA256SUMS` is for whoever carries it.
"""

from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from hearth.digest import sha256_of
from hearth.errors import DataError, HearthError, SpecError
from hearth.mirror.access import Access
from hearth.mirror.client import run
from hearth.mirror.pypi import NEEDS, check_index, failure, pip

SUMS: Final = "SHA256SUMS"
_HASH: Final = re.compile(r"--hash=sha256:([0-9a-f]{64})")
_PINNED: Final = re.compile(r"[A-Za-z0-9._-]+==[A-Za-z0-9._+!-]+")
_AT_ONCE: Final = 25
"""Packages that one call of pip fetches: each has ten minutes."""


def fill(folder: Path, locks: Iterable[Path], others: Iterable[str], access: Access) -> list[Path]:
    """Fetch what locks name, and other pinned requirements; returns the files of the folder.

    What the folder has already is not fetched again.

    Raises:
        SpecError: a requirement is not pinned.
        DataError: the index does not have what a lock names, or has other bytes under its name.
        PolicyViolation: the index is not allowed.
        TransientError: the index did not answer.
    """
    check_index("wheelhouse", access)
    folder.mkdir(parents=True, exist_ok=True)
    for lock in locks:
        pinned = list(_entries(lock))
        for at in range(0, len(pinned), _AT_ONCE):
            _fetch(folder, str(lock), pinned[at : at + _AT_ONCE])
    for other in others:
        if _PINNED.fullmatch(other) is None:
            message = f"{other}: name a version: PROJECT==VERSION"
            raise SpecError(message)
        _fetch(folder, other, [other])
    files = sorted(path for path in folder.iterdir() if path.name != SUMS)
    sums = "".join(f"{sha256_of(path)}  {path.name}\n" for path in files)
    (folder / SUMS).write_text(sums, "utf-8")
    return files


def _entries(lock: Path) -> Iterator[str]:
    """The requirements of a lock, each with its hashes."""
    for line in lock.read_text("utf-8").replace("\\\n", " ").splitlines():
        entry = line.split(" #")[0].strip()
        if not entry or entry.startswith("#"):
            continue
        if not _HASH.search(entry):
            message = f"{lock}: {entry}: has no hash: make the lock again (make lock)"
            raise SpecError(message)
        yield entry


def _fetch(folder: Path, source: str, entries: list[str]) -> None:
    pinned = {found for entry in entries for found in _HASH.findall(entry)}
    with TemporaryDirectory(prefix="hearth-wheels-", dir=folder.parent) as new:
        wanted, got = Path(new) / "wanted.txt", Path(new) / "got"
        wanted.write_text("\n".join(entries), "utf-8")
        checks = ["--require-hashes"] if pinned else []
        answer = run(
            [
                *pip("download"), "--no-deps", *checks, "--find-links", folder, "--dest", got,
                "--requirement", wanted,
            ],
            needs=NEEDS,
        )  # fmt: skip
        if "DO NOT MATCH THE HASHES" in answer.errors.upper():
            message = f"{source}: the index has other bytes than the lock names: {answer.complaint}"
            raise DataError(message)
        if answer.code:
            raise failure(source, answer)
        for path in got.iterdir() if got.is_dir() else ():  # all may be for other machines
            if pinned and (found := sha256_of(path)) not in pinned:
                message = f"{source}: {path.name}: SHA-256 is {found}, which the lock does not name"
                raise DataError(message)
            shutil.move(path, folder / path.name)


if __name__ == "__main__":
    place, *named = sys.argv[1:] or sys.exit(__doc__)
    try:
        kept = fill(
            Path(place),
            [Path(word) for word in named if "==" not in word],
            [word for word in named if "==" in word],
            Access(),
        )
    except HearthError as error:
        sys.exit(str(error))
    release = ".".join(map(str, sys.version_info[:2]))
    sys.stdout.write(f"{place}: {len(kept)} files, for Python {release} on this kind of machine\n")
