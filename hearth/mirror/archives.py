"""Read packages member by member, without unpacking them anywhere and without running anything.

No member's name ever becomes a path to write to; a name that climbs out of the package is still
refused, because such a package is hostile or broken. What is read is bounded before it is read.
"""

from __future__ import annotations

import io
import lzma
import shutil
import subprocess
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Final

from hearth.errors import DataError, SpecError
from hearth.mirror.dates import day
from hearth.mirror.spec import Limits

_DAMAGE: Final = (tarfile.TarError, zipfile.BadZipFile, zlib.error, lzma.LZMAError, EOFError)
_ZIPS: Final = (".whl", ".zip")
_TARS: Final = (".tar", ".tar.gz", ".tgz", ".tar.xz", ".txz", ".tar.bz2")


@dataclass(frozen=True)
class Member:
    """A regular file in a package; valid until the next one is asked for."""

    path: str
    size: int
    open: Callable[[], IO[bytes]]
    local: Path | None = None
    """Where it lies on this disk, if it needs no unpacking."""
    date: str | None = None
    """The day of a Debian package's file: it was written then, or packaged at the latest."""


def members(package: Path, limits: Limits) -> Iterator[Member]:
    """Yield the regular files of a wheel, a .deb, an archive, or the one plain file.

    Raises:
        DataError: the package is damaged, over a limit, or has a member outside itself.
    """
    if package.name.endswith(_ZIPS):
        found = _zip_members(package)
    elif package.name.endswith(".deb"):
        found = _deb_members(package)
    elif package.name.endswith(_TARS):
        found = _tar_file_members(package)
    else:
        found = _plain(package)
    count = total = 0
    try:
        for member in found:
            count, total = count + 1, total + member.size
            if count > limits.members or total > limits.unpacked_bytes:
                message = (
                    f"{package.name}: unpacks to over {limits.members} files or "
                    f"{limits.unpacked_bytes} bytes: raise mirror.limits if that is meant"
                )
                raise DataError(message)
            yield member
    except _DAMAGE as error:
        message = f"{package.name}: is damaged ({error or type(error).__name__}): fetch it again"
        raise DataError(message) from error


def inner_path(package: Path, name: str) -> str:
    """Return a member's name as a plain relative path.

    Raises:
        DataError: it points outside the package.
    """
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\0" in name or "\\" in name:
        message = (
            f"{package.name}: member {name!r} points outside the package: "
            "it is hostile or broken; use another source"
        )
        raise DataError(message)
    return path.as_posix()


def _plain(package: Path) -> Iterator[Member]:
    yield Member(package.name, package.stat().st_size, lambda: package.open("rb"), package)


def _zip_members(package: Path) -> Iterator[Member]:
    with zipfile.ZipFile(package) as archive:
        for info in archive.infolist():
            path = inner_path(package, info.filename)
            if not info.is_dir():
                yield Member(path, info.file_size, lambda info=info: archive.open(info))  # type: ignore[misc]


def _tar_file_members(package: Path) -> Iterator[Member]:
    with package.open("rb") as file:
        yield from _tar_members(package, file, "r|*")


def _deb_members(package: Path) -> Iterator[Member]:
    with _unpacked_deb(package) as stream:
        yield from _tar_members(package, stream, "r|", dated=True)


@contextmanager
def _unpacked_deb(package: Path) -> Iterator[IO[bytes]]:
    tool = shutil.which("dpkg-deb")
    if tool is None:
        message = f"{package.name}: dpkg-deb is not installed: .deb files need Debian or Ubuntu"
        raise SpecError(message)
    with subprocess.Popen(
        [tool, "--fsys-tarfile", package], stdout=subprocess.PIPE, stderr=subprocess.PIPE
    ) as process:
        assert process.stdout is not None  # noqa: S101 - for mypy: PIPE was asked for
        assert process.stderr is not None  # noqa: S101 - as above
        try:
            yield process.stdout
            # What tarfile leaves unread (padding) would block the tool for ever.
            while process.stdout.read(1 << 20):
                pass
            said = process.stderr.read().decode(errors="replace").strip()
            if process.wait() != 0:
                message = f"{package.name}: is damaged ({said}): fetch it again"
                raise DataError(message)
        finally:
            process.kill()


def _tar_members(
    package: Path, stream: IO[bytes], mode: str, *, dated: bool = False
) -> Iterator[Member]:
    with tarfile.open(fileobj=stream, mode=mode) as archive:  # type: ignore[call-overload]
        for info in archive:
            path = inner_path(package, info.name)
            if info.isreg():
                # dpkg-deb lets no file be newer than the package's last entry in its changelog;
                # other archives have the day of somebody's checkout, and wheels a constant.
                date = day(datetime.fromtimestamp(info.mtime, UTC)) if dated else None
                yield Member(path, info.size, lambda info=info: _opened(archive, info), date=date)  # type: ignore[misc]


def _opened(archive: tarfile.TarFile, info: tarfile.TarInfo) -> IO[bytes]:
    return archive.extractfile(info) or io.BytesIO()
