from __future__ import annotations

import json
from pathlib import Path

import pytest

from hearth.profile import names_in
from hearth.recipe import Recipe
from hearth.schemas import SCHEMAS, render
from hearth.yamlfile import load_model

ROOT = Path(__file__).resolve().parents[3]


@pytest.mark.parametrize("name", SCHEMAS)
def test_the_reference_is_current(name: str) -> None:
    text = (ROOT / "docs" / "reference" / name).read_text(encoding="utf-8")
    assert text == render(SCHEMAS[name]), "run `make schemas`"


@pytest.mark.parametrize("name", SCHEMAS)
def test_every_field_of_a_schema_that_forbids_others_is_listed(name: str) -> None:
    schema = json.loads(render(SCHEMAS[name]))
    assert schema["additionalProperties"] is False
    assert schema["properties"]


@pytest.mark.parametrize("name", names_in(ROOT / "recipes"))
def test_every_shipped_recipe_is_one(name: str) -> None:
    assert load_model(ROOT / "recipes" / f"{name}.yaml", Recipe).name == name
