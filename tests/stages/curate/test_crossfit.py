"""Laws of perplexity in the program's own path: no text is scored by a model that saw it."""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from nemo_curator.tasks import DocumentBatch

from hearth.curate import run
from hearth.curate.index import Index
from hearth.curate.passes import Pass
from hearth.curate.perplexity import NgramModel
from hearth.curate.plan import SPLITS, Split
from hearth.curate.refine import Trimmed, texts_of, trim
from hearth.curate.spec import CurateSpec
from hearth.curate.stages.perplexity import ScorePerplexity
from tests.stages.curate.conftest import NOUNS, Curate, document, library, prose


def strange(number: int) -> str:
    """Prose whose nouns are nobody else's."""
    draw, text = random.Random(number), prose("en", f"planted{number}")  # noqa: S311 - made up
    for noun in NOUNS["en"].split():
        text = text.replace(noun, "".join(draw.choices("abcdefghiklmnoprstuvw", k=9)))
    return text


PLANTED = {f"planted:{number}": strange(number) for number in range(4)}


def test_planted_documents_have_the_scores_of_models_that_did_not_see_them(
    curated: Curate, monkeypatch: pytest.MonkeyPatch
) -> None:
    blind: dict[str, float | None] = {}
    seeing: dict[str, float | None] = {}

    def watched(index: Index, judged: Sequence[Path], spec: CurateSpec, passes: Pass) -> Trimmed:
        train = index.live & (index.split == SPLITS.index(Split.TRAIN))
        train &= index.language == index.languages.index("en")
        texts = {at: (text, int(index.fold[at])) for at, text in texts_of(judged, train)}
        for place in np.flatnonzero(train).tolist():
            if index.key(place) in PLANTED:
                text, fold = texts[place]
                others = [one for one in texts.values() if one[1] != fold]
                assert 0 < len(others) < len(texts)
                known = (NgramModel.fit(some, spec.perplexity) for some in (others, texts.values()))
                blind[index.key(place)], seeing[index.key(place)] = (
                    m.perplexity(text) for m in known
                )
        return trim(index, judged, spec, passes)

    monkeypatch.setattr(run, "trim", watched)
    planted = [document(key, text, language="en") for key, text in PLANTED.items()]
    made = curated([*library(), *planted])
    found = {key: made.step("perplexity")[key]["score"] for key in blind}
    assert len(found) > 1, "most of them are in train"
    assert found == pytest.approx(blind, rel=1e-5)
    assert all(found[key] > 1.2 * (seeing[key] or 0) for key in found), "it makes a difference"


def test_rows_without_a_fold_are_refused_unless_the_models_saw_none_of_them() -> None:
    batch = DocumentBatch(dataset_name="x", data=pd.DataFrame({"text": ["a"], "language": ["en"]}))
    assert not ScorePerplexity().validate_input(batch)
    assert ScorePerplexity(fold=None).validate_input(batch)
