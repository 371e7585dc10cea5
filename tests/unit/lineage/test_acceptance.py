"""The laws of what a gate asks of reviews, and which reviews count."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearth.errors import SpecError
from hearth.gate.decision import AcceptanceCheck, RuleCheck
from hearth.gate.spec import AcceptanceSection, IllegalSection, ListsSection, Looked
from hearth.lock import Tombstone, TombstoneKind
from hearth.review.demand import checks, held_against, with_figures
from hearth.review.reviews import Method, record_review
from hearth.review.sample import Sample, draw
from hearth.review.verdicts import Judged, Verdict
from hearth.storagesettings import StorageSettings
from hearth.trace.corpora import Corpus
from tests.unit.lineage.library import ALICE, Library, library

PEOPLE = AcceptanceSection(human=Looked(share=0.9, sample=10))


@pytest.fixture
def wide(storage: StorageSettings, tmp_path: Path) -> Library:
    """A library whose corpus has 42 documents."""
    more = {f"debian-faq:{n}#1": "A text." for n in range(40)}
    return library(storage, tmp_path / "scratch", more=more)


def drawn(home: Library, wanted: int, seed: int = 0) -> Sample:
    return draw(home.store, home.corpus, wanted, seed, "test")


def say(
    home: Library,
    sample: Sample,
    accepted: int,
    rejected: int = 0,
    method: Method = Method.HUMAN,
    reviewer: str = "li.wei",
    category: str = "other",
) -> None:
    verdicts = [Verdict.REJECT] * rejected + [Verdict.ACCEPT] * accepted
    judged = [
        Judged(doc_key=item.doc_key, verdict=verdict, category=category, reviewer=reviewer)
        for item, verdict in zip(sample.items, verdicts, strict=False)
    ]
    record_review(home.store, sample, judged, method, "test")


def asked(home: Library, section: AcceptanceSection = PEOPLE) -> AcceptanceCheck:
    (check,) = checks(home.store, home.corpus, section)
    assert isinstance(check, AcceptanceCheck)
    return check


def test_without_a_review_the_answer_is_open_and_names_the_commands(wide: Library) -> None:
    check = asked(wide)
    assert (check.met, check.population, check.wanted) == (None, 42, 10)
    corpus = wide.corpus.record.fingerprint[:12]
    assert f"`hearth sample {corpus} --n 10`" in check.reason
    assert "`hearth review SAMPLE FILE`" in check.reason


@pytest.mark.parametrize(
    ("accepted", "rejected", "met"), [(10, 0, True), (9, 1, True), (8, 2, False), (8, 1, None)]
)
def test_the_point_estimate_decides_once_every_document_is_judged(
    wide: Library, accepted: int, rejected: int, met: Any
) -> None:
    say(wide, drawn(wide, 10), accepted, rejected)
    check = asked(wide)
    assert check.met is met
    assert (check.judged, check.accepted) == (accepted + rejected, accepted)
    assert check.lower is not None
    assert check.lower < accepted / (accepted + rejected)
    assert check.reviewers == ("li.wei",)


def test_what_can_no_longer_be_reached_fails_before_all_is_judged(wide: Library) -> None:
    say(wide, drawn(wide, 10), 0, 2)
    assert asked(wide).met is False


def test_a_sample_that_is_too_small_does_not_count_against_one_that_is_not(wide: Library) -> None:
    small = drawn(wide, 5)
    say(wide, small, 5)
    check = asked(wide)
    assert check.met is None
    assert "a sample of 5, 10 documents are asked for" in check.reason
    large = drawn(wide, 12, seed=1)
    say(wide, large, 12)
    say(wide, small, 0, 5)
    check = asked(wide)
    assert (check.met, check.sample, check.samples) == (True, large.id, 2)


def test_of_samples_that_are_large_enough_the_latest_verdicts_count(wide: Library) -> None:
    say(wide, drawn(wide, 10), 10)
    later = drawn(wide, 10, seed=1)
    say(wide, later, 0, 10)
    assert (asked(wide).met, asked(wide).sample) == (False, later.id)


def test_people_and_programs_are_asked_apart(wide: Library) -> None:
    section = AcceptanceSection(
        human=Looked(share=0.9, sample=10), machine=Looked(share=0.98, part=0.1)
    )
    say(wide, drawn(wide, 10), 10)
    people, programs = checks(wide.store, wide.corpus, section)
    assert isinstance(programs, AcceptanceCheck)
    assert (people.met, programs.met) == (True, None)
    assert programs.wanted == 5  # a tenth of 42, rounded up
    assert "--machine" in programs.reason
    say(wide, drawn(wide, 10), 10, method=Method.MACHINE, reviewer="keywords 3")
    assert checks(wide.store, wide.corpus, section)[1].met is True


def test_of_a_corpus_smaller_than_the_sample_all_documents_are_wanted(home: Library) -> None:
    section = AcceptanceSection(human=Looked(share=0.9, sample=4_000))
    say(home, drawn(home, 4_000), 2)
    check = asked(home, section)
    assert (check.met, check.wanted) == (True, 2)


def test_reviews_of_another_corpus_do_not_count(
    wide: Library, storage: StorageSettings, tmp_path: Path
) -> None:
    say(wide, drawn(wide, 10), 10)
    grave = Tombstone(kind=TombstoneKind.KEY, value=ALICE, reason="a test", since=datetime.now(UTC))
    other = library(storage, tmp_path / "other", 2, tombstones=[grave])
    assert asked(other).met is None
    assert asked(wide).met is True


@given(st.integers(1, 10_000), st.integers(1, 10_000), st.floats(0.001, 1))
def test_what_is_wanted_is_never_more_than_there_is(
    population: int, sample: int, part: float
) -> None:
    rule = Looked(share=0.9, sample=sample, part=part)
    check = held_against(rule, Method.HUMAN, "c" * 64, population, [])
    assert min(population, sample) <= check.wanted <= population


def test_a_preset_gives_the_figures_that_the_recipe_leaves_out() -> None:
    filled = with_figures(AcceptanceSection(preset="cn-filing"))
    assert filled.human == Looked(share=0.96, sample=4_000)
    assert filled.machine == Looked(share=0.98, part=0.1)
    own = Looked(share=0.99, sample=100)
    assert with_figures(AcceptanceSection(preset="cn-filing", human=own)).human == own
    assert with_figures(filled) == filled
    assert filled.illegal is not None
    assert filled.illegal.share == 0.05
    assert filled.illegal.is_illegal("A.1.a")
    assert not filled.illegal.is_illegal("other")
    assert filled.keywords is not None
    assert filled.keywords.entries == 10_000
    assert (filled.keywords.risks["A.1.a"], filled.keywords.risks["A.2.a"]) == (200, 100)
    assert len(filled.keywords.risks) == 17
    with pytest.raises(SpecError, match="nonesuch"):
        with_figures(AcceptanceSection(preset="nonesuch"))


ILLEGAL = AcceptanceSection(
    human=Looked(share=0.5, sample=10), illegal=IllegalSection(share=0.25, categories=("A.1",))
)


def of_sources(home: Library) -> dict[str, bool | None]:
    found = checks(home.store, home.corpus, ILLEGAL)
    return {one.rule: one.met for one in found if isinstance(one, RuleCheck)}


@pytest.mark.parametrize(
    ("rejected", "category", "met"),
    [(2, "A.1.a", True), (3, "A.1.a", False), (3, "A.1", False), (3, "A.10.a", True)],
)
def test_a_source_with_too_much_illegal_content_fails_whatever_share_is_accepted(
    wide: Library, rejected: int, category: str, met: Any
) -> None:
    assert of_sources(wide) == {}
    say(wide, drawn(wide, 10), 10 - rejected, rejected, category=category)
    assert of_sources(wide) == {"human: source debian-faq": met}


def test_a_source_is_open_while_documents_that_could_clear_it_are_not_judged(
    wide: Library,
) -> None:
    sample = drawn(wide, 10)
    say(wide, sample, 0, 2, category="A.1.a")
    assert of_sources(wide) == {"human: source debian-faq": None}
    say(wide, sample, 0, 3, category="A.1.a")
    assert of_sources(wide) == {"human: source debian-faq": False}


@pytest.mark.parametrize(
    ("entries", "counts", "met"),
    [
        (None, {}, [None, None]),
        (9, {"A.1.a": 5, "A.1.b": 5}, [False, True]),
        (10, {"A.1.a": 5, "A.1.b": 5}, [True, True]),
        (10, {"A.1.a": 9, "A.1.b": 4}, [True, False]),
        (10, {"A.1.a": 9}, [True, False]),
    ],
)
def test_the_lists_that_the_corpus_was_held_against_are_counted(
    home: Library, entries: int | None, counts: dict[str, int], met: list[bool | None]
) -> None:
    record = home.corpus.record
    said = {name: {"entries": count} for name, count in counts.items()}
    metrics = {"keywords": {"entries": entries, "categories": said}} if entries else {}
    corpus = Corpus(home.store, record.model_copy(update={"metrics": metrics}))
    section = AcceptanceSection(
        human=Looked(share=0.5, sample=1),
        keywords=ListsSection(entries=10, risks={"A.1.a": 5, "A.1.b": 5}),
    )
    found = [one for one in checks(home.store, corpus, section) if isinstance(one, RuleCheck)]
    assert [one.met for one in found] == met
    assert all("curate.keywords.lists" in one.reason for one in found if not one.met)
