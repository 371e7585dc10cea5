"""Laws of the curate program: from a job in a store to an artifact."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.artifact import Artifact, ArtifactRecord, InputRef, Output, fingerprint
from hearth.attempt import Attempt, Attempts, Exit
from hearth.curate.__main__ import run
from hearth.curate.spec import CONTENT_KEY, CONTRACT, CurateSpec
from hearth.documents import write_documents
from hearth.errors import EXIT_DATA, EXIT_OK, EXIT_SPEC, EXIT_TRANSIENT
from hearth.model import Stage
from hearth.profile import SecretRef, StorageSettings
from hearth.provenance import Meter, provenance
from hearth.stage.job import Job
from hearth.stage.program import main
from hearth.storage import Store
from tests.stages.curate.conftest import PII, library, spec_of, suite_rows

Claim = Callable[..., Attempt]
Program = Callable[..., tuple[Artifact, Exit]]


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    settings = StorageSettings(uri=f"file://{tmp_path}/store")
    for name, value in settings.environment().items():
        monkeypatch.setenv(name, value)
    return Store.open(settings)


def publish(store: Store, stage: Stage, local: Path, name: str) -> InputRef:
    data = local.read_bytes()
    made = fingerprint(stage, 1, {"sha256": hashlib.sha256(data).hexdigest()}, {})
    artifact = Artifact(store, stage, made)
    info = artifact.folder.upload(local, f"attempts/1/{name}")
    artifact.publish(
        ArtifactRecord(
            stage=stage,
            name="small",
            contract=1,
            fingerprint=made,
            spec={},
            inputs={},
            attempt=1,
            outputs=(Output(path=info.path, bytes=info.bytes, sha256=info.sha256, rows=None),),
            metrics={},
            provenance=provenance(stage, "b", Meter().started, None, None),
            cost=Meter().read(),
        )
    )
    return artifact.ref()


@pytest.fixture
def claim(store: Store, tmp_path: Path) -> Claim:
    write_documents(tmp_path / "documents.parquet", library())
    pq.write_table(pa.Table.from_pylist(suite_rows()), tmp_path / "items.parquet")
    mirror = publish(store, Stage.MIRROR, tmp_path / "documents.parquet", "documents/all.parquet")
    suite = publish(store, Stage.SUITE, tmp_path / "items.parquet", "items.parquet")

    def made_job(spec: CurateSpec, key: bytes = b"thirty-two bytes of a secret key") -> Attempt:
        (tmp_path / "key").write_bytes(key)
        said = spec.model_dump(mode="json")
        inputs = {"mirror": mirror, "suite": suite}
        made = fingerprint(
            Stage.CURATE, CONTRACT, said, {role: ref.fingerprint for role, ref in inputs.items()}
        )
        artifact = Artifact(store, Stage.CURATE, made)
        attempt, _ = Attempts(artifact).claim_or_join("build")
        job = Job(
            stage=Stage.CURATE,
            name="small",
            contract=CONTRACT,
            spec=said,
            fingerprint=made,
            inputs=inputs,
            attempt=attempt.number,
            artifact=artifact.uri,
            build="build",
            secrets={CONTENT_KEY: SecretRef(file=tmp_path / "key")},
        )
        store.put(store.relative(attempt.job_uri), job.model_dump_json().encode())
        return attempt

    return made_job


@pytest.fixture
def program(claim: Claim) -> Program:
    def start(*arguments: Any) -> tuple[Artifact, Exit]:
        attempt = claim(*arguments)
        code = main(Stage.CURATE, CONTRACT, CurateSpec, run, ["--job", attempt.job_uri])
        end = attempt.exit()
        assert end is not None
        assert end.code == code
        return attempt.artifact, end

    return start


def test_a_corpus_is_an_artifact_with_rows_decisions_and_a_report(
    program: Program, store: Store
) -> None:
    artifact, end = program(spec_of())
    assert end.code == EXIT_OK, end
    record = artifact.record()
    assert record is not None
    names = {output.name for output in record.outputs}
    assert {f"corpus/split={s}/part-00000.parquet" for s in ("train", "validation", "test")} < names
    assert {"report.json", "decisions/step=quality/part-00000.parquet"} < names
    kept = sum(output.rows or 0 for output in record.outputs if "corpus/" in output.path)
    assert kept == record.metrics["documents"]["out"]
    for found in artifact.folder.list():
        data = artifact.folder.get(found.path)
        assert not [secret for secret in PII if secret.encode() in data], found.path


def test_a_short_key_is_refused(program: Program) -> None:
    _, end = program(spec_of(), b"short")
    assert end.code == EXIT_SPEC
    assert "at least 16" in end.message


def test_rules_that_leave_nothing_say_so(program: Program) -> None:
    artifact, end = program(spec_of(reserved=tuple({made.work for made in library()})))
    assert end.code == EXIT_DATA
    assert "falls into 0 groups" in end.message
    assert artifact.record() is None


@pytest.mark.parametrize("kib", [16, 140], ids=["documents", "corpus"])
def test_a_full_disk_is_named_and_may_be_tried_again(
    claim: Claim,
    on_small_disk: Callable[..., tuple[int, str]],
    small_disk: Path,
    tmp_path: Path,
    kib: int,
) -> None:
    attempt = claim(spec_of())
    storage = StorageSettings(uri=f"file://{tmp_path}/store")
    code, said = on_small_disk(Stage.CURATE, attempt.job_uri, storage, kib)
    end = attempt.exit()
    assert code == EXIT_TRANSIENT, said
    assert end is not None
    assert end.code == EXIT_TRANSIENT
    assert str(small_disk) in end.message
    assert "no space left on the device" in end.message
    assert attempt.artifact.record() is None
