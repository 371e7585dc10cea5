"""Laws of the stage that cuts text of evaluation sets."""

from __future__ import annotations

import pandas as pd
from nemo_curator.pipeline import Pipeline
from nemo_curator.tasks import DocumentBatch

from hearth.curate.contamination import SuiteItem
from hearth.curate.executor import InProcessExecutor
from hearth.curate.stages.decontaminate import CutContamination
from tests.stages.curate.conftest import prose

ONE, TWO = (
    "The first of all wizards keeps a lamp in the garden and answers nobody before the morning",
    "A second stone was carried over the bridge while the whole village measured the winter",
)


def test_each_span_that_is_cut_is_labelled_with_the_tasks_that_it_is_of() -> None:
    items = (
        SuiteItem("riddles", "1", "en", ONE),
        SuiteItem("stories", "1", "en", TWO),
        SuiteItem("verses", "1", "en", f"{TWO} and more"),
    )
    own = prose("en", "own", 60)
    text = f"{ONE}\n{own}\n{TWO}"
    task = DocumentBatch(dataset_name="own", data=pd.DataFrame({"text": [text]}))
    stage = CutContamination(items=items)
    (made,) = Pipeline(name="own", stages=[stage]).run(InProcessExecutor(), initial_tasks=[task])
    row = made.to_pandas().iloc[0]
    assert row["text"] == own
    assert [(name, text[start:end].strip()) for name, start, end in row["cut"]] == [
        ("riddles", ONE),
        ("stories", TWO),
        ("verses", TWO),
    ]
    assert row["items"] == (0, 1, 2)
