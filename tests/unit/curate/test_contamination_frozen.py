"""Laws of the set that decontamination is judged by, and the bars that it must clear."""

from __future__ import annotations

import hashlib
from collections import Counter

from tests.unit.curate.contamination.score import CLEAN, ITEMS, PLANTS, rows, score

DIGESTS = {
    ITEMS: "fa35493ac20bde00fa3dc67dae9eaf68b07b923c2d0fca4d1d7d68c6c3046e81",
    PLANTS: "6b469ed8368e69cd3f16c47f0d771a5c5faed2e760dba211efe6525e719a4367",
    CLEAN: "eef30bdecb56677a6eae4e7707de6f08140a7ec9cdac0a29755c3385afe7bb11",
}
RECALL = 0.98
TOUCHED = 0.001


def test_the_set_is_the_one_that_was_frozen() -> None:
    assert {path: hashlib.sha256(path.read_bytes()).hexdigest() for path in DIGESTS} == DIGESTS


def test_there_is_enough_of_everything_in_both_languages() -> None:
    planted = Counter(row["language"] for row in rows(PLANTS))
    clean = Counter(row["language"] for row in rows(CLEAN))
    assert min(planted.values()) >= 200
    assert min(clean.values()) >= 500
    assert sum(row["quotes"] for row in rows(CLEAN)) >= 200


def test_planted_items_are_found_in_every_disguise() -> None:
    found = score()
    assert not {
        disguise: (sum(seen), len(seen))
        for disguise, seen in found.recall.items()
        if sum(seen) < RECALL * len(seen)
    }, found.missed[:3]


def test_what_shares_less_than_an_n_gram_is_left_alone() -> None:
    found = score()
    assert len(found.touched) <= TOUCHED * found.clean, found.touched[:3]
