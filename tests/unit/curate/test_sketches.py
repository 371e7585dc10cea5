"""Laws of sketches: what was withdrawn is known again by its copies, and by nothing else."""

from __future__ import annotations

import base64
import random
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from hearth.curate.hashing import Hashes
from hearth.curate.keys import ContentKey, Domain
from hearth.curate.near import Shingler, jaccard
from hearth.curate.sections import DedupSection
from hearth.curate.sketches import LEAST, Sketches, blind, least, write
from hearth.curate.spec import CurateSpec, Grave
from hearth.lock import Sketch, TombstoneKind
from tests.unit.curate.made import KEY, Made, indexed

SECTION = DedupSection()
OTHER = ContentKey(b"another key of a test")


def grave(shingles: Hashes, key: ContentKey = KEY, words: int = SECTION.shingle_words) -> Grave:
    sketch = Sketch(
        words=words,
        characters=SECTION.shingle_characters,
        shingles=len(shingles),
        least=base64.b64encode(least(shingles)).decode(),
    )
    return Grave(kind=TombstoneKind.NEAR, value="a content", key=key.fingerprint, sketch=sketch)


def drawn(draw: random.Random, count: int) -> Hashes:
    return np.unique(np.array([draw.getrandbits(64) for _ in range(count)], dtype=np.uint64))


def alike(draw: random.Random, one: Hashes, likeness: float) -> Hashes:
    """Make a set of the same size whose Jaccard with `one` is about this."""
    common = round(2 * len(one) * likeness / (1 + likeness))
    kept = draw.sample(one.tolist(), common)
    return np.unique(
        np.concatenate([np.array(kept, dtype=np.uint64), drawn(draw, len(one) - common)])
    )


@pytest.mark.parametrize("count", [1, 7, LEAST])
def test_up_to_its_size_a_sketch_decides_as_exact_jaccard_does(count: int) -> None:
    draw = random.Random(count)  # noqa: S311 - made-up sets
    decided = set()
    for _ in range(300):
        one = drawn(draw, count)
        other = alike(draw, one, draw.uniform(0, 1))
        wanted = jaccard(one, other) >= SECTION.threshold
        assert Sketches([grave(one)], SECTION, KEY).bury(other) is wanted
        decided.add(wanted)
    assert decided == {False, True}


@pytest.mark.parametrize("count", [400, 5_000])
def test_of_long_texts_copies_well_above_the_threshold_are_found_and_those_well_below_are_not(
    count: int,
) -> None:
    draw = random.Random(count)  # noqa: S311 - made-up sets
    near = far = 0
    for _ in range(200):
        one = drawn(draw, count)
        sketches = Sketches([grave(drawn(draw, count)), grave(one)], SECTION, KEY)
        near += sketches.bury(alike(draw, one, SECTION.threshold + 0.1))
        far += sketches.bury(alike(draw, one, SECTION.threshold - 0.2))
    assert near >= 0.97 * 200
    assert far <= 0.01 * 200


def test_a_sketch_of_another_key_or_of_other_shingles_finds_nothing_and_is_reported() -> None:
    one = drawn(random.Random(0), 50)  # noqa: S311 - a made-up set
    graves = (grave(one, OTHER), grave(one, words=SECTION.shingle_words + 1))
    assert not Sketches(graves, SECTION, KEY)
    content = Grave(kind=TombstoneKind.CONTENT, value="a content")
    known = content.model_copy(update={"key": KEY.fingerprint})
    by_key = Grave(kind=TombstoneKind.KEY, value="a:1")
    spec = CurateSpec(tombstones=(*graves, content, known, by_key))
    assert blind(spec, KEY) == (2, 1)


def test_every_document_that_was_hashed_has_its_sketch(tmp_path: Path) -> None:
    text = "the keeper of the yard lights every lamp of the harbour at dusk " * 40
    spec = CurateSpec()
    with indexed([Made("b:2", "two short words"), Made("a:1", text)], spec) as index:
        ((path, rows),) = write(index, tmp_path / "sketches", spec.dedup, KEY)
    first, second = pq.read_table(path).to_pylist()
    assert (rows, first["doc_key"], second["doc_key"]) == (2, "a:1", "b:2")
    assert first["content_id"] == KEY.content_id(text)
    own = Shingler(spec.dedup, KEY.seed(Domain.SHINGLE)).shingles(text, "en")
    assert (first["shingles"], first["least"]) == (len(own), least(own))
    assert first["content_key"] == KEY.fingerprint
