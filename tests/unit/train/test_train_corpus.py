from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.curate.mixture import MixtureSection, Part, mixture
from hearth.errors import DataError
from hearth.train import corpus
from hearth.train.sections import ReplaySection

ROWS = [
    {"source": "a", "language": "en", "domain": "prose", "text": "one", "licence": "MIT"},
    {"source": "a", "language": "en", "domain": "code", "text": "two", "licence": "MIT"},
    {"source": "b", "language": "zh", "domain": "prose", "text": "三", "licence": "MIT"},
    {"source": "old", "language": "en", "domain": "prose", "text": "four", "licence": "MIT"},
]
REPLAY = ReplaySection(sources=("old",), share=0.25)
TOKENS = {Part("en", "prose"): 800, Part("zh", "prose"): 200}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for split in ("train", "validation"):
        (tmp_path / f"split={split}").mkdir()
        pq.write_table(pa.Table.from_pylist(ROWS), tmp_path / f"split={split}" / "0.parquet")
    return tmp_path


def test_without_a_mixture_all_documents_are_one_group(folder: Path) -> None:
    assert corpus.groups(folder, None, None) == {corpus.ALL: 1.0}
    assert len(list(corpus.texts(folder, "train"))) == 4


def test_replay_takes_its_share_of_whatever_the_mixture_is(folder: Path) -> None:
    assert corpus.groups(folder, None, REPLAY) == {corpus.ALL: 0.75, corpus.REPLAY: 0.25}
    mixed = corpus.groups(folder, {"en": 2.0, "zh/prose": 1.0}, REPLAY)
    assert mixed == pytest.approx({"en": 0.5, "zh/prose": 0.25, corpus.REPLAY: 0.25})


def test_a_document_is_drawn_with_the_narrowest_group_that_is_named() -> None:
    named = {"en": 1.0, "en/code": 1.0}
    found = [corpus.group_of(row, named, REPLAY) for row in ROWS]
    assert found == ["en", "en/code", None, corpus.REPLAY]


def test_a_group_without_documents_is_named(folder: Path) -> None:
    with pytest.raises(DataError, match="no document of 'fr' \\(it has en\\)"):
        corpus.groups(folder, {"en": 1.0, "fr": 1.0}, None)


def stated(path: Path, said: Any) -> dict[str, float] | None:
    path.write_text(json.dumps(said), encoding="utf-8")
    return corpus.stated_mixture(path)


def test_a_corpus_that_wants_all_as_often_is_one_group(tmp_path: Path) -> None:
    assert stated(tmp_path / "m", mixture(TOKENS, MixtureSection())) is None


def test_what_curation_weighs_training_draws(tmp_path: Path) -> None:
    wanted = MixtureSection.model_validate({"targets": [{"language": "zh", "share": 0.5}]})
    found = stated(tmp_path / "m", mixture(TOKENS, wanted))
    assert found == pytest.approx({"en/prose": 0.5, "zh/prose": 0.5})


def test_what_is_no_mixture_is_named(tmp_path: Path) -> None:
    for said in ([], {"parts": [{}]}, {}):
        with pytest.raises(DataError, match="is not a corpus's mixture"):
            stated(tmp_path / "m", said)
