"""The laws of lists of keywords between a recipe and a build."""

from __future__ import annotations

from pathlib import Path

import pytest

from hearth.errors import DataError
from hearth.model import Stage
from hearth.pipeline import stage_plans
from hearth.preview import preview
from tests.unit.resolution.conftest import RECIPE, REQUEST, Machine

LISTS = "curate: {keywords: {lists: [words/house.txt]}}\n"
ENTRY = "禁词甲"


@pytest.fixture
def words(machine: Machine) -> Path:
    machine.recipe.write_text(RECIPE + LISTS)
    path = machine.recipe.parents[1] / "words" / "house.txt"
    path.parent.mkdir()
    path.write_text(f"# version: 1\n[own]\n{ENTRY}\n")
    return path


def test_a_build_pins_lists_and_keeps_their_bytes_in_the_store(
    machine: Machine, words: Path
) -> None:
    plan = preview(REQUEST)
    assert not list(machine.root.list("lists")), "a plan writes nothing"
    record = machine.build()
    [pin] = record.lock.lists
    assert machine.root.get(pin.path) == words.read_bytes()
    curate = stage_plans(record)[Stage.CURATE]
    assert curate.spec["lists"] == [pin.model_dump(mode="json")]
    assert curate.fingerprint == plan.stages[2].fingerprint
    assert ENTRY not in record.model_dump_json()


def test_a_build_follows_its_lists_bytes_and_nothing_else_of_them(
    machine: Machine, words: Path
) -> None:
    before = stage_plans(machine.build())
    words.touch()
    assert stage_plans(machine.build(day=2)) == before
    words.write_text(words.read_text() + "乙丙丁\n")
    after = stage_plans(machine.build(day=3))
    assert after[Stage.CURATE].fingerprint != before[Stage.CURATE].fingerprint
    assert after[Stage.SUITE].fingerprint == before[Stage.SUITE].fingerprint


def test_a_list_that_is_gone_or_wrong_makes_no_build(machine: Machine, words: Path) -> None:
    words.write_text(f"[own]\n{ENTRY}\n")
    with pytest.raises(DataError, match="says no version") as caught:
        machine.build()
    assert ENTRY not in str(caught.value)
    words.unlink()
    with pytest.raises(DataError, match="cannot be read"):
        preview(REQUEST)


def test_tokens_are_counted_as_training_makes_them(machine: Machine) -> None:
    machine.recipe.write_text(
        RECIPE.replace("steps: 100", "steps: 100, tokenizer: {vocabulary: 777}")
    )
    assert stage_plans(machine.build())[Stage.CURATE].spec["tokens"]["vocabulary"] == 777
    machine.recipe.write_text(RECIPE + "curate: {tokens: {vocabulary: 999}}\n")
    assert stage_plans(machine.build(day=2))[Stage.CURATE].spec["tokens"]["vocabulary"] == 999
