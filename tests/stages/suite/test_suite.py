from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import yaml

from hearth.artifact import Artifact, InputRef
from hearth.attempt import Exit
from hearth.documents import Document
from hearth.errors import EXIT_OK
from hearth.suite.manifest import SuiteManifest
from hearth.suite.spec import CONTRACT, SuiteSpec
from tests.golden import check

GOLDEN = Path(__file__).with_name("golden.json")

Mirror = Callable[[list[Document]], InputRef]
Program = Callable[[InputRef, SuiteSpec], tuple[Artifact, Exit]]


def texts(artifact: Artifact) -> dict[str, bytes]:
    record = artifact.record()
    assert record is not None
    return {output.name: artifact.folder.get(output.path) for output in record.outputs}


def rows(artifact: Artifact, tmp_path: Path) -> list[dict[str, str]]:
    local = tmp_path / "items.parquet"
    local.write_bytes(texts(artifact)["items.parquet"])
    found: list[dict[str, str]] = pq.read_table(local).to_pylist()
    return found


def test_the_program_freezes_the_golden_suite(
    library: list[Document], spec: SuiteSpec, mirror: Mirror, program: Program, tmp_path: Path
) -> None:
    artifact, end = program(mirror(library), spec)
    assert end.code == EXIT_OK, end.message
    outputs = texts(artifact)
    digests = {
        name: hashlib.sha256(content).hexdigest()
        for name, content in outputs.items()
        if not name.endswith(".parquet")
    }
    # Parquet's bytes name the library that wrote them: its rows are what counts.
    listed = json.dumps(rows(artifact, tmp_path), ensure_ascii=False, sort_keys=True)
    digests["items.parquet rows"] = hashlib.sha256(listed.encode()).hexdigest()
    check(GOLDEN, CONTRACT, digests)


def test_every_item_is_in_its_data_file_and_in_the_table(
    library: list[Document], spec: SuiteSpec, mirror: Mirror, program: Program, tmp_path: Path
) -> None:
    artifact, _ = program(mirror(library), spec)
    outputs = texts(artifact)
    manifest = SuiteManifest.model_validate_json(outputs["suite.json"])
    asked = {
        (task.task, json.loads(line)["item"])
        for task in manifest.tasks
        for line in outputs[f"data/{task.task}.jsonl"].decode().splitlines()
    }
    assert asked == {(row["task"], row["item"]) for row in rows(artifact, tmp_path)}
    for task in manifest.tasks:
        config = yaml.safe_load(outputs[f"tasks/{task.task}.yaml"])
        assert config["task"] == task.task
        assert config["dataset_kwargs"]["data_files"]["test"] in outputs
    assert [(w.work, w.language, w.licence) for w in manifest.works] == [
        ("almanac", "en", "CC0-1.0"),
        ("almanac", "zh", "CC0-1.0"),
    ]


def test_works_that_are_not_reserved_have_no_part_in_it(
    library: list[Document], spec: SuiteSpec, mirror: Mirror, program: Program, tmp_path: Path
) -> None:
    artifact, _ = program(mirror(library), spec)
    groups = {row["group"] for row in rows(artifact, tmp_path)}
    assert all(group.startswith("almanac/") for group in groups)
