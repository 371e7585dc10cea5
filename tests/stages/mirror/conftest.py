"""Run the mirror's program as a backend would: a job in a store, a process, an exit code."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from hearth.artifact import Artifact, ArtifactRecord
from hearth.attempt import Attempt
from hearth.lock import Lock
from hearth.mirror.access import Access
from hearth.mirror.resolve import resolve
from hearth.mirror.spec import CONTRACT, FetchPlan, MirrorSection, MirrorSpec
from hearth.model import Stage
from hearth.stage.job import environment_for
from hearth.storage import Store
from hearth.storagesettings import StorageSettings
from tests.artifacts import claim

HOSTS = ("configured-index", "127.0.0.1")


@dataclass
class Mirror:
    """A store, and mirrors in it."""

    folder: Path
    storage: StorageSettings = field(init=False)
    store: Store = field(init=False)

    def __post_init__(self) -> None:
        self.storage = StorageSettings(uri=f"file://{self.folder}/store")
        self.store = Store.open(self.storage)

    def lock(self, section: MirrorSection, base: Path) -> Lock:
        access = Access(allowed_hosts=HOSTS)
        home = self.folder / "resolve"
        return resolve("test", section.sources, access=access, home=home, base=base)

    def job(
        self, section: MirrorSection, lock: Lock, generation: str | None = None
    ) -> tuple[Artifact, Attempt]:
        spec = MirrorSpec.of(section, lock, generation)
        settings = {"fetch": FetchPlan.of(lock, HOSTS).model_dump(mode="json")}
        attempt = claim(self.store, Stage.MIRROR, CONTRACT, spec, {}, settings=settings)
        return attempt.artifact, attempt

    def start(self, attempt: Attempt) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "hearth.mirror", "--job", attempt.job_uri],
            env={**os.environ, **environment_for(self.storage, self.folder)},
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(
        self, section: MirrorSection, lock: Lock, generation: str | None = None
    ) -> tuple[int, str, ArtifactRecord | None]:
        """Return the exit code, what the program said, and the record."""
        artifact, attempt = self.job(section, lock, generation)
        process = self.start(attempt)
        _, said = process.communicate(timeout=120)
        return process.returncode, said, artifact.record()

    def rows(self, record: ArtifactRecord, prefix: str) -> list[dict[str, Any]]:
        folder = self.folder / "store" / "artifacts" / "mirror" / record.fingerprint
        outputs = record.outputs_named(prefix)
        return [row for o in outputs for row in pq.read_table(folder / o.path).to_pylist()]


@pytest.fixture
def mirror(tmp_path: Path) -> Mirror:
    return Mirror(tmp_path)
