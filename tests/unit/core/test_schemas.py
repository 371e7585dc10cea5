from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml
from jsonschema import Draft202012Validator

from hearth.profile import names_in
from hearth.recipe import Recipe
from hearth.schemas import SCHEMAS, render
from hearth.yamlfile import BLANK, load_model

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


@pytest.mark.parametrize(
    "path",
    [*(ROOT / "recipes").glob("*.yaml"), *(ROOT / "profiles").glob("*.yaml")],
    ids=lambda path: path.name,
)
def test_an_editor_finds_the_schema_of_a_shipped_file_and_nothing_wrong_in_it(path: Path) -> None:
    text = path.read_text("utf-8")
    named = re.match(r"# yaml-language-server: \$schema=(\S+)\n", text)
    assert named
    # A blank for twelve digits is the one thing that an editor marks, until it is filled in.
    text = text.replace(f'account: "{BLANK}"', f'account: "{"1" * 12}"')
    schema = json.loads((path.parent / named[1]).read_text("utf-8"))
    validator = Draft202012Validator(schema)
    assert [error.message for error in validator.iter_errors(yaml.safe_load(text))] == []
    assert list(validator.iter_errors({**yaml.safe_load(text), "unknown": 1}))


@pytest.mark.parametrize("name", names_in(ROOT / "recipes"))
def test_every_shipped_recipe_is_one(name: str) -> None:
    assert load_model(ROOT / "recipes" / f"{name}.yaml", Recipe).name == name
