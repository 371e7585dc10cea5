"""Laws of the curate program: from a job in a store to an artifact."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.artifact import Artifact, InputRef
from hearth.attempt import Attempt, Exit
from hearth.curate.__main__ import run
from hearth.curate.plan import Split
from hearth.curate.spec import CONTENT_KEY, CONTRACT, CurateSpec, TokensSection
from hearth.documents import write_documents
from hearth.errors import EXIT_DATA, EXIT_OK, EXIT_SPEC, EXIT_TRANSIENT
from hearth.gc import Garbage, Why, collect
from hearth.lock import PinnedList
from hearth.model import Stage
from hearth.profile import SecretRef
from hearth.scan import scan
from hearth.stage.bpe import learn
from hearth.storage import Store
from hearth.storagesettings import StorageSettings
from tests import artifacts
from tests.artifacts import below, execute, publish
from tests.stages.curate.conftest import PII, library, spec_of, suite_rows
from tests.unit.curate.made import Made, hand_on

Claim = Callable[..., Attempt]
Program = Callable[..., tuple[Artifact, Exit]]


@pytest.fixture
def claim(store: Store, tmp_path: Path) -> Claim:
    write_documents(tmp_path / "documents.parquet", library())
    pq.write_table(pa.Table.from_pylist(suite_rows()), tmp_path / "items.parquet")
    inputs = {
        "mirror": publish(
            store, Stage.MIRROR, {"documents/all.parquet": tmp_path / "documents.parquet"}
        ),
        "suite": publish(store, Stage.SUITE, {"items.parquet": tmp_path / "items.parquet"}),
    }
    secrets = {CONTENT_KEY: SecretRef(file=tmp_path / "key")}

    def made(
        spec: CurateSpec, key: bytes = b"thirty-two bytes of a secret key", **more: InputRef
    ) -> Attempt:
        (tmp_path / "key").write_bytes(key)
        named = {**inputs, **more}
        return artifacts.claim(store, Stage.CURATE, CONTRACT, spec, named, secrets=secrets)

    return made


@pytest.fixture
def program(claim: Claim) -> Program:
    return lambda *said, **more: execute(
        claim(*said, **more), Stage.CURATE, CONTRACT, CurateSpec, run
    )


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


def test_splits_are_kept_from_what_is_left_of_an_earlier_corpus_under_another_key(
    program: Program, store: Store, tmp_path: Path
) -> None:
    known = Made("en:page/01", content_id="0" * 64, work="en:page/01")
    hand_on(tmp_path / "splits", [(known, Split.TEST)], "another key")
    files = {f"splits/{name}": path for name, path in below(tmp_path / "splits").items()}
    earlier = publish(store, Stage.CURATE, files)
    path = f"artifacts/curate/{earlier.fingerprint}"
    collect(store, [Garbage(path=path, why=Why.ARTIFACT, objects=1, bytes=1, leaves=True)])
    artifact, end = program(spec_of(), previous=earlier)
    assert end.code == EXIT_OK, end
    record = artifact.record()
    assert record is not None
    assert any("another than that of the corpus" in said for said in record.unverified)
    (output,) = record.outputs_named("corpus/split=test")
    rows = scan(artifact.folder, [output], ("doc_key",))
    assert "en:page/01" in {row["doc_key"] for row in rows}


def test_an_earlier_corpus_that_is_gone_is_named(program: Program, store: Store) -> None:
    gone = InputRef(uri=store.url(f"artifacts/curate/{'e' * 64}"), fingerprint="e" * 64)
    _, end = program(spec_of(), previous=gone)
    assert end.code == EXIT_DATA
    assert "is gone, and so is what it said about splits" in end.message


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


def test_lists_come_from_the_store_and_no_entry_leaves_it(
    program: Program, store: Store, caplog: pytest.LogCaptureFixture
) -> None:
    word = "锟锛词"
    data = f"# version: 7\n[own]\n{word}\n蜡烛\n".encode()
    pin = PinnedList(
        name="own.txt",
        version="7",
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        entries=2,
    )
    _, end = program(spec_of(lists=(pin,)))
    assert (end.code, "is gone from the store" in (end.message or "")) == (EXIT_DATA, True)
    store.put(pin.path, data)
    artifact, end = program(spec_of(lists=(pin,)))
    assert end.code == EXIT_OK, end
    record = artifact.record()
    assert record is not None
    said = record.metrics["keywords"]
    assert said["entries"] == said["categories"]["own"]["entries"] == 2
    assert said["lists"][0]["version"] == "7"
    assert said["categories"]["own"]["hits"] > 0
    assert record.outputs_named("mixture.json")
    assert word not in caplog.text
    for found in artifact.folder.list():
        assert word.encode() not in artifact.folder.get(found.path), found.path


def test_the_base_model_counts_where_training_starts_from_one(
    program: Program, store: Store, tmp_path: Path
) -> None:
    write_documents(tmp_path / "documents.parquet", library())
    (tmp_path / "tokenizer.json").write_text(learn(["abc"], 257).to_str())
    files = {
        "documents/all.parquet": tmp_path / "documents.parquet",
        "models/base/tokenizer.json": tmp_path / "tokenizer.json",
    }
    mirror = publish(store, Stage.MIRROR, files)
    counted = TokensSection(base="base")
    artifact, end = program(spec_of(tokens=counted), mirror=mirror)
    assert end.code == EXIT_OK, end
    record = artifact.record()
    assert record is not None
    # It knows bytes and nothing else: three a Chinese character.
    assert record.metrics["tokens"]["zh"]["tokens_per_character"] > 2.5
    assert not record.unverified
    artifact, end = program(spec_of(tokens=counted))
    record = artifact.record()
    assert record is not None
    assert [said for said in record.unverified if "models/base/tokenizer.json" in said]
