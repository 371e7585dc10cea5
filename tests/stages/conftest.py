"""What tests of several stages share: an empty store, and a disk of a few kilobytes to fill."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from hearth.model import Stage
from hearth.stage.job import environment_for
from hearth.storage import Store
from hearth.storagesettings import StorageSettings

MOUNT = 'mount -t tmpfs -o "size=$1" hearth "$2" && shift 2 && exec "$@"'

OnSmallDisk = Callable[[Stage, str, StorageSettings, int], tuple[int, str]]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store, which a program in this process finds by its environment."""
    settings = StorageSettings(uri=f"file://{tmp_path}/store")
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    return Store.open(settings)


@pytest.fixture
def small_disk(tmp_path: Path) -> Path:
    """Where the small disk is mounted: seen by the program that runs on it, and by nobody else."""
    return mountable(tmp_path / "small")


@pytest.fixture
def on_small_disk(small_disk: Path) -> OnSmallDisk:
    """Run a stage's program with its scratch on a disk of so many KiB: exit code and log."""

    def run(stage: Stage, job: str, storage: StorageSettings, kib: int) -> tuple[int, str]:
        command = [sys.executable, "-m", f"hearth.{stage}", "--job", job]
        environment = {**os.environ, **environment_for(storage, small_disk)}
        done = mounted(small_disk, kib, command, environment)
        return done.returncode, done.stdout + done.stderr

    return run


def mountable(folder: Path) -> Path:
    """Make a folder that can be covered by a mount that one process alone sees."""
    folder.mkdir()
    tried = mounted(folder, 64, ["true"])
    if tried.returncode:
        pytest.xfail(f"no file system can be mounted here, root or not: {tried.stderr.strip()}")
    return folder


def mounted(
    folder: Path, kib: int, command: list[str], environment: dict[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    own = ["unshare", "--user", "--map-root-user", "--mount"]
    return subprocess.run(
        [*own, "sh", "-c", MOUNT, "sh", f"{kib}k", str(folder), *command],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
