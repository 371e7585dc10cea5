"""The pipeline that the documentation shows runs as it stands."""

from __future__ import annotations

import re
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.curate.keys import ContentKey
from hearth.curate.stages.hash import HashContent
from hearth.errors import SpecError
from tests.documented import ROOT
from tests.stages.curate.conftest import prose

PAGE = (ROOT / "docs" / "curator-stages.md").read_text("utf-8")


def test_the_pipeline_on_the_page_keeps_what_is_good_and_redacts_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [
        {"doc_key": "en:1", "text": prose("en", 1)},
        {"doc_key": "zh:1", "text": "联系电话13912345678，" + prose("zh", 2)},
        {"doc_key": "stub:1", "text": "Too short to say much."},
    ]
    (tmp_path / "documents").mkdir()
    pq.write_table(pa.Table.from_pylist(rows), tmp_path / "documents" / "a.parquet")
    monkeypatch.chdir(tmp_path)
    (snippet,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    exec(compile(snippet, "docs/curator-stages.md", "exec"), {})  # noqa: S102 - what is tested
    kept = {row["doc_key"]: row for row in pq.read_table(tmp_path / "kept").to_pylist()}
    assert {key: row["language"] for key, row in kept.items()} == {"zh:1": "zh"}
    assert "13912345678" not in kept["zh:1"]["text"]


def test_every_stage_of_the_package_is_on_the_page_and_in_its_list() -> None:
    folder = ROOT / "hearth" / "curate" / "stages"
    listed = (folder / "__init__.py").read_text("utf-8")
    for path in folder.glob("*.py"):
        kinds = r"^class (\w+)\((?:MarkingStage|ProcessingStage\[.*|DocumentModifier|UnicodeR.*)\):"
        for name in re.findall(kinds, path.read_text("utf-8"), re.MULTILINE):
            if name not in {"MarkingStage", "TakeChange"}:
                assert f"{path.stem}.{name}`" in PAGE, name
                assert name == "RepairText" or name in listed, name


def test_hashes_need_a_key_that_is_one() -> None:
    with pytest.raises(TypeError, match="key"):
        HashContent()  # type: ignore[call-arg]
    with pytest.raises(SpecError, match=r"key\.secret is empty"):
        HashContent(key=ContentKey(b""))
