"""The dev part shares nothing with what the gate asks, and changes nothing of it."""

from __future__ import annotations

from dataclasses import replace

import pytest
from pydantic import ValidationError

from hearth.documents import Document
from hearth.errors import DataError
from hearth.suite.dev import PREFIX, dev_plan
from hearth.suite.plan import Task, passages, plan
from hearth.suite.spec import DevSection, Language, SuiteSpec


@pytest.fixture
def both(spec: SuiteSpec) -> SuiteSpec:
    return spec.model_copy(update={"dev": DevSection(reserved=("tales",), items=8)})


def of(library: list[Document], works: tuple[str, ...]) -> list[Document]:
    return [document for document in library if document.work in works]


def gate_of(library: list[Document], spec: SuiteSpec) -> tuple[Task, ...]:
    return plan(passages(of(library, spec.reserved), spec), spec)


def test_it_has_the_gates_kinds_of_task_from_works_of_its_own(
    library: list[Document], both: SuiteSpec
) -> None:
    gate = gate_of(library, both)
    _, dev = dev_plan(of(library, ("tales",)), gate, both)
    assert [task.info.task for task in dev] == [f"{PREFIX}{task.info.task}" for task in gate]
    assert {len(task.items) for task in dev} == {8}
    assert {item.group.split("/")[0] for task in dev for item in task.items} == {"tales"}


def test_a_suite_without_one_has_none(library: list[Document], spec: SuiteSpec) -> None:
    assert dev_plan(library, gate_of(library, spec), spec) == ({}, ())


def test_what_the_gate_shows_is_in_no_item_of_it(library: list[Document], both: SuiteSpec) -> None:
    gate = gate_of(library, both)
    # A work that quotes the gate's items, first one of them, then words of its own.
    shown = {task.info.language: task.items[0].text for task in gate if task.info.baselines is None}
    quoting = [
        replace(document, text=f"{shown[document.language]} {document.text}")
        for document in of(library, ("tales",))
        if document.language in shown
    ]
    _, dev = dev_plan(quoting, gate, both)
    for language, text in shown.items():
        block = text[: both.lengths[Language(language)].continuation]
        assert any(block in document.text for document in quoting)
        assert not any(block in item.text for task in dev for item in task.items)
    keys = {item.key for task in gate for item in task.items}
    assert keys.isdisjoint(item.key for task in dev for item in task.items)


def test_a_translation_of_what_the_gate_asks_is_not_asked(
    library: list[Document], both: SuiteSpec
) -> None:
    gate = gate_of(library, both)
    group = gate[0].items[0].group
    parallel = [replace(d, parallel=group) for d in of(library, ("tales",))]
    with pytest.raises(DataError, match=r"dev_|suite\.dev\.items"):
        dev_plan(parallel, gate, both)


def test_works_of_the_gate_are_refused(spec: SuiteSpec) -> None:
    with pytest.raises(ValidationError, match=r"dev\.reserved: letters are the gate's"):
        SuiteSpec.model_validate({**spec.model_dump(), "dev": {"reserved": ["tales", "letters"]}})


def test_its_works_are_held_out_too(both: SuiteSpec, spec: SuiteSpec) -> None:
    assert both.held_out == ("almanac", "letters", "tales")
    assert spec.held_out == spec.reserved
