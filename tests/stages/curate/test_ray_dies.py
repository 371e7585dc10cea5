"""Laws of curation on Ray when something of Ray dies. Slow: a cluster starts for each."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from hearth.attempt import Attempt, Outcome, exit_of
from hearth.curate.choice import ray_executor
from hearth.curate.executor import InProcessExecutor
from hearth.curate.passes import Pass
from hearth.curate.prepare import prepare
from hearth.curate.shards import Shards
from hearth.curate.spec import CONTENT_KEY, CONTRACT
from hearth.documents import write_documents
from hearth.errors import EXIT_OK, EXIT_TRANSIENT
from hearth.model import Stage
from hearth.profile import SecretRef
from hearth.raycluster import RAY_ADDRESS, RAY_HERE
from hearth.stage.job import environment_for
from hearth.storage import Store
from hearth.storagesettings import StorageSettings
from tests import artifacts
from tests.artifacts import publish
from tests.stages.curate.conftest import KEY, library, sealed, spec_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]
_ROWS = 16


def first(process: psutil.Process, wanted: Callable[[str], bool]) -> psutil.Process | None:
    """The first process below another whose command is wanted."""
    for child in process.children(recursive=True):
        try:
            if wanted(" ".join(child.cmdline()[:1])):
                return child
        except psutil.Error:
            continue
    return None


def test_a_worker_that_is_killed_loses_no_document_and_doubles_none(tmp_path: Path) -> None:
    path, spec = tmp_path / "documents.parquet", spec_of()
    write_documents(path, library())
    done, killed = threading.Event(), threading.Event()

    def kill() -> None:
        while not done.wait(0.2):
            worker = first(psutil.Process(), lambda name: "ray::curate_batch" in name)
            if worker is not None:
                worker.kill()
                killed.set()
                return

    killer = threading.Thread(target=kill)
    killer.start()
    try:
        with closing(ray_executor()) as executor:
            there = prepare([path], spec, KEY, Pass(executor, Shards(tmp_path / "there"), 24))
    finally:
        done.set()
        killer.join()
    assert killed.is_set()
    here = prepare([path], spec, KEY, Pass(InProcessExecutor(), Shards(tmp_path / "here"), 24))
    assert [pq.read_table(one) for one in there] == [pq.read_table(one) for one in here]


@pytest.fixture
def attempt(store: Store, tmp_path: Path) -> Callable[..., Attempt]:
    """Claims an attempt at curating the library."""
    made, files = library(), {}
    for start in range(0, len(made), _ROWS):  # a shard is of one file
        path = tmp_path / f"{start:03}.parquet"
        write_documents(path, made[start : start + _ROWS])
        files[f"documents/{path.name}"] = path
    inputs = {"mirror": publish(store, Stage.MIRROR, files)}
    (tmp_path / "key").write_bytes(b"thirty-two bytes of a secret key")
    secrets = {CONTENT_KEY: SecretRef(file=tmp_path / "key")}
    return lambda: artifacts.claim(
        store, Stage.CURATE, CONTRACT, spec_of(), inputs, secrets=secrets
    )


def started(attempt: Attempt, folder: Path) -> subprocess.Popen[bytes]:
    """Start the program on Ray; return it when a worker has begun."""
    storage = StorageSettings(uri=f"file://{folder}/store")
    with (folder / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hearth.curate", "--job", attempt.job_uri],
            env={
                **os.environ,
                **environment_for(storage, Path("/tmp")),  # noqa: S108 - Ray wants short paths
                RAY_ADDRESS: RAY_HERE,
            },
            stdout=log,
            stderr=log,
        )
    while first(psutil.Process(process.pid), lambda name: name.startswith("ray::")) is None:
        ended(process, folder)
        time.sleep(0.2)
    return process


def ended(process: subprocess.Popen[bytes], folder: Path) -> None:
    """Fail if the program has ended; skip if Ray never started."""
    if process.poll() is not None:
        said = (folder / "log").read_text()
        assert (process.poll(), "did not start in time" in said) == (EXIT_TRANSIENT, True), said
        pytest.skip("Ray waits 30 s for its node, and this machine was busier than that")


def test_the_death_of_the_only_node_is_worth_another_try_which_takes_what_was_sealed(
    attempt: Callable[..., Attempt], tmp_path: Path
) -> None:
    lost = attempt()
    process = started(lost, tmp_path)
    while len(sealed(lost)) < 2:
        ended(process, tmp_path)
        time.sleep(0.01)
    raylet = first(psutil.Process(process.pid), lambda name: name.endswith("/raylet"))
    assert raylet is not None
    raylet.kill()
    assert process.wait(240) == EXIT_TRANSIENT, (tmp_path / "log").read_text()
    lost.settle(exit_of(Outcome.LOST, EXIT_TRANSIENT, "the node died"))
    done = sealed(lost)
    assert done, "what returned before the node died is kept"
    second = attempt()
    process = started(second, tmp_path)
    if process.wait(600) != EXIT_OK:
        ended(process, tmp_path)
    record = second.artifact.record()
    assert record is not None
    counts = record.metrics["shards"]
    assert isinstance(counts, dict)
    taken = {name: n for name, n in counts.items() if name.endswith(" taken")}
    assert sum(int(str(n)) for n in taken.values()) == len(done)


def test_nothing_of_ray_outlives_a_program_that_is_killed(
    attempt: Callable[..., Attempt], tmp_path: Path
) -> None:
    process = started(attempt(), tmp_path)
    rest = psutil.Process(process.pid).children(recursive=True)
    # Ray's agents miss their raylet, too, but only after a minute.
    rest = [child for child in rest if "agent" not in " ".join(child.cmdline()[:3]).lower()]
    assert {"raylet", "gcs_server"} <= {child.name() for child in rest}
    process.kill()
    process.wait(60)
    assert psutil.wait_procs(rest, timeout=240)[1] == []
