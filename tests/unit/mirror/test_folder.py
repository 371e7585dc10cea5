from __future__ import annotations

from pathlib import Path

import pytest

from hearth.errors import DataError
from hearth.mirror.access import Access
from hearth.mirror.fetching import VanishedError, Wanted
from hearth.mirror.folder import fetch, resolve
from hearth.mirror.spec import FileSource


def source(path: str) -> FileSource:
    rule = {"files": "*", "format": "text"}
    return FileSource.model_validate(
        {"id": "s", "kind": "file", "licence": "MIT", "extract": [rule], "path": path}
    )


def wanted(base: Path) -> Wanted:
    file = resolve(source("data"), base).files[0]
    return Wanted("s", file.name, file.address, file.sha256, Access(), 1000)


@pytest.fixture
def base(tmp_path: Path) -> Path:
    (tmp_path / "data" / "sub").mkdir(parents=True)
    (tmp_path / "data" / "sub" / "一.txt").write_text("一", "utf-8")
    (tmp_path / "out").mkdir()
    return tmp_path


def test_a_folder_is_pinned_file_by_file(base: Path) -> None:
    (base / "data" / "b.txt").write_text("b")
    names = [file.name for file in resolve(source("data"), base).files]
    assert names == ["b.txt", "sub/一.txt"]


def test_a_change_in_any_file_is_another_version(base: Path) -> None:
    before = resolve(source("data"), base).version
    (base / "data" / "sub" / "一.txt").write_text("二", "utf-8")
    assert resolve(source("data"), base).version != before


def test_a_missing_path_is_named(base: Path) -> None:
    with pytest.raises(DataError, match="nowhere has 0 files"):
        resolve(source("nowhere"), base)


def test_a_link_out_of_the_folder_is_refused(base: Path) -> None:
    (base / "secret").write_text("x")
    (base / "data" / "link").symlink_to(base / "secret")
    with pytest.raises(DataError, match="leads out of"):
        resolve(source("data"), base)


def test_a_file_is_copied_as_pinned(base: Path) -> None:
    assert fetch(wanted(base), base / "out").read_text("utf-8") == "一"


def test_a_file_that_changed_since_is_refused(base: Path) -> None:
    file = wanted(base)
    (base / "data" / "sub" / "一.txt").write_text("二", "utf-8")
    with pytest.raises(DataError, match=file.sha256):
        fetch(file, base / "out")


def test_a_file_that_went_is_vanished(base: Path) -> None:
    file = wanted(base)
    (base / "data" / "sub" / "一.txt").unlink()
    with pytest.raises(VanishedError):
        fetch(file, base / "out")
