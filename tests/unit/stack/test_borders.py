"""What import-linter cannot see: the folders that Airflow reads, which are no packages."""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[3]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name.split(".")[0] for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module.split(".")[0]


@pytest.mark.parametrize(
    ("folder", "allowed"),
    [
        ("dags", {"airflow", "operators", "hearth"}),
        ("plugins", {"airflow", "fastapi", "starlette", "hearth", "operators"}),
    ],
)
def test_imports_go_one_way(folder: str, allowed: set[str]) -> None:
    files = sorted((ROOT / folder).rglob("*.py"))
    assert files
    for path in files:
        own = {other.stem for other in files} | {part.name for part in path.parents}
        strangers = set(imported(path)) - allowed - own - sys.stdlib_module_names
        assert not strangers, f"{path}: {strangers}"
