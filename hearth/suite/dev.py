"""Choose the dev part: items that share nothing with the gate's, of other works."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Final

from hearth.documents import Document
from hearth.suite.passages import Passage
from hearth.suite.plan import Task, passages, plan
from hearth.suite.spec import Language, SuiteSpec

PREFIX: Final = "dev_"
"""Of the names of its tasks."""

Passages = dict[Language, list[Passage]]


def dev_plan(
    documents: Iterable[Document], gate: Sequence[Task], spec: SuiteSpec
) -> tuple[Passages, tuple[Task, ...]]:
    """Choose the dev part's items as the gate's were chosen, from what the gate does not show.

    Args:
        documents: of the works that are reserved for it.
        gate: the gate's tasks.
        spec: what is wanted.

    Returns:
        The passages that items could be made of, and the tasks; nothing, if no part is wanted.

    Raises:
        DataError: there are not enough passages.
    """
    if spec.dev is None:
        return {}, ()
    wanted = spec.model_copy(update={"reserved": spec.dev.reserved, "items": spec.dev.items})
    groups = {item.group for task in gate for item in task.items}
    shown = {language: _Shown(gate, language, spec) for language in spec.lengths}
    found = {
        language: [
            passage
            for passage in ranked
            if passage.group not in groups and not shown[language].has_of(passage.text)
        ]
        for language, ranked in passages(documents, wanted).items()
    }
    return found, tuple(
        replace(task, info=task.info.model_copy(update={"task": f"{PREFIX}{task.info.task}"}))
        for task in plan(found, wanted, "suite.dev")
    )


class _Shown:
    """The gate's texts in blocks: two texts that share twice a block's length share a block."""

    def __init__(self, gate: Sequence[Task], language: Language, spec: SuiteSpec) -> None:
        self._size = size = spec.lengths[language].continuation
        texts = [item.text for task in gate for item in task.items if item.language is language]
        self._blocks = {
            text[at : at + size] for text in texts for at in range(0, len(text) - size + 1, size)
        }

    def has_of(self, text: str) -> bool:
        size = self._size
        return any(text[at : at + size] in self._blocks for at in range(len(text) - size + 1))
