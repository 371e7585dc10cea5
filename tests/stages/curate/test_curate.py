"""Laws of a curated corpus, on a small library that a real Curator pipeline went through."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from nemo_curator.backends.base import BaseExecutor
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.text.deduplication.removal import TextDuplicatesRemovalStage

from hearth.curate.executor import InProcessExecutor, ray_executor
from hearth.curate.normalise import clean
from hearth.curate.perplexity import NgramModel
from hearth.curate.pii.redact import detect
from hearth.curate.prepare import stages
from hearth.curate.refine import suite_items
from hearth.curate.rules import ChineseRules
from hearth.curate.spec import CONTRACT, PerplexitySection, QualitySection
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


def test_no_chinese_text_is_lost_to_white_space(curated: Curate) -> None:
    unbroken = [
        document(f"zh:{n}", prose("zh", n, 40).replace("\n", ""), language=None) for n in range(30)
    ]
    made = curated(unbroken, perplexity=PerplexitySection(bits=16, quantile=1))
    assert made.metrics["retention"]["zh"] == {"documents": 1.0, "characters": 1.0}


def test_code_and_mathematics_are_exempt_from_the_rules_of_prose(curated: Curate) -> None:
    code = "\n".join(f"x{n} = {{'a': [{n}, {n + 1}]}}  # {n}" for n in range(40))
    other = "\n".join(f"if ({n} < y) {{ draw('lorem ipsum'); }} // [{n}]" for n in range(40))
    third = "\n".join(f"z[{n}] := {{{n}: [z, {n}]}} -- ({n})" for n in range(40))
    made = [
        document("repo:1", code, language="en"),
        document("repo:2", other, language="en"),
        document("web:1", third, language="en"),
    ]
    exempt = curated([*library(), *made], domains={"repo": "code"})
    assert exempt.fate("repo:1") == ("kept", None)
    assert exempt.fate("repo:2") == ("quality", "placeholders")
    assert exempt.fate("web:1")[0] == "quality"


def test_the_languages_of_a_mixed_document_are_told_apart(curated: Curate) -> None:
    halves = "\n\n".join([prose("zh", "half"), prose("en", "half"), "短", prose("zh", "third")])
    made = curated([*library(), document("mixed:2", halves)])
    mixed = made.metrics["mixed"]["zh"]
    assert mixed["documents"] >= 1
    assert mixed["characters"]["en"] == len(prose("en", "half"))


@pytest.mark.parametrize(
    ("rule", "bound", "text"),
    [
        ("max_adverts", 0.1, "澳门赌场，真人娱乐。\n" + prose("zh", 1)),
        ("max_garbled", 0.001, prose("zh", 1) + "锟斤拷锟斤拷"),
        ("max_short_lines", 0.67, prose("zh", 1).replace("，", "，\n")),
        ("min_punctuated_lines", 0.12, prose("zh", 1).replace("。", "、")),
        ("min_sentences", 3, prose("zh", 1).replace("。", "；")),
        ("max_braces", 0.0, prose("zh", 1) + "{}"),
        ("max_placeholders", 0, prose("zh", 1) + "Lorem ipsum"),
        ("max_duplicate_lines", 0.2, "\n".join([prose("zh", 1)] * 2)),
        ("min_mean_line", 10, "\n".join(["床前明月光，"] * 9)),
        ("min_common_characters", 2, "春眠觉晓处处闻啼鸟夜来风雨声花落知多少" * 2),
        ("min_stop_characters", 0.05, "春眠觉晓处处闻啼鸟夜来风雨声花落知多少" * 2),
        ("max_symbols", 0.25, prose("zh", 1)[:100] + "═│┌" * 40),
    ],
)
def test_each_rule_judges_what_it_names(rule: str, bound: float, text: str) -> None:
    off = {name: None for name in ChineseRules.model_fields if name.startswith(("max_", "min_"))}
    off = {k: v for k, v in off.items() if k not in {"min_characters", "max_characters"}}
    plain = QualitySection(zh=ChineseRules(**{**off, "min_characters": 0}))
    strict = QualitySection(zh=ChineseRules(**{**off, "min_characters": 0, rule: bound}))
    names = {name for name, _ in filters_of(plain)["zh"]}
    (judge,) = [judge for name, judge in filters_of(strict)["zh"] if name not in names]
    assert not judge.keep_document(judge.score_document(text))
    fine = prose("zh", 2, 40).replace("\n", "\n\n")
    assert judge.keep_document(judge.score_document(fine))


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
        "perplexity",
    ):
        decisions = corpus.step(folder)
        assert set(decisions) == keys, folder
        for row in decisions.values():
            assert row["action"] in {"kept", "edited", "dropped"}
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


def test_curators_own_removal_takes_the_ids_of_copies(corpus: Corpus, tmp_path: Path) -> None:
    write_documents(tmp_path / "documents.parquet", library())
    removal = TextDuplicatesRemovalStage(
        ids_to_remove_path=str(corpus.folder / "removals"), id_field="doc_key"
    )
    reading = stages([tmp_path / "documents.parquet"], spec_of(), KEY)[:2]
    tasks = Pipeline(name="removal", stages=[*reading, removal]).run(InProcessExecutor())
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


def test_splits_of_an_earlier_corpus_are_kept(corpus: Corpus, curated: Curate) -> None:
    held = {row["doc_key"] for row in corpus.split("test")}
    bridge = document(
        "bridge:1", prose("en", "bridge"), work=corpus.split("test")[0]["work"], parallel="p1"
    )
    more = [
        document(f"more:{number}", prose("en", f"more{number}"), parallel=f"p{number}")
        for number in range(40)
    ]
    grown = curated([*library(), bridge, *more], previous=corpus.folder / "corpus")
    assert held <= {row["doc_key"] for row in grown.split("test")}
    # It joined a work of the test split with a pair that was elsewhere: all of them are test now.
    assert grown.step("split")["bridge:1"]["reason"] == "test"
    assert grown.step("split")["en:page/01"]["reason"] == "test"
    assert grown.step("split")["more:1"]["reason"] == "test"


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


def test_copies_name_the_one_that_stayed(corpus: Corpus) -> None:
    assert corpus.step("exact")["b:copy"]["canonical"] == "a:copy"
    near = corpus.step("near")["b:near"]
    assert near["canonical"] == "a:near"
    assert 0.8 <= near["score"] < 1


def test_the_test_split_and_exempt_sources_are_never_trimmed(curated: Curate) -> None:
    trimmed = curated(perplexity=PerplexitySection(bits=16, quantile=0.5, folds=2))
    decisions = trimmed.step("perplexity")
    gone = {key for key, row in decisions.items() if row["action"] == "dropped"}
    assert gone
    limits = {k: v["threshold"] for k, v in trimmed.metrics["perplexity"].items()}
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


@pytest.mark.slow
@pytest.mark.timeout(900)  # Ray starts in half a minute on two idle cores, and in many on busy ones
def test_ray_and_this_process_give_the_same_rows(tmp_path: Path) -> None:
    write_documents(tmp_path / "documents.parquet", library())
    spec = spec_of()
    model = NgramModel.fit([(prose("zh", 1), 0), (prose("zh", 2), 1)], spec.perplexity)
    model.save(tmp_path / "zh.npz")
    pq.write_table(pa.Table.from_pylist(suite_rows()), tmp_path / "items.parquet")
    items = suite_items(tmp_path / "items.parquet", (), spec)

    def rows(executor: BaseExecutor) -> list[dict[str, object]]:
        # All stages at once, as somebody with a pipeline of his own would chain them.
        chain = [
            *stages([tmp_path / "documents.parquet"], spec, KEY),
            CutContamination(items=items, section=spec.decontaminate, text="redacted"),
            FilterByLanguage(filters=filters_of(spec.quality), text="redacted"),
            ScorePerplexity(
                models={"zh": tmp_path / "zh.npz"}, section=spec.perplexity, text="redacted"
            ),
        ]
        tasks = Pipeline(name="all", stages=chain).run(executor)
        found = [row for task in tasks or [] for row in task.to_pandas().to_dict("records")]
        return sorted(found, key=lambda row: str(row["doc_key"]))

    here, there = rows(InProcessExecutor()), rows(ray_executor())
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
