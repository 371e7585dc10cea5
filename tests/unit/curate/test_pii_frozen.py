"""Laws of the set that detectors are judged by: frozen before they were tuned."""

from __future__ import annotations

import hashlib
from collections import Counter

from tests.unit.curate.pii.score import FROZEN, documents

DIGEST = "daa9b734fe6a29073eefc040619e0d310811df0198f68f0aebfebba548371363"


def test_the_set_is_the_one_that_was_frozen() -> None:
    assert hashlib.sha256(FROZEN.read_bytes()).hexdigest() == DIGEST


def test_every_kind_has_a_hundred_spans_half_of_them_in_chinese_text() -> None:
    counts: Counter[tuple[str, str]] = Counter()
    for document in documents():
        for start, end, kind, group in document["spans"]:
            assert document["text"][start:end].strip() == document["text"][start:end] != ""
            if group != "broken":
                counts[kind, document["language"]] += 1
    assert len(counts) == 2 * 28
    assert all(count >= 50 for count in counts.values())
