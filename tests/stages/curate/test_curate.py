"""Laws of a curated corpus, on a small library that a real Curator pipeline went through."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from nemo_curator.backends.base import BaseExecutor
from nemo_curator.pipeline import Pipeline

from hearth.curate import banding
from hearth.curate.choice import ray_executor
from hearth.curate.executor import InProcessExecutor
from hearth.curate.normalise import clean
from hearth.curate.onray import RayExecutor
from hearth.curate.perplexity import NgramModel
from hearth.curate.pii.redact import detect
from hearth.curate.prepare import extents, read, readable, stages
from hearth.curate.refine import suite_items
from hearth.curate.spec import CONTRACT, PerplexitySection
from hearth.curate.stages.decontaminate import CutContamination
from hearth.curate.stages.perplexity import ScorePerplexity
from hearth.curate.stages.quality import FilterByLanguage, filters_of
from hearth.documents import write_documents
from hearth.errors import DataError
from tests.golden import check
from tests.stages.curate.conftest import (
    KEY,
    PII,
    Corpus,
    Curate,
    document,
    library,
    prose,
    spec_of,
    suite_rows,
    table_of,
)

BAD = Path(__file__).with_name("bad")
GOLDEN = Path(__file__).with_name("golden.json")


@pytest.mark.parametrize(
    ("key", "fate"),
    [
        ("a:copy", ("kept", None)),
        ("b:copy", ("exact", "exact copy")),
        ("b:near", ("near", "near copy")),
        ("almanac:1", ("reserved", "reserved work")),
        ("mirror-of-almanac:1", ("reserved", "copy of a reserved work")),
        ("leak:cut", ("kept", None)),
        ("leak:gone", ("decontaminate", "contaminated")),
        ("buried:key", ("withdrawn", "withdrawn by key")),
        ("buried:near", ("withdrawn", "withdrawn as a near copy")),
        ("copy-of-buried:near", ("withdrawn", "withdrawn as a near copy")),
        ("fr:1", ("language", "language fr")),
        ("ja:1", ("language", "language ja")),
        ("numbers:1", ("quality", "alphabetic_words")),
        ("stub:1", ("quality", "words")),
        ("mixed:1", ("kept", None)),
        ("invisible:1", ("kept", None)),
    ],
)
def test_every_document_meets_its_fate(
    corpus: Corpus, key: str, fate: tuple[str, str | None]
) -> None:
    assert corpus.fate(key) == fate


def test_no_personal_information_is_in_any_file(corpus: Corpus) -> None:
    files = corpus.files()
    assert len(files) > 12
    for name, data in files.items():
        for secret in PII:
            assert secret.encode() not in data, f"{secret} in {name}"
    for row in corpus.rows:
        assert detect(row["text"]) == []
        for secret in PII:
            assert secret not in row["text"]
    assert sum(corpus.metrics["pii"].values()) >= 2 * len(PII) - 2
    assert corpus.metrics["pii"]["cn_resident_id"] == 2


def test_spans_say_where_and_never_what(corpus: Corpus) -> None:
    texts = {made.doc_key: made.text for made in library()}
    found = corpus.step("pii")["letters:0"]
    assert found["action"] == "edited"
    assert [
        (span["kind"], texts["letters:0"][span["start"] : span["end"]]) for span in found["spans"]
    ] == [("cn_mobile", "13912345678")] * 2


def test_every_document_that_enters_a_step_is_kept_or_dropped_there(corpus: Corpus) -> None:
    keys = {made.doc_key for made in library()}
    for folder in (
        "read",
        "language",
        "normalise",
        "pii",
        "withdrawn",
        "reserved",
        "exact",
        "near",
        "split",
        "paragraph",
        "boilerplate",
        "decontaminate",
        "quality",
        "keywords",
        "perplexity",
        "classify",
    ):
        decisions = corpus.step(folder)
        assert set(decisions) == keys, folder
        for row in decisions.values():
            assert row["action"] in {"kept", "edited", "dropped", "flagged"}
            assert row["reason"] or row["action"] != "dropped"
        keys -= {key for key, row in decisions.items() if row["action"] == "dropped"}
    assert {row["doc_key"] for row in corpus.rows} == keys


def test_what_a_step_let_out_is_what_the_next_let_in(corpus: Corpus) -> None:
    out: dict[str, tuple[int, int]] = {}
    for row in corpus.metrics["steps"]:
        language = row["language"]
        if language in out and language in {"en", "zh"}:
            assert (row["documents_in"], row["characters_in"]) == out[language], row
        out[language] = (row["documents_out"], row["characters_out"])
    totals = corpus.metrics["documents"]
    assert totals["in"] == totals["out"] + sum(corpus.metrics["drops"].values())
    assert corpus.metrics["characters"]["out"] == sum(len(row["text"]) for row in corpus.rows)


def test_what_the_suite_asks_is_cut_and_the_rest_stays(corpus: Corpus) -> None:
    text = next(row["text"] for row in corpus.rows if row["doc_key"] == "leak:cut")
    assert text == clean(prose("en", "leak", 60))
    report = corpus.metrics["contamination"]
    assert report["bpb_en"]["documents_cut"] == 1
    assert report["bpb_en"]["characters_cut"] > 0
    assert report["bpb_zh"]["documents_dropped"] == 1
    assert report["bpb_zh"]["items_found"] == 1
    assert report["bpb_en"]["exposed"] == report["bpb_zh"]["items_exposed"] == 0
    path = corpus.folder / "contamination" / "part-00000.parquet"
    met = {row["doc_key"]: row for row in pq.ParquetFile(path).read().to_pylist()}
    assert met["leak:cut"]["action"] == "edited"
    assert met["leak:cut"]["question"] == met["leak:gone"]["whole"] == 1
    assert met["leak:cut"]["left"] < 0.7


def test_the_test_split_and_exempt_sources_are_never_trimmed(curated: Curate) -> None:
    trimmed = curated(perplexity=PerplexitySection(bits=16, quantile=0.5, folds=2))
    decisions = trimmed.step("perplexity")
    gone = {key for key, row in decisions.items() if row["action"] == "dropped"}
    assert gone
    limits = {k: v["prose"]["high"] for k, v in trimmed.metrics["perplexity"].items()}
    test = {row["doc_key"] for row in trimmed.split("test")}
    assert test
    assert not gone & test
    assert all(row["score"] is not None for row in decisions.values())
    for row in trimmed.split("train"):
        assert decisions[row["doc_key"]]["score"] <= limits[row["language"]]
    spared = curated(
        perplexity=PerplexitySection(bits=16, quantile=0.5, folds=2, exempt=("en", "zh"))
    )
    assert not any(
        row["action"] == "dropped" and key.startswith(("en:", "zh:"))
        for key, row in spared.step("perplexity").items()
    )


def test_the_same_input_makes_the_same_bytes(corpus: Corpus, curated: Curate) -> None:
    again = curated(library()[::-1])
    assert again.files() == corpus.files()


def test_the_layout_of_files_leaves_no_trace(
    corpus: Corpus, curated: Curate, tmp_path: Path
) -> None:
    made = library()
    paths = []
    for number in range(7):
        paths.append(tmp_path / f"shard-{6 - number}.parquet")
        write_documents(paths[-1], made[number::7])
    again = curated([], files=paths)
    assert again.files() == corpus.files()


def test_bad_rows_are_counted_and_named(curated: Curate, tmp_path: Path) -> None:
    rows = []
    with (BAD / "rows.jsonl").open(encoding="utf-8") as lines:
        for number, line in enumerate(lines):
            bad = json.loads(line)
            text = bad["text"] * bad.get("repeat", 1)
            rows.append((bad["reason"], {"doc_key": f"bad:{number}", "text": text}))
    rows += [
        ("empty", {"doc_key": "bad:null", "text": None}),
        ("incomplete", {"doc_key": "bad:work", "work": None}),
        ("no key", {"doc_key": None, "text": "whose"}),
        ("key used twice", {"doc_key": "en:page/00", "text": "zzz"}),
    ]
    path = tmp_path / "bad.parquet"
    pq.write_table(table_of([row for _, row in rows]), path)
    broken = table_of([{"doc_key": "bad:utf8"}])
    raw = pa.array([b"broken \xff\xfe text"], pa.binary()).view(pa.string())
    pq.write_table(
        broken.set_column(broken.schema.get_field_index("text"), "text", raw),
        tmp_path / "utf8.parquet",
    )
    made = curated(files=[path, tmp_path / "utf8.parquet"])
    counts = {k: v for k, v in made.metrics["drops"].items() if k.startswith("read/")}
    expected: dict[str, int] = {"read/invalid UTF-8": 1}
    for reason, _ in rows:
        expected[f"read/{reason}"] = expected.get(f"read/{reason}", 0) + 1
    assert counts == expected
    assert made.step("read")["bad.parquet#7"]["reason"] == "no key"
    assert made.step("read")["bad:utf8"]["reason"] == "invalid UTF-8"
    assert "en:page/00" in {row["doc_key"] for row in made.rows} | set(made.step("quality"))


@pytest.mark.timeout(60)  # one of them alone takes minutes to normalise
def test_a_document_that_would_hold_the_others_up_is_rejected_and_its_shard_goes_on(
    curated: Curate,
) -> None:
    poison = {
        "endless run of marks": "a" + "\u0301\u0316" * 400_000,
        "endless line": "a" * 2_000_000,
        "too long": "a" * 8_000_000,
    }
    dense = ["\u0301" * 200 + "a", "a.", "1 ", "@", "Ã©"]
    made = curated(
        [
            *library(),
            *(document(f"a:{why}", text) for why, text in poison.items()),
            *(document(f"b:{sign}", sign * (60_000 // len(sign))) for sign in dense),
        ]
    )
    rejected = {k: row["reason"] for k, row in made.step("read").items() if row["reason"]}
    assert rejected == {f"a:{why}": why for why in poison}


@pytest.mark.parametrize("name", ["not.parquet", "zeros.parquet"])
def test_a_file_that_is_not_parquet_is_an_error_that_names_it(curated: Curate, name: str) -> None:
    with pytest.raises(DataError, match=rf"{name}.*mirror the sources again"):
        curated(files=[BAD / name])


def test_a_wrong_schema_is_an_error_that_names_the_column(curated: Curate, tmp_path: Path) -> None:
    good = table_of([{"doc_key": "a:1"}])
    pq.write_table(good.drop_columns(["work"]), tmp_path / "lacks.parquet")
    with pytest.raises(DataError, match=r"lacks.parquet: column 'work' is missing"):
        curated(files=[tmp_path / "lacks.parquet"])
    number = good.schema.get_field_index("text")
    pq.write_table(good.set_column(number, "text", pa.array([1])), tmp_path / "typed.parquet")
    with pytest.raises(DataError, match=r"typed.parquet: column 'text' is int64"):
        curated(files=[tmp_path / "typed.parquet"])


def test_nothing_usable_is_an_error_that_says_why(curated: Curate) -> None:
    with pytest.raises(DataError, match=r"no document could be used \(dropped: read/empty 1\)"):
        curated([document("a:1", " ")])
    with pytest.raises(DataError, match=r"falls into 1 groups"):
        curated([document("a:1", prose("en", 1))])


@pytest.fixture(scope="module")
def on_ray() -> Iterator[RayExecutor]:
    with closing(ray_executor()) as executor:
        yield executor


@pytest.mark.slow
@pytest.mark.timeout(900)  # Ray starts in seconds on two idle cores, and in minutes on busy ones
def test_a_corpus_that_is_made_on_ray_is_the_same_to_the_byte(
    corpus: Corpus, curated: Curate, on_ray: RayExecutor, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(banding, "ON_RAY", 0)
    there = curated(executor=on_ray, shard_rows=24)
    assert there.metrics == corpus.metrics
    assert there.files() == corpus.files()


@pytest.mark.slow
@pytest.mark.timeout(900)  # as above
def test_ray_and_this_process_give_the_same_rows(tmp_path: Path, on_ray: RayExecutor) -> None:
    write_documents(tmp_path / "documents.parquet", library())
    spec = spec_of()
    model = NgramModel.fit([(prose("zh", 1), 0), (prose("zh", 2), 1)], spec.perplexity)
    pq.write_table(pa.Table.from_pylist(suite_rows()), tmp_path / "items.parquet")
    items = suite_items(tmp_path / "items.parquet", (), spec)

    def rows(executor: BaseExecutor) -> list[dict[str, object]]:
        # All stages at once, as somebody with a pipeline of his own would chain them.
        chain = [
            *stages(spec, KEY),
            CutContamination(items=items, section=spec.decontaminate, text="redacted"),
            FilterByLanguage(filters=filters_of(spec.quality), text="redacted"),
            ScorePerplexity(models={"zh": model}, text="redacted", fold=None),
        ]
        files, _ = readable([tmp_path / "documents.parquet"])
        batches = [batch for extent in extents(files) for batch in read(extent)]
        tasks = Pipeline(name="all", stages=chain).run(executor, initial_tasks=batches)
        found = [row for task in tasks or [] for row in task.to_pandas().to_dict("records")]
        return sorted(found, key=lambda row: str(row["doc_key"]))

    here, there = rows(InProcessExecutor()), rows(on_ray)
    assert len(here) == len(library())
    for one, other in zip(here, there, strict=True):
        assert {name: str(value) for name, value in one.items()} == {
            name: str(value) for name, value in other.items()
        }


def test_a_changed_result_needs_a_changed_contract(corpus: Corpus) -> None:
    def digest(rows: list[dict[str, object]]) -> str:
        said = json.dumps(rows, sort_keys=True, ensure_ascii=False)
        return hashlib.sha256(said.encode()).hexdigest()

    made = {split: digest(corpus.split(split)) for split in ("train", "validation", "test")}
    made["decisions"] = digest(
        [
            {k: v for k, v in row.items() if k != "score"} | {"step": step}
            for step in sorted(p.name for p in (corpus.folder / "decisions").iterdir())
            for row in corpus.step(step.removeprefix("step=")).values()
        ]
    )
    check(GOLDEN, CONTRACT, made)
