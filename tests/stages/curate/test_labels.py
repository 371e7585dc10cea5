"""Laws of keywords, tags and tokens, as stages of a pipeline and in a curated corpus."""

from __future__ import annotations

import json
import time
from typing import Any

import pandas as pd
import pytest
from nemo_curator.pipeline import Pipeline
from nemo_curator.stages.base import ProcessingStage
from nemo_curator.tasks import DocumentBatch

from hearth.curate.executor import InProcessExecutor
from hearth.curate.keywords.matcher import Matcher
from hearth.curate.keywords.section import Hits, KeywordAction, KeywordRule, KeywordSection
from hearth.curate.mixture import MixtureSection, MixtureTarget
from hearth.curate.spec import Domain, PerplexitySection
from hearth.curate.stages.keywords import MatchKeywords
from hearth.curate.stages.tags import TagText
from hearth.curate.stages.tokens import CountTokens
from hearth.curate.tags.section import TagSection
from hearth.stage.bpe import END_OF_TEXT, learn
from hearth.train import spec as training
from hearth.train.tokenizer import learn as learn_for_training
from tests.stages.curate.conftest import Corpus, Curate, library, prose
from tests.stages.curate.conftest import document as made

ENTRIES = {
    "gambling": ["赌博", "赌博网站", "six mark"],
    "A.1.a": ["禁词甲", "ban"],
    "A.2.a": ["网站"],
}


def through(stage: ProcessingStage, **columns: list[Any]) -> pd.DataFrame:
    batch = DocumentBatch(dataset_name="x", data=pd.DataFrame(columns))
    [task] = Pipeline(name="x", stages=[stage]).run(InProcessExecutor(), initial_tasks=[batch])
    return task.to_pandas()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("没有", ()),
        ("赌博", ((("gambling"), 1, 1),)),
        # The longest of those that start together; a category of its own has its own.
        ("去赌博网站赌博", (("A.2.a", 1, 1), ("gambling", 2, 2))),
        ("赌\u200b博, 赌 博, 赌*博", (("gambling", 3, 1),)),
        ("Ｓix  MARK", (("gambling", 1, 1),)),
        ("ban the banner, urban BAN", (("A.1.a", 2, 1),)),
        ("用ban软件", (("A.1.a", 1, 1),)),
        ("ban1 1ban", ()),
    ],
)
def test_keywords_are_found_whatever_their_form(
    text: str, found: tuple[tuple[str, int, int], ...]
) -> None:
    assert tuple(hit[:3] for hit in Matcher(ENTRIES)(text)) == found


def test_a_share_is_of_what_is_no_white_space() -> None:
    assert Matcher(ENTRIES)("赌博 你好 你好")[0] == Hits("gambling", 1, 1, 0.333333)
    assert Matcher({})("赌博") == Matcher({"x": [" "]})("赌博") == ()


def test_ten_thousand_entries_and_a_hostile_text_take_no_longer_than_a_pass() -> None:
    entries = [f"{chr(0x4E00 + n % 5_000)}{chr(0x4E00 + n // 3)}" for n in range(12_000)]
    match = Matcher({"many": entries, "runs": ["一" * n for n in range(2, 60)]})
    begin = time.perf_counter()
    assert match("一" * 20_000)
    match(chr(0x4E00) * 100 + "".join(map(chr, range(0x4E00, 0x6E00))) * 10)
    assert time.perf_counter() - begin < 10


def test_a_document_goes_with_category_and_count_and_nothing_of_what_matched() -> None:
    rule = KeywordRule(categories=("gambling",), action=KeywordAction.DROP, distinct=2)
    flag = KeywordRule(categories=("A.1",), action=KeywordAction.FLAG)
    stage = MatchKeywords(entries=ENTRIES, section=KeywordSection(rules=(rule, flag)))
    assert "赌博" not in repr(stage)
    frame = through(stage, text=["赌博网站 赌博 禁词甲", "赌博 ban", "好"])
    assert frame["step"].tolist() == ["keywords", "", ""]
    assert (frame["reason"][0], frame["score"][0]) == ("gambling", 2.0)
    assert frame["keywords"].tolist() == [
        (("A.1.a", 1, 1, "flag"), ("A.2.a", 1, 1, "count"), ("gambling", 2, 2, "drop")),
        (("A.1.a", 1, 1, "flag"), ("gambling", 1, 1, "count")),
        (),
    ]


def test_tags_are_those_of_the_rules() -> None:
    section = TagSection(topics={"water": ("水库", "reservoir")}, topic_hits=2, topic_words=1)
    stage = TagText(section=section, code=("src",), declared={"b": "EU"})
    frame = through(
        stage,
        text=["北京市人民政府的水库，水库。", "A reservoir.", "x = 1"],
        source=["a", "b", "src"],
    )
    assert frame["topics"].tolist() == [("water",), (), ()]
    assert frame["jurisdiction"].tolist() == ["CN-BJ", "EU", None]
    assert frame["structure"].tolist() == ["article", "article", "code"]


def test_what_counts_tokens_is_what_training_learns() -> None:
    texts = [prose("en", n) + prose("zh", n) for n in range(20)]
    ours = learn(texts, 400).to_str()
    assert ours == learn_for_training(texts, training.TokenizerSection(vocabulary=400)).to_str()
    assert END_OF_TEXT == training.END_OF_TEXT
    frame = through(CountTokens(tokenizer=ours), text=texts)
    assert frame["tokens"].tolist() == [len(learn(texts, 400).encode(t).ids) for t in texts]
    assert frame["words"].tolist() == [len(t.split()) for t in texts]


@pytest.fixture(scope="module")
def labelled(curated: Curate) -> Corpus:
    """A corpus with keywords planted, a target of the mixture and trusted sources."""
    documents = [
        *library(),
        made("bad:1", prose("zh", "bad1") + "\n赌博网站，赌博。"),
        made("bad:2", prose("zh", "bad2") + "\n禁词甲。"),
        made("bad:3", prose("en", "bad3") + "\nWe ban it."),
    ]
    rules = (
        KeywordRule(categories=("gambling",), action=KeywordAction.DROP, distinct=2),
        KeywordRule(categories=("A.1",), action=KeywordAction.FLAG),
    )
    return curated(
        documents,
        entries=ENTRIES,
        keywords=KeywordSection(rules=rules),
        domains={"letters": Domain.CODE},
        mixture=MixtureSection(targets=[MixtureTarget(language="zh", share=0.7)]),
        perplexity=PerplexitySection(bits=16, quantile=0.9, folds=2, trusted=("en", "zh")),
    )


def test_keywords_are_counted_by_category_and_source_and_told_nowhere(labelled: Corpus) -> None:
    assert labelled.fate("bad:1") == ("keywords", "gambling")
    decisions = labelled.step("keywords")
    assert decisions["bad:1"]["score"] == 2
    assert (decisions["bad:2"]["action"], decisions["bad:2"]["reason"]) == ("flagged", "A.1.a ×1")
    found = labelled.metrics["keywords"]
    assert found["entries"] == 6
    assert found["categories"]["gambling"] == {
        "entries": 3, "documents": 1, "hits": 2, "flagged": 0, "dropped": 1,
    }  # fmt: skip
    assert found["categories"]["A.1.a"]["flagged"] == 2
    assert found["sources"]["bad"] == {"A.1.a": 2, "A.2.a": 1, "gambling": 2}
    for name, data in labelled.files().items():
        if not name.startswith("corpus/"):
            assert "赌博".encode() not in data, name
            assert "禁词甲".encode() not in data, name


def test_only_the_trusted_teach_and_every_domain_has_its_thresholds(labelled: Corpus) -> None:
    said = labelled.metrics["perplexity"]
    assert set(said["en"]) == {"prose", "code"}
    assert said["en"]["prose"]["high"] > said["en"]["prose"]["low"] > 1
    assert said["en"]["code"]["high"] is None, "too few documents"
    decisions = labelled.step("perplexity")
    assert all(row["score"] is not None for row in decisions.values())
    reasons = {row["reason"] for row in decisions.values() if row["action"] == "flagged"}
    assert reasons == {"low perplexity"}
    kept = {row["doc_key"] for row in labelled.rows}
    assert {key for key, row in decisions.items() if row["action"] == "flagged"} <= kept


def test_a_language_of_which_nothing_is_trusted_is_not_scored(curated: Curate) -> None:
    section = PerplexitySection(bits=16, quantile=0.5, folds=2, trusted=("en",))
    corpus = curated(perplexity=section)
    decisions = corpus.step("perplexity")
    assert all(row["score"] is None for key, row in decisions.items() if key.startswith("zh:"))
    assert all(row["score"] for key, row in decisions.items() if key.startswith("en:"))
    assert corpus.metrics["perplexity"]["zh"]["prose"]["high"] is None
    assert corpus.metrics["flags"]["perplexity"] == sum(
        row["action"] == "flagged" for row in decisions.values()
    )


def test_the_corpus_has_its_tags_tokens_and_weights(labelled: Corpus) -> None:
    decisions = labelled.step("classify")
    for row in labelled.rows:
        assert row["structure"] in decisions[row["doc_key"]]["reason"]
        assert row["domain"] == ("code" if row["source"] == "letters" else "prose")
        assert row["tokens"] > 0
    assert {r["structure"] for r in labelled.rows if r["source"] == "letters"} == {"code"}
    said = json.loads((labelled.folder / "mixture.json").read_text())
    assert said == labelled.metrics["mixture_weights"]
    assert sum(w for n, w in said["weights"].items() if n.startswith("zh/")) == pytest.approx(0.7)
    train = labelled.split("train")
    for part in said["parts"]:
        mine = [
            r for r in train if (r["language"], r["domain"]) == (part["language"], part["domain"])
        ]
        assert part["tokens"] == sum(row["tokens"] for row in mine)
    fertility = labelled.metrics["tokens"]
    assert fertility["zh"]["tokens_per_word"] is None
    assert fertility["en"]["tokens_per_word"] > 1
