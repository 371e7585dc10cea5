"""Laws of the stage that cuts text of evaluation sets."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from nemo_curator.pipeline import Pipeline
from nemo_curator.tasks import DocumentBatch

from hearth.curate.contamination import SuiteItem
from hearth.curate.executor import InProcessExecutor
from hearth.curate.pii.kinds import PiiAction, PiiKind
from hearth.curate.pii.section import PiiRule, PiiSection
from hearth.curate.prepare import stages
from hearth.curate.refine import suite_items
from hearth.curate.spec import Domain
from hearth.curate.stages.decontaminate import CutContamination
from tests.stages.curate.conftest import KEY, document, prose, spec_of

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


ASKED = (
    "Who wrote to lamp.keeper@mail.example.cn about the ＡＢＣ of the old stone bridge in winter?"
)


def test_an_item_is_found_in_documents_of_every_source_however_it_is_treated(
    tmp_path: Path,
) -> None:
    rules = (
        PiiRule(kinds=(PiiKind.EMAIL,), sources=("open",), action=PiiAction.KEEP),
        PiiRule(kinds=(PiiKind.EMAIL,), jurisdictions=("EU",), action=PiiAction.MASK),
        PiiRule(kinds=(PiiKind.EMAIL,), sources=("strict",), action=PiiAction.DROP),
    )
    spec = spec_of(
        pii=PiiSection(rules=rules, jurisdictions={"abroad": "EU", "also": "EU"}),
        domains={"programs": Domain.CODE},
    )
    row = {"task": "t", "item": "1", "group": "g", "language": "en", "text": ASKED}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "items.parquet")
    items = suite_items(tmp_path / "items.parquet", (), spec)
    assert [len(item.readings) for item in items] == [4]
    sources = ("plain", "open", "abroad", "also", "programs")
    texts = [document(f"{name}:1", f"{prose('en', name, 30)}\n{ASKED}") for name in sources]
    frame = pd.DataFrame([asdict(one) for one in texts])
    chain = [
        *stages(spec, KEY),
        CutContamination(items=items, section=spec.decontaminate, text="redacted"),
    ]
    task = DocumentBatch(dataset_name="own", data=frame)
    (made,) = Pipeline(name="own", stages=chain).run(InProcessExecutor(), initial_tasks=[task])
    found = made.to_pandas()
    assert found["items"].tolist() == [(0,)] * len(sources)
    assert not found["redacted"].str.contains("old stone bridge").any()
