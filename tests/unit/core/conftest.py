"""What the tests of the core share: an empty store in a folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from hearth.storage import Store
from hearth.storagesettings import StorageSettings


@pytest.fixture
def storage(tmp_path: Path) -> StorageSettings:
    return StorageSettings(uri=f"file://{tmp_path}/store")


@pytest.fixture
def store(storage: StorageSettings) -> Store:
    return Store.open(storage)
