"""Laws of what corpora hand on to those after them about splits."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as given_settings
from hypothesis import strategies as st

from hearth.curate.assigned import Assigned, other_key
from hearth.curate.plan import SPLITS, Split
from hearth.curate.spec import CurateSpec
from hearth.errors import DataError
from tests.unit.curate.made import Made, hand_on, indexed
from tests.unit.curate.test_plan import document

Dealt = dict[int, Split]
KEY, OTHER = "a" * 16, "b" * 16


def documents(dealt: Dealt) -> list[tuple[Made, Split]]:
    return [(document(number, parallel=f"p{number}"), split) for number, split in dealt.items()]


def known_again(folder: Path, made: Made, key: str = KEY) -> Split | None:
    """The split that a folder says a document is in; None if it is not known again."""
    with indexed([made], CurateSpec()) as index:
        index.group[:] = 0
        (code,) = Assigned.read(folder, key, index.folder).of(index, index.live, 1)
        return None if code < 0 else SPLITS[code]


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
@given_settings(max_examples=8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_ever_assigned_is_handed_on_as_it_was_last(
    tmp_path_factory: pytest.TempPathFactory, corpora: list[Dealt]
) -> None:
    home, earlier = tmp_path_factory.mktemp("corpora"), None
    known: dict[str, str] = {}
    for number, dealt in enumerate(corpora):
        folder = home / str(number)
        hand_on(folder, documents(dealt), KEY, earlier)
        known |= {document(name).doc_key: split.value for name, split in dealt.items()}
        earlier = folder
        assert handed(folder) == known


def test_a_document_a_content_a_work_and_a_translation_are_known_again(tmp_path: Path) -> None:
    hand_on(tmp_path, documents({1: Split.TEST}), KEY)
    stranger = document(9)
    for field in ("doc_key", "content_id", "work", "parallel"):
        value = getattr(document(1, parallel="p1"), field)
        again = replace(stranger, **{field: value})
        assert known_again(tmp_path, again) is Split.TEST, field
    assert known_again(tmp_path, stranger) is None


def test_contents_under_another_key_are_not_compared_and_the_rest_is(tmp_path: Path) -> None:
    hand_on(tmp_path, documents({1: Split.TEST}), OTHER)
    assert other_key(tmp_path, KEY)
    assert not other_key(tmp_path, OTHER)
    assert known_again(tmp_path, replace(document(9), content_id="id1")) is None
    assert known_again(tmp_path, replace(document(9), content_id="id1"), OTHER) is Split.TEST
    assert known_again(tmp_path, replace(document(9), doc_key="s:0001")) is Split.TEST


def test_a_corpus_without_splits_of_its_own_is_handed_on_too(tmp_path: Path) -> None:
    hand_on(tmp_path / "one", documents({1: Split.TEST, 2: Split.TRAIN}), KEY)
    for path in (tmp_path / "one").rglob("*.parquet"):
        table = pq.ParquetFile(path).read()
        pq.write_table(table.drop_columns(["parallel", "content_key"]), path)
    assert not other_key(tmp_path / "one", KEY)
    hand_on(tmp_path / "two", documents({3: Split.VALIDATION}), KEY, tmp_path / "one")
    assert handed(tmp_path / "two") == {"s:0001": "test", "s:0002": "train", "s:0003": "validation"}
    again = replace(document(9), work="w1")
    assert known_again(tmp_path / "two", again) is Split.TEST


def test_what_is_no_corpus_is_refused(tmp_path: Path) -> None:
    hand_on(tmp_path, documents({1: Split.TEST}), KEY)
    path = tmp_path / "split=test" / "part-00000.parquet"
    pq.write_table(pq.ParquetFile(path).read().drop_columns(["doc_key"]), path)
    with pytest.raises(DataError, match="has no doc_key"):
        Assigned.read(tmp_path, KEY, tmp_path)


def test_a_corpus_older_than_splits_is_read_and_a_damaged_one_is_refused(tmp_path: Path) -> None:
    for number, split in enumerate(Split):
        rows = {name: [f"{name}{number}"] for name in ("doc_key", "content_id", "work", "text")}
        (tmp_path / f"split={split.value}").mkdir()
        pq.write_table(pa.table(rows), tmp_path / f"split={split.value}" / "part-00000.parquet")
    assert known_again(tmp_path, replace(document(7), content_id="content_id2")) is Split.TEST
    assert known_again(tmp_path, document(8, work="work1")) is Split.VALIDATION
    (tmp_path / "split=test" / "part-00000.parquet").write_bytes(b"no Parquet")
    with pytest.raises(DataError, match="is damaged"):
        Assigned.read(tmp_path, KEY, tmp_path)
    with pytest.raises(DataError, match="has no split"):
        Assigned.read(tmp_path / "nowhere", KEY, tmp_path)
