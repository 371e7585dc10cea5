"""Laws of copies, their clusters, and the splits that keep them together."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.text.deduplication.removal import TextDuplicatesRemovalStage

from hearth.curate.executor import InProcessExecutor
from hearth.curate.prepare import extents, read
from hearth.documents import write_documents
from tests.stages.curate.conftest import Corpus, Curate, document, library, prose


def test_copies_name_the_one_that_stayed(corpus: Corpus) -> None:
    assert corpus.step("exact")["b:copy"]["canonical"] == "a:copy"
    near = corpus.step("near")["b:near"]
    assert near["canonical"] == "a:near"
    assert 0.8 <= near["score"] < 1


def test_curators_own_removal_takes_the_ids_of_copies(corpus: Corpus, tmp_path: Path) -> None:
    write_documents(tmp_path / "documents.parquet", library())
    removal = TextDuplicatesRemovalStage(
        ids_to_remove_path=str(corpus.folder / "removals"), id_field="doc_key"
    )
    (extent,) = extents([tmp_path / "documents.parquet"])
    pipeline = Pipeline(name="removal", stages=[removal])
    tasks = pipeline.run(InProcessExecutor(), initial_tasks=list(read(extent)))
    left = {key for task in tasks or [] for key in task.to_pandas()["doc_key"]}
    gone = {made.doc_key for made in library()} - left
    assert gone == {key for key in gone if corpus.fate(key)[0] in {"exact", "near"}}
    assert {"b:copy", "b:near"} <= gone


def test_every_cluster_names_its_members_and_what_became_of_them(corpus: Corpus) -> None:
    path = corpus.folder / "clusters" / "level=document" / "part-00000.parquet"
    rows = {row["doc_key"]: row for row in pq.ParquetFile(path).read().to_pylist()}
    assert rows["a:near"]["cluster"] == rows["b:near"]["cluster"]
    assert rows["b:near"]["canonical"] == rows["a:near"]["canonical"] == "a:near"
    assert rows["b:near"]["diameter"] == pytest.approx(1 - rows["b:near"]["likeness"], abs=1e-5)
    assert rows["a:copy"]["diameter"] == 0
    assert rows["mirror-of-almanac:1"]["canonical"] is None


def test_splits_of_an_earlier_corpus_are_kept_and_handed_on(
    corpus: Corpus, curated: Curate
) -> None:
    held = {row["doc_key"] for row in corpus.split("test")}
    bridge = document(
        "bridge:1", prose("en", "bridge"), work=corpus.split("test")[0]["work"], parallel="p1"
    )
    away = corpus.split("validation")[0]["doc_key"]
    more = [
        document(f"more:{number}", prose("en", f"more{number}"), parallel=f"p{number}")
        for number in range(40)
    ]
    there = [made for made in library() if made.doc_key != away]
    grown = curated([*there, bridge, *more], previous=corpus.folder / "splits")
    assert held <= {row["doc_key"] for row in grown.split("test")}
    # It joined a work of the test split with a pair that was elsewhere: all of them are test now.
    assert grown.step("split")["bridge:1"]["reason"] == "test"
    assert grown.step("split")["en:page/01"]["reason"] == "test"
    assert grown.step("split")["more:1"]["reason"] == "test"
    path = grown.folder / "splits" / "split=validation" / "part-00000.parquet"
    assert away in pq.ParquetFile(path).read().column("doc_key").to_pylist()


def test_no_split_tears_a_group_a_work_or_a_translation(corpus: Corpus) -> None:
    parallel = {made.doc_key: made.parallel for made in library()}
    homes: dict[object, set[str]] = {}
    for split in ("train", "validation", "test"):
        rows = corpus.split(split)
        assert {row["language"] for row in rows} == {"en", "zh"}
        for row in rows:
            for token in (("group", row["group"]), ("work", row["work"])):
                homes.setdefault(token, set()).add(split)
            if parallel[row["doc_key"]]:
                homes.setdefault(parallel[row["doc_key"]], set()).add(split)
    assert all(len(splits) == 1 for splits in homes.values())
