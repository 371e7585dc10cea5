"""Review samples and what is said of them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearth.curate import tables
from hearth.errors import DataError, NotFoundError, SpecError
from hearth.review.filing import check, load_preset
from hearth.review.reviews import (
    Method,
    acceptance_of,
    record_review,
    reviews,
    wilson,
)
from hearth.review.rules import Keywords
from hearth.review.sample import (
    Sample,
    draw,
    find_sample,
    hand_out,
    least_of,
    rank,
    samples,
    size_of_share,
)
from hearth.review.verdicts import Judged, Verdict, read_verdicts
from hearth.storagesettings import StorageSettings
from tests.unit.lineage.library import Library, library

TEXT = "=1+1 looks like a formula to a spreadsheet, 张三 wrote it."


@pytest.fixture
def wide(storage: StorageSettings, tmp_path: Path) -> Library:
    """A library whose corpus has 40 documents more."""
    return library(
        storage, tmp_path / "scratch", more={f"debian-faq:{n}#1": TEXT for n in range(40)}
    )


def drawn(home: Library, wanted: int, seed: int = 0) -> Sample:
    return draw(home.store, home.corpus, wanted, seed, "test")


def keys(sample: Sample) -> list[str]:
    return [item.doc_key for item in sample.items]


def test_a_sample_is_the_same_however_the_corpus_is_cut(
    wide: Library, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = drawn(wide, 12, seed=3)
    monkeypatch.setattr(tables, "ROWS_PER_FILE", 5)
    storage = StorageSettings(uri=f"file://{tmp_path}/other")
    more = {f"debian-faq:{n}#1": TEXT for n in range(40)}
    cut = library(storage, tmp_path / "cut", more=more)
    assert len(cut.corpus.record.outputs_named("corpus")) > len(
        wide.corpus.record.outputs_named("corpus")
    )
    other = drawn(cut, 12, seed=3)
    assert other.items == one.items
    assert other.texts.sha256 == one.texts.sha256


def test_a_larger_sample_begins_with_the_smaller_and_another_seed_is_another(
    wide: Library,
) -> None:
    assert keys(drawn(wide, 20))[:8] == keys(drawn(wide, 8))
    assert keys(drawn(wide, 20, seed=1)) != keys(drawn(wide, 20))


def test_a_sample_of_a_small_corpus_is_all_of_it_and_says_so(home: Library) -> None:
    sample = drawn(home, 50)
    assert sample.population == len(sample.items) == 2
    assert sample.wanted == 50


def test_a_sample_is_drawn_once(wide: Library) -> None:
    assert drawn(wide, 5) == drawn(wide, 5)
    assert [one.id for one in samples(wide.store)] == [drawn(wide, 5).id]


def test_a_record_holds_no_text_and_the_text_is_the_redacted_one(home: Library) -> None:
    sample = drawn(home, 50)
    folder = home.store.sub(f"samples/{sample.id}")
    assert b"about the archive" not in folder.get("sample.json")
    texts = folder.get("sample.jsonl").decode()
    assert "<EMAIL>" in texts
    assert "alice@example.org" not in texts


def test_the_order_is_that_of_a_hash_of_seed_and_content(wide: Library) -> None:
    items = drawn(wide, 42, seed=9).items
    ranks = [rank(9, item.content_id) for item in items]
    assert ranks == sorted(ranks)
    assert [item.item for item in items] == list(range(1, 43))


def test_a_share_is_rounded_up(wide: Library) -> None:
    assert size_of_share(wide.corpus, 0.1) == 5
    assert [least_of(n, 0.1) for n in (70, 71, 80, 1)] == [7, 8, 8, 1]


def test_an_unknown_sample_is_told_with_those_that_are_known(home: Library) -> None:
    sample = drawn(home, 2)
    with pytest.raises(NotFoundError, match=sample.id):
        find_sample(home.store, "nonesuch")


def test_reviewers_get_no_formulas_and_their_file_is_never_overwritten(
    wide: Library, tmp_path: Path
) -> None:
    out = tmp_path / "out.csv"
    sample = drawn(wide, 30)
    hand_out(wide.store, sample, out)
    with out.open(encoding="utf-8-sig", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["doc_key"] for row in rows] == keys(sample)
    assert not any(row["text"].startswith("=") for row in rows)
    assert {row["verdict"] for row in rows} == {""}
    with pytest.raises(SpecError, match="--out"):
        hand_out(wide.store, sample, out)


def fill(path: Path, verdicts: dict[str, tuple[str, str]]) -> Path:
    """Write verdicts into a file of either kind, as a reviewer does."""
    if path.suffix == ".csv":
        with path.open(encoding="utf-8-sig", newline="") as file:
            rows = list(csv.DictReader(file))
    else:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
    for row in rows:
        row["verdict"], row["category"] = verdicts.get(row["doc_key"], ("", ""))
    if path.suffix == ".csv":
        with path.open("w", encoding="utf-8", newline="") as file:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(rows)
    else:
        path.write_text("\n".join(json.dumps(row) for row in rows))
    return path


@pytest.mark.parametrize("kind", ["csv", "jsonl"])
def test_verdicts_come_back_from_either_file(wide: Library, tmp_path: Path, kind: str) -> None:
    sample = drawn(wide, 10)
    out = tmp_path / f"out.{kind}"
    hand_out(wide.store, sample, out)
    said = dict.fromkeys(keys(sample)[:6], ("accept", ""))
    said |= {keys(sample)[6]: ("不合格", "spam"), keys(sample)[7]: ("REJECT", "spam")}
    verdicts = read_verdicts(fill(out, said), sample, reviewer="li")
    result = record_review(wide.store, sample, verdicts, Method.HUMAN, "test").acceptance
    assert (result.total.accepted, result.total.judged) == (6, 8)
    assert result.total.share == 0.75
    assert result.categories == {"spam": 2}
    assert result.missing == tuple(keys(sample)[8:])
    assert not result.complete
    assert result.reviewers == ("li",)


@pytest.mark.parametrize(
    ("row", "words"),
    [
        ({"doc_key": "nonesuch:1", "verdict": "accept"}, "is not an item of sample"),
        ({"verdict": "maybe"}, "verdict 'maybe'"),
        ({"verdict": "reject"}, "rejected without a category"),
        ({"verdict": "accept", "reviewer": ""}, "no reviewer"),
        ({"verdict": "reject", "category": "Z"}, "must be one of A, B"),
    ],
)
def test_a_verdict_that_is_not_whole_refuses_the_file(
    wide: Library, tmp_path: Path, row: dict[str, str], words: str
) -> None:
    sample = drawn(wide, 3)
    whole = {"doc_key": keys(sample)[0], "verdict": "accept", "category": "", "reviewer": "li"}
    path = tmp_path / "in.jsonl"
    path.write_text(json.dumps(whole | row))
    with pytest.raises(DataError, match=words):
        read_verdicts(path, sample, categories=["A", "B"])
    assert reviews(wide.store, sample) == []


def judged(sample: Sample, verdicts: str, reviewer: str = "li") -> list[Judged]:
    kinds = {"a": Verdict.ACCEPT, "r": Verdict.REJECT}
    return [
        Judged(
            doc_key=item.doc_key, verdict=kinds[letter], category="A.1.f" * (letter == "r"),
            reviewer=reviewer,
        )
        for item, letter in zip(sample.items, verdicts, strict=False)
        if letter in kinds
    ]  # fmt: skip


def test_reviews_add_up_and_the_later_verdict_counts(wide: Library) -> None:
    sample = drawn(wide, 4)
    record_review(wide.store, sample, judged(sample, "ar"), Method.HUMAN, "one")
    record_review(wide.store, sample, judged(sample, " aaa", "wu"), Method.HUMAN, "two")
    latest = acceptance_of(wide.store, wide.corpus.uri)
    assert latest is not None
    assert (latest.total.accepted, latest.total.judged) == (4, 4)
    assert latest.complete
    assert latest.reviewers == ("li", "wu")
    assert len(reviews(wide.store, sample)) == 2


def test_people_and_programs_are_told_apart(wide: Library) -> None:
    sample = drawn(wide, 4)
    record_review(wide.store, sample, judged(sample, "aaaa"), Method.MACHINE, "one")
    assert acceptance_of(wide.store, wide.corpus.record.fingerprint) is None
    machine = acceptance_of(wide.store, wide.corpus.record.fingerprint, Method.MACHINE)
    assert machine is not None
    assert machine.total.share == 1


def test_the_latest_review_of_a_corpus_is_what_others_read(wide: Library) -> None:
    for seed, verdicts in ((1, "ar"), (0, "aa")):
        sample = drawn(wide, 2, seed)
        record_review(wide.store, sample, judged(sample, verdicts), Method.HUMAN, "test")
    latest = acceptance_of(wide.store, wide.corpus.record.fingerprint)
    assert latest is not None
    assert (latest.seed, latest.total.share) == (0, 1)


def test_a_wilson_interval_is_the_published_one() -> None:
    # Newcombe 1998, table I: 81 of 263, and 1 of 29, by the score method.
    assert (wilson(81, 263).lower, wilson(81, 263).upper) == pytest.approx(
        (0.2553, 0.3662), abs=1e-4
    )
    assert (wilson(1, 29).lower, wilson(1, 29).upper) == pytest.approx((0.0061, 0.1718), abs=1e-4)
    assert wilson(0, 0).share is None


@given(st.integers(1, 5000).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n))))
def test_a_wilson_interval_holds_its_estimate(counts: tuple[int, int]) -> None:
    share = wilson(*counts)
    assert share.lower is not None
    assert share.upper is not None
    assert share.share is not None
    assert 0 <= share.lower <= share.share <= share.upper <= 1


def test_the_filing_preset_has_every_number_with_its_source() -> None:
    preset = load_preset("cn-filing")
    assert (preset.human.items, preset.human.acceptance) == (4000, 0.96)
    assert (preset.machine.share, preset.machine.acceptance) == (0.1, 0.98)
    assert preset.sources.illegal_share == 0.05
    assert preset.keywords.entries == 10_000
    risks = [name for name in preset.categories.known if name != "other"]
    assert len(risks) == 31
    assert sum(preset.illegal.is_illegal(name) for name in risks) == 29
    for cited in (preset.human, preset.machine, preset.sources, preset.keywords):
        assert "TC260-003" in cited.source
        assert not cited.confirmed


def test_of_a_corpus_with_fewer_documents_than_are_asked_for_all_will_do(wide: Library) -> None:
    preset = load_preset("cn-filing")
    sample = drawn(wide, 25)
    record_review(wide.store, sample, judged(sample, "a" * 25), Method.HUMAN, "test")
    human = acceptance_of(wide.store, wide.corpus.uri)

    def items(population: int) -> bool | None:
        return {one.rule: one.met for one in check(preset, population, human, None, None)}[
            "human: items"
        ]

    assert (items(25), items(26), items(4_000)) == (True, False, False)


def test_point_estimates_decide_and_what_nobody_looked_at_is_open(
    wide: Library, tmp_path: Path
) -> None:
    preset = load_preset("cn-filing")
    sample = drawn(wide, 25)
    record_review(wide.store, sample, judged(sample, "r" + "a" * 24), Method.HUMAN, "test")
    human = acceptance_of(wide.store, wide.corpus.uri)
    met = {one.rule: one.met for one in check(preset, sample.population, human, None, None)}
    assert met["human: items"] is False
    assert met["human: acceptable"] is True  # 24 of 25 is 96 %, though its interval begins at 80 %.
    assert met["human: source debian-faq"] is True
    assert met["machine: acceptable"] is None
    assert met["keyword list"] is None
    few = judged(sample, "rr" + "a" * 23)
    record_review(wide.store, sample, few, Method.HUMAN, "test")
    human = acceptance_of(wide.store, wide.corpus.uri)
    words = tmp_path / "words.txt"
    words.write_text("# a list\none\ntwo\ntwo\n\n")
    counted = Keywords.read(words)
    assert counted == Keywords(entries=2)
    met = {one.rule: one.met for one in check(preset, sample.population, human, None, counted)}
    assert met["human: acceptable"] is False
    assert met["human: source debian-faq"] is False
    assert met["keyword list"] is False
    assert met["keyword list: A.1"] is None


def test_a_keyword_list_covers_each_risk_of_the_sections_that_ask_for_it(tmp_path: Path) -> None:
    preset = load_preset("cn-filing")
    assert preset.keywords.risks == {"A.1": 200, "A.2": 100}
    asked = [name for name in preset.categories.known if name.startswith(("A.1.", "A.2."))]
    full = {name: preset.keywords.risks[name[:3]] for name in asked}
    assert len(full) == 17

    def found(entries: int, categories: dict[str, int]) -> dict[str, tuple[bool | None, str]]:
        counted = Keywords(entries=entries, categories=categories)
        said = check(preset, 10, None, None, counted)
        return {one.rule: (one.met, one.found) for one in said}

    said = found(10_000, full)
    assert said["keyword list"][0]
    assert said["keyword list: A.1"] == (True, "8 of 8 risks")
    assert said["keyword list: A.2"][0]
    said = found(9_999, {**full, "A.2.c": 99})
    assert not said["keyword list"][0]
    assert said["keyword list: A.2"] == (False, "8 of 9 risks: A.2.c has 99")
    path = tmp_path / "list.csv"
    path.write_text("# version: 1\ncategory,keyword\nA.1.a,one\nA.1.b,one\nA.1.b,two\n")
    assert Keywords.read(path) == Keywords(entries=2, categories={"A.1.a": 1, "A.1.b": 2})


def test_the_lists_of_a_corpus_are_counted_from_its_record(wide: Library) -> None:
    record = wide.corpus.record
    assert Keywords.of(record) is None
    said = {"entries": 3, "categories": {"A.1.a": {"entries": 2}, "A.1.b": {"entries": 1}}}
    held = record.model_copy(update={"metrics": {**record.metrics, "keywords": said}})
    assert Keywords.of(held) == Keywords(entries=3, categories={"A.1.a": 2, "A.1.b": 1})


def test_a_review_of_another_corpus_says_nothing_of_this_one(wide: Library) -> None:
    sample = drawn(wide, 2)
    record_review(wide.store, sample, judged(sample, "aa"), Method.HUMAN, "test")
    assert acceptance_of(wide.store, "f" * 64) is None
