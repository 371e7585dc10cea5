"""Laws of the sets that detectors are judged by, and the bars that they must clear."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import pytest

from hearth.curate.pii.kinds import PiiKind
from hearth.curate.pii.redact import detect
from tests.unit.curate.pii.score import BARS, FROZEN, KEPT, SECOND, Score, documents, score

DIGESTS = {
    FROZEN: "daa9b734fe6a29073eefc040619e0d310811df0198f68f0aebfebba548371363",
    SECOND: "2d9728c18a724709a355e4b9b27e6becc580e23878fccf875f8b03f2b8a71c08",
}


@pytest.fixture(scope="module", params=[FROZEN, SECOND], ids=lambda path: path.stem)
def scored(request: pytest.FixtureRequest) -> Score:
    return score(detect, documents(request.param))


@pytest.mark.parametrize("path", DIGESTS, ids=lambda path: path.stem)
def test_the_set_is_the_one_that_was_frozen(path: Path) -> None:
    assert hashlib.sha256(path.read_bytes()).hexdigest() == DIGESTS[path]


@pytest.mark.parametrize("path", DIGESTS, ids=lambda path: path.stem)
def test_every_kind_has_a_hundred_spans_half_of_them_in_chinese_text(path: Path) -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for document in documents(path):
        for start, end, kind, group in document["spans"]:
            assert document["text"][start:end].strip() == document["text"][start:end] != ""
            if group != "broken":
                counts[kind, document["language"]] += 1
    assert {kind for kind, _ in counts} == {kind.value for kind in PiiKind}
    assert all(count >= 50 for count in counts.values())


def test_recall_clears_its_bar_for_every_kind(scored: Score) -> None:
    short = {
        key: (tally.hits, tally.total, tally.misses[:3])
        for key, tally in scored.recall.items()
        if tally.bound < BARS[key[1]]
    }
    assert not short


def test_what_only_looks_like_it_is_kept_in_the_frozen_sets(scored: Score) -> None:
    hits = sum(tally.hits for tally in scored.kept.values())
    total = sum(tally.total for tally in scored.kept.values())
    assert hits >= KEPT * total
    assert sum(scored.false.values()) <= 2, scored.examples
