"""Laws of near-duplicates from cuDF, without a GPU: what Hearth makes of Curator's answer.

A stand-in for the workflow numbers texts, and writes what it found, as that does.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.deduplication.id_generator import IdGeneratorBase
from nemo_curator.stages.text.deduplication.removal import TextDuplicatesRemovalStage
from nemo_curator.tasks import FileGroupTask

from hearth.attempt import Attempt
from hearth.curate import cudf
from hearth.curate.__main__ import run
from hearth.curate.executor import InProcessExecutor
from hearth.curate.plan import UnionFind
from hearth.curate.prepare import extents, read
from hearth.curate.sections import DedupEngine, DedupSection
from hearth.curate.spec import CONTENT_KEY, CONTRACT, CurateSpec
from hearth.documents import write_documents
from hearth.errors import EXIT_OK, EXIT_SPEC, SpecError
from hearth.model import Stage
from hearth.profile import SecretRef
from hearth.raycluster import RAY_ADDRESS
from hearth.storage import Store
from tests import artifacts
from tests.artifacts import execute, publish
from tests.stages.curate.conftest import Corpus, Curate, library, spec_of

GPU = DedupSection(engine=DedupEngine.CUDF)
NUMBERS = "fuzzy_id_generator.json"


@dataclass
class Workflow:
    """Finds what shares half its characters by looking at every pair."""

    cache_path: str
    output_path: str
    text_field: str
    char_ngrams: int
    num_bands: int
    minhashes_per_band: int

    def run(self, initial_tasks: Sequence[FileGroupTask]) -> None:
        numbers, texts = IdGeneratorBase(), dict[int, str]()
        # Workers take files in any order.
        for task in random.Random(1).sample(list(initial_tasks), len(initial_tasks)):  # noqa: S311
            rows = pq.read_table(task.data, columns=[self.text_field])[self.text_field].to_pylist()
            first = numbers.register_batch(task.data, len(rows))
            texts |= dict(enumerate(rows, first))
        assert not [text for text in texts.values() if "13912345678" in text], "redacted"
        for folder in (Path(self.output_path), Path(self.cache_path) / "ConnectedComponentsStage"):
            folder.mkdir(parents=True)
        numbers.to_disk(f"{self.output_path}/{NUMBERS}")
        grams = {
            number: {text[n : n + self.char_ngrams] for n in range(len(text))}
            for number, text in texts.items()
        }
        joined = UnionFind(len(texts))
        for one, other in combinations(grams, 2):
            if len(grams[one] & grams[other]) >= 0.5 * len(grams[one] | grams[other]):
                joined.union(one, other)
        names = [joined.find(number) for number in texts]
        found = {
            "_curator_dedup_id": [n for n in texts if names.count(joined.find(n)) > 1],
            "_duplicate_group_id": [
                joined.find(n) for n in texts if names.count(joined.find(n)) > 1
            ],
        }
        pq.write_table(
            pa.table(found), Path(self.cache_path) / "ConnectedComponentsStage" / "1.parquet"
        )


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    stock = SimpleNamespace(
        FuzzyDeduplicationWorkflow=Workflow, ID_GENERATOR_OUTPUT_FILENAME=NUMBERS
    )
    monkeypatch.setattr(cudf, "workflow", lambda: stock)
    monkeypatch.setattr(cudf, "_ROWS", 10)


@pytest.mark.usefixtures("gpu")
def test_the_ids_to_remove_are_those_that_curators_own_removal_takes(
    corpus: Corpus, curated: Curate, tmp_path: Path
) -> None:
    made = curated(dedup=GPU)
    near = made.step("near")["b:near"]
    assert (near["canonical"], near["score"]) == ("a:near", corpus.step("near")["b:near"]["score"])
    assert made.fate("copy-of-buried:near") == ("withdrawn", "withdrawn as a near copy")
    write_documents(tmp_path / "documents.parquet", library())
    removal = TextDuplicatesRemovalStage(
        ids_to_remove_path=str(made.folder / "removals"), id_field="doc_key"
    )
    (extent,) = extents([tmp_path / "documents.parquet"])
    tasks = Pipeline(name="removal", stages=[removal]).run(
        InProcessExecutor(), initial_tasks=list(read(extent))
    )
    left = {key for task in tasks or [] for key in task.to_pandas()["doc_key"]}
    gone = {document.doc_key for document in library()} - left
    assert gone == {key for key in gone if made.fate(key)[0] in {"exact", "near"}}
    assert {"b:copy", "b:near"} <= gone


@pytest.fixture
def attempt(store: Store, tmp_path: Path) -> Callable[[], Attempt]:
    write_documents(tmp_path / "all.parquet", library())
    files = {"documents/all.parquet": tmp_path / "all.parquet"}
    inputs = {"mirror": publish(store, Stage.MIRROR, files)}
    (tmp_path / "key").write_bytes(b"thirty-two bytes of a secret key")
    secrets = {CONTENT_KEY: SecretRef(file=tmp_path / "key")}
    return lambda: artifacts.claim(
        store, Stage.CURATE, CONTRACT, spec_of(dedup=GPU), inputs, secrets=secrets
    )


@pytest.mark.usefixtures("gpu")
def test_the_record_says_that_it_never_ran_on_a_gpu(
    attempt: Callable[[], Attempt], monkeypatch: pytest.MonkeyPatch
) -> None:
    # The stand-in needs no cluster, and neither do the passes.
    monkeypatch.setattr(cudf, "check", lambda _cluster: cudf.workflow())
    artifact, end = execute(attempt(), Stage.CURATE, CONTRACT, CurateSpec, run)
    assert end.code == EXIT_OK, end
    record = artifact.record()
    assert record is not None
    assert cudf.UNVERIFIED in record.unverified


def test_a_machine_without_a_gpu_says_so_before_anything_is_read(
    attempt: Callable[[], Attempt], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RAY_ADDRESS, "127.0.0.1:9")
    _, end = execute(attempt(), Stage.CURATE, CONTRACT, CurateSpec, run)
    assert end.code == EXIT_SPEC, end
    assert "curate.dedup.engine = cudf: cannot be used here (No module named" in end.message


@pytest.mark.usefixtures("gpu")
@pytest.mark.parametrize("cluster", [None, "local"])
def test_no_cluster_is_no_place_for_curators_workflow(cluster: Any) -> None:
    with pytest.raises(SpecError, match=r"no Ray cluster is named.*compute\.ray"):
        cudf.check(cluster)
