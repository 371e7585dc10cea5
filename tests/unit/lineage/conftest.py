"""What the tests of lineage share: a library in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from hearth.storagesettings import StorageSettings
from tests.unit.lineage.library import Library, library


@pytest.fixture
def storage(tmp_path: Path) -> StorageSettings:
    return StorageSettings(uri=f"file://{tmp_path}/store")


@pytest.fixture
def home(storage: StorageSettings, tmp_path: Path) -> Library:
    return library(storage, tmp_path / "scratch")
