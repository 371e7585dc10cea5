"""Choose a suite's items: pure, and the same for the same documents and spec in any order."""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from hearth.artifact import canonical_json
from hearth.documents import Document
from hearth.errors import DataError
from hearth.suite.manifest import Baselines, TaskInfo, TaskKind
from hearth.suite.passages import Passage, cut
from hearth.suite.power import smallest_detectable
from hearth.suite.spec import Language, SuiteSpec

_TIE: Final = 1e-9


@dataclass(frozen=True)
class Item:
    """One item. A bits-per-byte item is one text; a cloze item offers choices after a context."""

    kind: TaskKind
    language: Language
    group: str
    context: str
    choices: tuple[str, ...] = ()
    answer: int = 0

    @property
    def key(self) -> str:
        """SHA-256 of what is asked: equal items have equal keys in every suite."""
        asked = [self.kind, self.language, self.context, list(self.choices), self.answer]
        return hashlib.sha256(canonical_json(asked)).hexdigest()

    @property
    def text(self) -> str:
        """What no model may have been trained on: the passage, then the wrong answers."""
        if not self.choices:
            return self.context
        wrong = [choice for index, choice in enumerate(self.choices) if index != self.answer]
        return "\n".join([self.context + self.choices[self.answer], *wrong])

    def row(self) -> dict[str, object]:
        """The item as lm-eval reads it."""
        if not self.choices:
            return {"item": self.key, "group": self.group, "text": self.context}
        return {
            "item": self.key,
            "group": self.group,
            "context": self.context,
            "choices": list(self.choices),
            "answer": self.answer,
        }


@dataclass(frozen=True)
class Task:
    """A task and its items, in the order of the data file."""

    info: TaskInfo
    items: tuple[Item, ...]


def plan(
    by_language: Mapping[Language, Sequence[Passage]], spec: SuiteSpec, section: str = "suite"
) -> tuple[Task, ...]:
    """Choose the items of all tasks.

    The first passages are measured in bits per byte; cloze items come from the others, so that no
    passage counts twice.

    Args:
        by_language: what `passages` found.
        spec: what is wanted.
        section: of the recipe, that says so.

    Raises:
        DataError: the reserved works do not hold enough passages.
    """
    tasks = []
    for language in sorted(spec.lengths):
        ranked = by_language[language]
        tasks.append(_bits_per_byte(language, ranked[: spec.items]))
        tasks.append(_cloze(language, ranked, spec))
    short = [task for task in tasks if len(task.items) < spec.items]
    if short:
        raise DataError(_shortage(short, by_language, spec, section))
    return tuple(tasks)


def passages(documents: Iterable[Document], spec: SuiteSpec) -> dict[Language, list[Passage]]:
    """All distinct passages of each language, ranked by a hash of the seed and their place."""
    found: dict[Language, list[Passage]] = {language: [] for language in spec.lengths}
    for document in documents:
        for passage in cut(document, spec.lengths):
            found[passage.language].append(passage)
    salt = f"{spec.name}:{spec.seed}"
    for language, anywhere in found.items():
        distinct: dict[str, Passage] = {}
        for passage in sorted(anywhere, key=lambda passage: passage.rank(salt)):
            distinct.setdefault(passage.text, passage)
        found[language] = list(distinct.values())
    return found


def _bits_per_byte(language: Language, chosen: Sequence[Passage]) -> Task:
    items = tuple(
        Item(TaskKind.BITS_PER_BYTE, language, passage.group, passage.text) for passage in chosen
    )
    return Task(_info(TaskKind.BITS_PER_BYTE, language, items, None), items)


def _cloze(language: Language, ranked: Sequence[Passage], spec: SuiteSpec) -> Task:
    pools: dict[str, list[tuple[str, int]]] = defaultdict(list)
    for passage in ranked:
        if passage.cloze is not None:
            continuation = passage.cloze[1]
            pools[passage.document.work].append((continuation, len(continuation.encode())))
    items: list[Item] = []
    contexts: set[str] = set()
    for passage in ranked[spec.items :]:
        if len(items) == spec.items:
            break
        if passage.cloze is None or passage.cloze[0] in contexts:
            continue
        context, answer = passage.cloze
        wrong = _distractors(answer, pools[passage.document.work], passage, spec)
        if len(wrong) < spec.choices - 1:
            continue
        # The rank is random, so that taking positions in turn is balanced and cannot be guessed.
        position = len(items) % spec.choices
        choices = (*wrong[:position], answer, *wrong[position:])
        contexts.add(context)
        items.append(Item(TaskKind.CLOZE, language, passage.group, context, choices, position))
    done = tuple(items)
    return Task(_info(TaskKind.CLOZE, language, done, _baselines(done)), done)


def _distractors(
    answer: str, pool: Sequence[tuple[str, int]], passage: Passage, spec: SuiteSpec
) -> list[str]:
    """Continuations of other passages of the same work, nearest in length, else at random."""
    length = len(answer.encode())
    salt = passage.rank(f"{spec.seed}:distractors")
    nearest = sorted(
        (
            (abs(size - length), hashlib.sha256(salt + text.encode()).digest(), text)
            for text, size in pool
            if text.strip() != answer.strip() and text not in passage.text
        ),
    )
    chosen = list(dict.fromkeys(text for _, _, text in nearest[: 4 * spec.choices]))
    return chosen[: spec.choices - 1]


def _baselines(items: Sequence[Item]) -> Baselines | None:
    if not items:
        return None
    choices = len(items[0].choices)
    positions = [sum(item.answer == position for item in items) for position in range(choices)]
    sizes = [[len(choice.encode()) for choice in item.choices] for item in items]
    return Baselines(
        chance=1 / choices,
        position=max(positions) / len(items),
        shortest=_share_of(items, sizes, min),
        longest=_share_of(items, sizes, max),
    )


def _share_of(
    items: Sequence[Item], sizes: Sequence[Sequence[int]], pick: Callable[[Sequence[int]], int]
) -> float:
    """How often the answer has the extreme size; k answers of that size share the point."""
    points = 0.0
    for item, size in zip(items, sizes, strict=True):
        extreme = pick(size)
        if size[item.answer] == extreme:
            points += 1 / size.count(extreme)
    return points / len(items)


def _info(
    kind: TaskKind,
    language: Language,
    items: Sequence[Item],
    baselines: Baselines | None,
) -> TaskInfo:
    return TaskInfo.model_construct(
        task=f"{kind}_{language}",
        kind=kind,
        language=language,
        items=len(items),
        groups=len({item.group for item in items}),
        baselines=baselines,
        smallest_detectable=smallest_detectable(kind, max(len(items), 1)),
    )


def _shortage(
    short: Sequence[Task],
    by_language: Mapping[Language, Sequence[Passage]],
    spec: SuiteSpec,
    section: str,
) -> str:
    counts: dict[tuple[str, str], int] = defaultdict(int)
    for language, ranked in by_language.items():
        for work in spec.reserved:
            counts[language, work] = sum(passage.document.work == work for passage in ranked)
    held = ", ".join(f"{work} {language} {n}" for (language, work), n in sorted(counts.items()))
    got = ", ".join(f"{task.info.task} has {len(task.items)}" for task in short)
    return (
        f"suite {spec.name} version {spec.version}: each task wants {spec.items} items, but {got}: "
        f"passages in the reserved works: {held}: reserve more works, or lower {section}.items"
    )
