from __future__ import annotations

from pathlib import Path

import pytest
from pydantic import Field

from hearth.errors import SpecError
from hearth.model import FrozenModel
from hearth.yamlfile import load_model


class Inner(FrozenModel):
    margin: float = Field(ge=0)


class Outer(FrozenModel):
    name: str
    inner: Inner
    items: tuple[Inner, ...] = ()


def _load(tmp_path: Path, text: str | bytes, variables: dict[str, str] | None = None) -> Outer:
    path = tmp_path / "recipe.yaml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return load_model(path, Outer, variables)


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("name: a\ninner:\n  margin: -1\n", r"recipe\.yaml:3: inner\.margin = -1: .*greater"),
        ("name: a\ninner:\n  margin: wide\n", r"recipe\.yaml:3: inner\.margin = 'wide': .*number"),
        (
            "name: a\ninner:\n  margin: 1\n  colour: red\n",
            r":4: inner\.colour = 'red': unknown key",
        ),
        ("inner:\n  margin: 1\n", r":1: name: Field required"),
        ("name: a\nname: b\ninner: {margin: 1}\n", r":2: key 'name' appears twice"),
        (
            "name: a\ninner: {margin: 1}\nitems:\n- margin: 1\n- margin: x\n",
            r":5: items\.1\.margin",
        ),
        ("name: [a\n", r"is not valid YAML"),
        ("name: x\ninner: {margin: s3://CHANGE-ME}\n", r":2: inner\.margin = .*: fill it in"),
        ("", r"is empty"),
        ("1: a\n", r":1: key 1 is not text"),
        ("name: !!python/object/apply:os.system [x]\ninner: {margin: 1}\n", r"is not valid YAML"),
        (b"name: \xff\n", r"is not UTF-8"),
        ("name: a\x00b\ninner: {margin: 1}\n", r"is not valid YAML"),
        ("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n", r":2: alias \*a: aliases are not allowed"),
        ("[" * 5000, r"nested too deeply|is not valid YAML"),
        (b"name: " + b"a" * (1 << 20), r"over the limit"),
    ],
)
def test_a_wrong_file_is_told_by_line_key_value_and_rule(
    tmp_path: Path, text: str | bytes, rule: str
) -> None:
    with pytest.raises(SpecError, match=rule):
        _load(tmp_path, text)


def test_every_problem_is_told_at_once(tmp_path: Path) -> None:
    with pytest.raises(SpecError) as caught:
        _load(tmp_path, "nam: a\ninner: {margin: -1}\n")
    assert len(str(caught.value).splitlines()) == 3


def test_a_missing_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="cannot be read"):
        load_model(tmp_path / "none.yaml", Outer)


def test_settings_are_filled_in(tmp_path: Path) -> None:
    model = _load(tmp_path, "name: at-${HEARTH_PORT}\ninner: {margin: 1}\n", {"HEARTH_PORT": "80"})
    assert model.name == "at-80"


def test_only_settings_are_filled_in(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"\$\{HOME\} is not a setting"):
        _load(tmp_path, "name: ${HOME}\ninner: {margin: 1}\n", {"HEARTH_PORT": "80"})
