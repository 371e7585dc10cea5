"""Laws of curation on a Ray cluster of several machines that share no disk. Slow: it starts one."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import ray

from hearth.attempt import Attempt
from hearth.curate.__main__ import run
from hearth.curate.spec import CONTENT_KEY, CONTRACT, CurateSpec
from hearth.documents import write_documents
from hearth.errors import EXIT_OK, EXIT_TRANSIENT
from hearth.model import Stage
from hearth.profile import SecretRef
from hearth.raycluster import RAY_ADDRESS, RayCluster
from hearth.resources import Compute
from hearth.stage.job import environment_for
from hearth.storage import Store
from hearth.storagesettings import StorageSettings
from tests import artifacts
from tests.artifacts import execute, publish
from tests.stages.conftest import MOUNT, mountable
from tests.stages.curate.conftest import library, spec_of, suite_rows

pytestmark = [pytest.mark.slow, pytest.mark.timeout(900)]


@pytest.fixture
def scratch(tmp_path: Path) -> Path:
    """The driver's scratch: a folder that another machine would not have."""
    return mountable(tmp_path / "scratch")


@pytest.fixture
def cluster(scratch: Path, tmp_path: Path) -> Iterator[RayCluster]:
    """Two nodes: the head is the driver's and computes nothing; the other sees no scratch."""
    (tmp_path / "token").write_text("a token of this cluster, and of no other")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{free.getsockname()[1]}"
    named = RayCluster(address=address, token_file=tmp_path / "token")
    start = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block"]
    start.append("--disable-usage-stats")
    apart = ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", MOUNT, "sh"]
    with tempfile.TemporaryDirectory(prefix="ray", dir="/tmp") as session:  # short
        head = [*start, "--head", "--num-cpus=0", f"--port={address.rpartition(':')[2]}"]
        head += [f"--temp-dir={session}", "--include-dashboard=false"]
        other = [*apart, "64k", str(scratch), *start, f"--address={address}", "--num-cpus=2"]
        environment = {**os.environ, **named.environment()}
        del environment[RAY_ADDRESS]  # the head makes it
        with (
            running(head, Path(session) / "head", environment),
            running(other, Path(session) / "other", environment),
        ):
            yield named


@contextmanager
def running(command: list[str], log: Path, environment: dict[str, str]) -> Iterator[None]:
    """Keep a node while something is done."""
    process = up(command, log, environment)
    try:
        yield
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGTERM)
        process.wait(60)


def up(command: list[str], log: Path, environment: dict[str, str]) -> subprocess.Popen[bytes]:
    """Start a node; return when it says that it is up."""
    for _ in range(4):
        with log.open("wb") as said:
            process = subprocess.Popen(
                command, env=environment, stdout=said, stderr=said, start_new_session=True
            )
        while process.poll() is None:
            if b"Ray runtime started" in log.read_bytes():
                return process
            time.sleep(0.1)
        assert "timed out during startup" in log.read_text(), log.read_text()
    pytest.skip("Ray waits 30 s for its node, and this machine was busier than that")


@pytest.fixture
def attempts(store: Store, tmp_path: Path) -> Iterator[Attempt]:
    """Attempts at curating the library, each for an artifact of its own."""
    write_documents(tmp_path / "all.parquet", library())
    pq.write_table(pa.Table.from_pylist(suite_rows()), tmp_path / "items.parquet")
    documents = {"documents/all.parquet": tmp_path / "all.parquet"}
    items = {"items.parquet": tmp_path / "items.parquet"}
    inputs = {
        "mirror": publish(store, Stage.MIRROR, documents),
        "suite": publish(store, Stage.SUITE, items),
    }
    (tmp_path / "key").write_bytes(b"thirty-two bytes of a secret key")
    secrets = {CONTENT_KEY: SecretRef(file=tmp_path / "key")}
    return (
        artifacts.claim(
            store, Stage.CURATE, CONTRACT, spec_of(generation=name), inputs, secrets=secrets
        )
        for name in ("there", "here")
    )


def program(attempt: Attempt, folder: Path, cluster: RayCluster) -> tuple[int, str]:
    """Run the program of a job under a profile that names a cluster."""
    environment = environment_for(StorageSettings(uri=f"file://{folder}/store"), folder / "scratch")
    done = subprocess.run(
        [sys.executable, "-m", "hearth.curate", "--job", attempt.job_uri],
        env={**os.environ, **environment, **Compute(ray=cluster).environment_of(Stage.CURATE)},
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    return done.returncode, done.stdout + done.stderr


def corpus_of(attempt: Attempt) -> dict[str, bytes]:
    record = attempt.artifact.record()
    assert record is not None
    return {
        output.name: attempt.artifact.folder.get(output.path)
        for output in record.outputs
        if not output.name.startswith(("report.", "card."))
    }


def test_a_named_cluster_is_taken_whatever_the_size_and_needs_no_disk_in_common(
    attempts: Iterator[Attempt], cluster: RayCluster, tmp_path: Path
) -> None:
    there = next(attempts)
    code, said = program(there, tmp_path, cluster)
    assert code == EXIT_OK, said
    assert f"on the Ray cluster that was named: {cluster.address}" in said
    here = next(attempts)
    _, end = execute(here, Stage.CURATE, CONTRACT, CurateSpec, run)
    assert end.code == EXIT_OK, end
    assert not ray.is_initialized(), "a small corpus takes no cluster where none is named"
    assert corpus_of(there) == corpus_of(here)


def test_a_named_cluster_that_is_not_there_is_worth_another_try(
    attempts: Iterator[Attempt], scratch: Path, tmp_path: Path
) -> None:
    claimed = next(attempts)
    code, said = program(claimed, tmp_path, RayCluster(address="127.0.0.1:9"))
    assert code == EXIT_TRANSIENT, said
    assert "Ray cluster 127.0.0.1:9: cannot be joined" in said
