"""The laws of the wheelhouse: what a lock names and nothing else, hashed before it is kept."""

from __future__ import annotations

import subprocess
import zipfile
from pathlib import Path

import pytest

from hearth.digest import sha256_of
from hearth.errors import DataError, PolicyViolation, SpecError
from hearth.mirror.access import Access
from hearth.mirror.wheelhouse import SUMS, fill

OPEN = Access()


def wheel(folder: Path, name: str, content: str = "") -> Path:
    path = folder / f"{name}-1.0-py3-none-any.whl"
    info = f"{name}-1.0.dist-info"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}.py", content)
        archive.writestr(f"{info}/METADATA", f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
        archive.writestr(
            f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{info}/RECORD", "")
    return path


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder that pip takes for all there is."""
    folder = tmp_path / "index"
    folder.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return folder


def lock(folder: Path, **hashes: str) -> Path:
    path = folder / "lock.txt"
    lines = [
        f"{name}==1.0 \\\n    --hash=sha256:{found}\n    # via -r wanted\n"
        for name, found in hashes.items()
    ]
    path.write_text("# A lock.\n" + "".join(lines), "utf-8")
    return path


def test_it_holds_what_the_lock_names_and_says_how_to_check_it(index: Path, tmp_path: Path) -> None:
    one, two = wheel(index, "one"), wheel(index, "two")
    wheel(index, "unwanted")
    place = tmp_path / "house"
    named = lock(tmp_path, one=sha256_of(one))
    kept = fill(place, [named], ["two==1.0"], OPEN)
    assert [path.name for path in kept] == [one.name, two.name]
    subprocess.run(["/usr/bin/sha256sum", "--check", "--strict", SUMS], check=True, cwd=place)
    one.unlink()  # what is there is not fetched again
    assert fill(place, [named], [], OPEN) == kept


def test_other_bytes_under_a_pinned_name_do_not_get_in(index: Path, tmp_path: Path) -> None:
    pinned = sha256_of(wheel(index, "one"))
    wheel(index, "one", "print('something else')")
    place = tmp_path / "house"
    with pytest.raises(DataError, match="other bytes"):
        fill(place, [lock(tmp_path, one=pinned)], [], OPEN)
    assert list(place.iterdir()) == []


def test_what_the_index_does_not_have_is_named(index: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"one==1\.0"):
        fill(tmp_path / "house", [lock(tmp_path, one="0" * 64)], [], OPEN)


def test_a_lock_without_a_hash_is_none(index: Path, tmp_path: Path) -> None:
    bare = tmp_path / "bare.txt"
    bare.write_text("one==1.0\n")
    with pytest.raises(SpecError, match="has no hash"):
        fill(tmp_path / "house", [bare], [], OPEN)


@pytest.mark.parametrize("word", ["two", "two>=1.0", "two==1.0 --index-url=https://elsewhere"])
def test_what_is_asked_for_besides_has_a_version(index: Path, tmp_path: Path, word: str) -> None:
    with pytest.raises(SpecError, match="name a version"):
        fill(tmp_path / "house", [], [word], OPEN)


def test_an_index_that_is_not_allowed_is_not_asked(index: Path, tmp_path: Path) -> None:
    with pytest.raises(PolicyViolation):
        fill(tmp_path / "house", [], ["two==1.0"], Access(allowed_hosts=("mirror.example",)))
