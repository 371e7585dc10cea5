from __future__ import annotations

import io
import os
import shutil
import subprocess
import tarfile
import zipfile
from datetime import UTC, datetime
from pathlib import Path

import pytest

from hearth.errors import DataError
from hearth.mirror.archives import members
from hearth.mirror.spec import Limits

LIMITS = Limits(unpacked_bytes=10_000, members=10)
HOSTILE = ["../up.txt", "/etc/cron.d/x", "a/../../up.txt", "a\\..\\up.txt"]


def tar(path: Path, files: dict[str, bytes]) -> Path:
    with tarfile.open(path, "w:gz") as archive:
        for name, data in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def deb(path: Path, files: dict[str, bytes]) -> Path:
    root = path.parent / "deb"
    (root / "DEBIAN").mkdir(parents=True)
    control = "Package: x\nVersion: 1\nArchitecture: all\nMaintainer: x <x@x>\nDescription: x\n"
    (root / "DEBIAN" / "control").write_text(control)
    for name, data in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(data)
    tool = shutil.which("dpkg-deb") or ""
    subprocess.run([tool, "--build", root, path], check=True, capture_output=True)
    return path


def contents(package: Path) -> dict[str, bytes]:
    return {member.path: member.open().read() for member in members(package, LIMITS)}


FILES = {"usr/a.txt": b"A" * 100, "usr/b/c.txt": "汉".encode()}


def test_every_kind_of_package_gives_its_files(tmp_path: Path) -> None:
    plain = tmp_path / "x.txt"
    plain.write_bytes(b"plain")
    assert contents(tar(tmp_path / "x.tar.gz", FILES)) == FILES
    assert contents(zipped(tmp_path / "x.whl", FILES)) == FILES
    assert contents(plain) == {"x.txt": b"plain"}


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")
def test_a_deb_gives_its_files(tmp_path: Path) -> None:
    package = deb(tmp_path / "x.deb", FILES)
    assert contents(package) == FILES
    day = datetime.fromtimestamp((tmp_path / "deb" / "usr/a.txt").stat().st_mtime, UTC).date()
    assert {member.date for member in members(package, LIMITS)} == {day.isoformat()}


@pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="dpkg-deb is not installed")
@pytest.mark.parametrize("keep", [0, 60, 300])
def test_a_damaged_deb_is_refused(tmp_path: Path, keep: int) -> None:
    package = deb(tmp_path / "x.deb", {"usr/a": os.urandom(900)})
    package.write_bytes(package.read_bytes()[:keep])
    with pytest.raises(DataError, match=r"x\.deb: is damaged"):
        contents(package)


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize(("make", "suffix"), [(tar, ".tar.gz"), (zipped, ".zip")])
def test_a_member_that_climbs_out_condemns_the_package(
    tmp_path: Path, name: str, make: object, suffix: str
) -> None:
    package = make(tmp_path / f"x{suffix}", {"fine.txt": b"x", name: b"evil"})  # type: ignore[operator]
    with pytest.raises(DataError, match="points outside the package"):
        contents(package)


def test_links_are_not_followed(tmp_path: Path) -> None:
    path = tmp_path / "x.tar"
    with tarfile.open(path, "w") as archive:
        for kind, name in ((tarfile.SYMTYPE, "soft"), (tarfile.LNKTYPE, "hard")):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
    assert contents(path) == {}


@pytest.mark.parametrize(("make", "suffix"), [(tar, ".tar.gz"), (zipped, ".zip")])
def test_a_bomb_is_refused_before_it_is_unpacked(tmp_path: Path, make: object, suffix: str) -> None:
    package = make(tmp_path / f"x{suffix}", {"bomb": b"\0" * 50_000})  # type: ignore[operator]
    with pytest.raises(DataError, match=r"raise mirror\.limits"):
        contents(package)


def test_too_many_files_are_refused(tmp_path: Path) -> None:
    package = zipped(tmp_path / "x.zip", {f"{n}": b"" for n in range(11)})
    with pytest.raises(DataError, match="over 10 files"):
        contents(package)


@pytest.mark.parametrize("name", ["x.zip", "x.tar.gz", "x.tar"])
def test_a_damaged_archive_is_refused(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(b"\x1f\x8bnonsense" * 9)
    with pytest.raises(DataError, match="is damaged"):
        contents(tmp_path / name)
