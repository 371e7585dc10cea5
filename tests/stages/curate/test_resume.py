"""Laws of a curation that is killed: what is finished is not done again, nothing is different."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.artifact import ArtifactRecord
from hearth.attempt import Attempt, Outcome, exit_of
from hearth.curate.__main__ import run
from hearth.curate.passes import SHARD_ROWS
from hearth.curate.spec import CONTENT_KEY, CONTRACT, CurateSpec
from hearth.documents import write_documents
from hearth.errors import EXIT_OK, EXIT_TRANSIENT
from hearth.model import Stage
from hearth.profile import SecretRef
from hearth.stage.job import environment_for
from hearth.storage import Store
from hearth.storagesettings import StorageSettings
from tests import artifacts
from tests.artifacts import execute, publish
from tests.stages.curate.conftest import PII, Corpus, Curate, library, sealed, spec_of, suite_rows

ROWS = 16
Claim = Callable[[CurateSpec], Attempt]


@pytest.fixture
def claim(store: Store, tmp_path: Path) -> Claim:
    # A shard is of one file.
    parts = {f"{n:02}": library()[n : n + ROWS] for n in range(0, len(library()), ROWS)}
    for name, part in parts.items():
        write_documents(tmp_path / f"{name}.parquet", part)
    pq.write_table(pa.Table.from_pylist(suite_rows()), tmp_path / "items.parquet")
    inputs = {
        "mirror": publish(
            store,
            Stage.MIRROR,
            {f"documents/{name}.parquet": tmp_path / f"{name}.parquet" for name in parts},
        ),
        "suite": publish(store, Stage.SUITE, {"items.parquet": tmp_path / "items.parquet"}),
    }
    (tmp_path / "key").write_bytes(b"thirty-two bytes of a secret key")
    secrets = {CONTENT_KEY: SecretRef(file=tmp_path / "key")}

    def of(spec: CurateSpec) -> Attempt:
        return artifacts.claim(store, Stage.CURATE, CONTRACT, spec, inputs, secrets=secrets)

    return of


def outputs(attempt: Attempt) -> dict[str, bytes]:
    """The bytes of every output that says nothing of the run itself."""
    record = record_of(attempt)
    return {
        output.name: attempt.artifact.folder.get(output.path)
        for output in record.outputs
        if not output.name.startswith(("report.", "card."))
    }


def record_of(attempt: Attempt) -> ArtifactRecord:
    record = attempt.artifact.record()
    assert record is not None
    return record


def test_what_a_killed_run_finished_is_not_done_again_and_the_corpus_is_the_same(
    claim: Claim, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    spec = spec_of(generation="killed")
    first = claim(spec)
    storage = StorageSettings(uri=f"file://{tmp_path}/store")
    with (tmp_path / "log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "hearth.curate", "--job", first.job_uri],
            env={**os.environ, **environment_for(storage, tmp_path)},
            stderr=log,
        )
    try:
        while len(sealed(first)) < 3:
            assert process.poll() is None, (tmp_path / "log").read_text()
            time.sleep(0.005)
    finally:
        process.send_signal(signal.SIGKILL)
    assert process.wait(60) == -signal.SIGKILL
    time.sleep(0.5)  # its child goes with it, but a moment later
    first.settle(exit_of(Outcome.LOST, EXIT_TRANSIENT, "killed"))
    left = {info.path: info for info in first.folder.list()}
    done = sealed(first)
    for path in left:
        data = first.folder.get(path)
        assert not [secret for secret in PII if secret.encode() in data], path
    damaged = done[0].replace(".json", ".parquet")
    first.folder.put(damaged, first.folder.get(damaged)[:-1] + b"?")
    left = {info.path: info for info in first.folder.list()}

    second = claim(spec)
    _, end = execute(second, Stage.CURATE, CONTRACT, CurateSpec, run)
    assert end.code == EXIT_OK, end
    told = capsys.readouterr().err
    counts = record_of(second).metrics["shards"]
    assert isinstance(counts, dict)
    taken = sum(int(str(n)) for name, n in counts.items() if name.endswith(" taken"))
    assert taken == len(done) - 1
    assert counts["prepare made"] > 0
    assert "finished shard refused, it is made again" in told
    said = f"prepare: {counts['prepare made']} shards done, "
    assert f"{said}{counts['prepare taken']} taken from earlier attempts" in told
    assert {info.path: info for info in first.folder.list()} == left, "nobody writes there"
    assert sealed(second) == [], "what is finished leaves no shards behind"

    whole = claim(spec_of(generation="whole"))
    _, end = execute(whole, Stage.CURATE, CONTRACT, CurateSpec, run)
    assert end.code == EXIT_OK, end
    assert outputs(whole) == outputs(second)


def test_shards_under_another_key_are_not_taken(claim: Claim, tmp_path: Path) -> None:
    first = claim(spec_of())
    run_until_write(first)
    assert len(sealed(first)) > 3
    (tmp_path / "key").write_bytes(b"another secret key of 32 bytes..")
    second = claim(spec_of())
    _, end = execute(second, Stage.CURATE, CONTRACT, CurateSpec, run)
    assert end.code == EXIT_OK, end
    counts = record_of(second).metrics["shards"]
    assert isinstance(counts, dict)
    assert not [name for name in counts if name.endswith(" taken")]


def run_until_write(attempt: Attempt) -> None:
    """Run an attempt to its last step, and let it fail there."""
    attempt.folder.put("corpus", b"in the way of the outputs' folder")
    _, end = execute(attempt, Stage.CURATE, CONTRACT, CurateSpec, run)
    assert end.code == EXIT_TRANSIENT, end


@pytest.mark.parametrize("rows", [7, 64])
def test_the_size_of_shards_leaves_no_trace(corpus: Corpus, curated: Curate, rows: int) -> None:
    assert rows < SHARD_ROWS
    assert curated(shard_rows=rows).files() == corpus.files()
