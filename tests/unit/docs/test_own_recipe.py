"""The recipe that the documentation has people write is one."""

from __future__ import annotations

import re
from pathlib import Path

from hearth.recipe import Recipe
from hearth.yamlfile import load_model
from tests.documented import ROOT


def test_the_recipe_on_the_page_is_a_recipe(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "own-recipe.md").read_text("utf-8")
    (text,) = re.findall(r"```yaml\n(.*?)```", page, re.DOTALL)
    path = tmp_path / "house.yaml"
    path.write_text(text, encoding="utf-8")
    assert load_model(path, Recipe).name == path.stem


def test_the_works_that_its_suite_reserves_are_those_that_the_page_lays_out() -> None:
    page = (ROOT / "docs" / "own-recipe.md").read_text("utf-8")
    (reserved,) = re.findall(r"^  reserved: \[(.*)\]$", page, re.MULTILINE)
    laid = re.findall(r"^  ([\w-]+)/\d+\.md$", page, re.MULTILINE)
    assert {name.rpartition("/")[2] for name in reserved.split(", ")} <= set(laid)
