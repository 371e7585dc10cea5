from __future__ import annotations

from collections import Counter
from dataclasses import replace

import numpy as np
import pytest

from hearth.documents import Document
from hearth.errors import DataError
from hearth.suite.manifest import TaskKind
from hearth.suite.plan import Task, passages, plan
from hearth.suite.spec import Language, SuiteSpec


def planned(documents: list[Document], spec: SuiteSpec) -> tuple[Task, ...]:
    return plan(passages(documents, spec), spec)


def cloze(tasks: tuple[Task, ...]) -> list[Task]:
    return [task for task in tasks if task.info.kind is TaskKind.CLOZE]


def test_every_language_has_both_kinds_of_task_with_the_items_asked_for(
    library: list[Document], spec: SuiteSpec
) -> None:
    tasks = planned(library, spec)
    assert [task.info.task for task in tasks] == [
        "bits_per_byte_en",
        "cloze_en",
        "bits_per_byte_zh",
        "cloze_zh",
    ]
    assert {len(task.items) for task in tasks} == {spec.items}


def test_the_order_of_documents_changes_nothing(library: list[Document], spec: SuiteSpec) -> None:
    shuffled = [library[place] for place in np.random.default_rng(7).permutation(len(library))]
    assert planned(shuffled, spec) == planned(library, spec)


def test_the_seed_changes_the_items(library: list[Document], spec: SuiteSpec) -> None:
    other = spec.model_copy(update={"seed": spec.seed + 1})
    assert planned(library, other) != planned(library, spec)


def test_no_item_comes_twice_and_no_passage_serves_two_tasks(
    library: list[Document], spec: SuiteSpec
) -> None:
    tasks = planned(library, spec)
    keys = [item.key for task in tasks for item in task.items]
    assert len(keys) == len(set(keys))
    texts = {item.text for task in tasks if not cloze((task,)) for item in task.items}
    for task in cloze(tasks):
        for item in task.items:
            assert not any(text.startswith(item.context) for text in texts)


def test_the_position_of_the_answer_is_balanced(library: list[Document], spec: SuiteSpec) -> None:
    for task in cloze(planned(library, spec)):
        positions = Counter(item.answer for item in task.items)
        assert max(positions.values()) - min(positions[p] for p in range(spec.choices)) <= 1


def test_distractors_come_from_the_same_work_and_are_of_like_length(
    library: list[Document], spec: SuiteSpec
) -> None:
    tasks = planned(library, spec)
    for task in cloze(tasks):
        for item in task.items:
            assert len(set(item.choices)) == spec.choices
            sizes = [len(choice.encode()) for choice in item.choices]
            assert max(sizes) - min(sizes) <= 10
            work = item.group.split("/")[0]
            texts = [d.text for d in library if d.work == work and d.language == item.language]
            assert all(any(choice.strip() in text for text in texts) for choice in item.choices)


def test_baselines_say_what_can_be_had_without_reading(
    library: list[Document], spec: SuiteSpec
) -> None:
    for task in cloze(planned(library, spec)):
        baselines = task.info.baselines
        assert baselines is not None
        assert baselines.chance == 0.25
        assert baselines.position == pytest.approx(0.25, abs=0.02)
        assert 0 <= baselines.shortest <= 0.6
        assert 0 <= baselines.longest <= 0.6


def test_translations_of_each_other_are_one_group(library: list[Document], spec: SuiteSpec) -> None:
    groups = {item.group for task in planned(library, spec) for item in task.items}
    assert groups <= {document.parallel for document in library}


def test_too_few_passages_are_an_error_that_names_works_and_counts(
    library: list[Document], spec: SuiteSpec
) -> None:
    greedy = spec.model_copy(update={"items": 5000})
    with pytest.raises(DataError, match=r"small version 1: each task wants 5000 .*letters zh \d+"):
        planned(library, greedy)


def test_a_text_that_comes_twice_gives_its_passages_once(
    library: list[Document], spec: SuiteSpec
) -> None:
    again = [replace(document, doc_key=f"{document.doc_key}/2") for document in library]
    once, twice = passages(library, spec), passages([*library, *again], spec)
    for language in Language:
        assert {p.text for p in once[language]} == {p.text for p in twice[language]}
        assert len(once[language]) == len(twice[language])
