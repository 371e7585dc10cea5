"""Commands run in this process: a second of imports is paid once, not by every test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result
from typer.testing import CliRunner

from hearth.cli import app
from hearth.cli.output import console
from hearth.settings import settings
from hearth.storagesettings import StorageSettings
from tests.unit.lineage.library import Library, library

PROFILE = """
name: local
storage: {{uri: "file://{home}/store"}}
endpoint: {{url: "http://127.0.0.1:1"}}
"""

Command = Callable[..., Result]


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Command]:
    """Return what runs `hearth …` on a store in a folder."""
    (tmp_path / "profiles").mkdir()
    (tmp_path / "recipes").mkdir()
    (tmp_path / "profiles" / "local.yaml").write_text(PROFILE.format(home=tmp_path))
    monkeypatch.setenv("HEARTH_CONFIG", str(tmp_path))
    monkeypatch.setenv("HEARTH_HOME", str(tmp_path / "home"))
    # Not COLUMNS: a console that was made before keeps the width it found then.
    monkeypatch.setattr(console, "_width", 240)
    settings.cache_clear()
    yield lambda *arguments: CliRunner().invoke(app, [str(one) for one in arguments])
    settings.cache_clear()


@pytest.fixture
def home(command: Command, tmp_path: Path) -> Library:
    """Fill that store with a library."""
    return library(StorageSettings(uri=f"file://{tmp_path}/store"), tmp_path / "scratch")
