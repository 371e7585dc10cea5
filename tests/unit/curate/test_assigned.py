"""Laws of what corpora hand on to those after them about splits."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from hearth.curate.assigned import Assigned, hand_on, other_key
from hearth.curate.plan import Candidate, Split
from hearth.errors import DataError
from tests.unit.curate.test_plan import candidate

Dealt = dict[int, Split]
KEY, OTHER = "a" * 16, "b" * 16


def documents(dealt: Dealt) -> list[tuple[Candidate, Split]]:
    return [(candidate(number, parallel=f"p{number}"), split) for number, split in dealt.items()]


def handed(folder: Path) -> dict[str, str]:
    """Document → split, as a folder says."""
    return {
        row["doc_key"]: split.value
        for split in Split
        for path in (folder / f"split={split.value}").glob("*.parquet")
        for row in pq.ParquetFile(path).read().to_pylist()
    }


@given(
    st.lists(
        st.dictionaries(st.integers(0, 20), st.sampled_from(Split), max_size=8),
        min_size=1,
        max_size=4,
    )
)
@given_settings(
    max_examples=20, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_what_was_ever_assigned_is_handed_on_as_it_was_last(
    tmp_path_factory: pytest.TempPathFactory, corpora: list[Dealt]
) -> None:
    home, earlier = tmp_path_factory.mktemp("corpora"), None
    known: dict[str, str] = {}
    for number, dealt in enumerate(corpora):
        folder = home / str(number)
        hand_on(folder, documents(dealt), KEY, earlier)
        known |= {candidate(name).doc_key: split.value for name, split in dealt.items()}
        earlier = folder
        assert handed(folder) == known


def test_a_document_a_content_a_work_and_a_translation_are_known_again(tmp_path: Path) -> None:
    hand_on(tmp_path, documents({1: Split.TEST}), KEY)
    earlier = Assigned.read(tmp_path, KEY)
    stranger = candidate(9)
    for field in ("doc_key", "content_id", "work", "parallel"):
        value = getattr(candidate(1, parallel="p1"), field)
        again = stranger._replace(**{field: value})
        assert earlier.of([again], ["g"]) == {"g": Split.TEST}, field
    assert earlier.of([stranger], ["g"]) == {}


def test_contents_under_another_key_are_not_compared_and_the_rest_is(tmp_path: Path) -> None:
    hand_on(tmp_path, documents({1: Split.TEST}), OTHER)
    assert other_key(tmp_path, KEY)
    assert not other_key(tmp_path, OTHER)
    earlier = Assigned.read(tmp_path, KEY)
    assert ("content_id", "id1") not in earlier.splits
    assert earlier.splits["doc_key", "s:0001"] is Split.TEST


def test_a_corpus_without_splits_of_its_own_is_handed_on_too(tmp_path: Path) -> None:
    hand_on(tmp_path / "one", documents({1: Split.TEST, 2: Split.TRAIN}), KEY)
    for path in (tmp_path / "one").rglob("*.parquet"):
        table = pq.ParquetFile(path).read()
        pq.write_table(table.drop_columns(["parallel", "content_key"]), path)
    assert not other_key(tmp_path / "one", KEY)
    hand_on(tmp_path / "two", documents({3: Split.VALIDATION}), KEY, tmp_path / "one")
    assert handed(tmp_path / "two") == {"s:0001": "test", "s:0002": "train", "s:0003": "validation"}
    assert Assigned.read(tmp_path / "two", KEY).splits["work", "w1"] is Split.TEST


def test_what_is_no_corpus_is_refused(tmp_path: Path) -> None:
    hand_on(tmp_path, documents({1: Split.TEST}), KEY)
    path = tmp_path / "split=test" / "part-00000.parquet"
    pq.write_table(pq.ParquetFile(path).read().drop_columns(["doc_key"]), path)
    with pytest.raises(DataError, match="has no doc_key"):
        Assigned.read(tmp_path, KEY)
