"""Laws of boilerplate lines, and of the comparison between languages."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from hearth.curate.boilerplate import LineCounter, without
from hearth.curate.database import Database
from hearth.curate.ledger import Action, Decision, Ledger, Step
from hearth.curate.sections import BoilerplateSection
from hearth.curate.twins import parallel

LIMITS = BoilerplateSection(share=0.5, documents=3, characters=6)
NOTICE = "All rights reserved by nobody"
LINES = st.lists(st.sampled_from([NOTICE, "  " + NOTICE, "mine", "", "NAME", "以下内容由社区翻译"]))


def repeated(texts: Iterable[str], section: BoilerplateSection, folder: Path) -> set[str]:
    """The lines of one source's texts that are boilerplate."""
    counter = LineCounter(folder / "lines.parquet", section)
    known = list(texts)
    for text in known:
        counter.add(7, text)
    lines = counter.repeated(Database(folder / "spilled"))[7]
    return {line for text in known for line in text.split("\n") if line in lines}


def test_a_line_of_most_documents_is_boilerplate_and_a_heading_is_not(tmp_path: Path) -> None:
    texts = [f"NAME\ntext number {number} says\n{NOTICE}" for number in range(4)]
    assert repeated(texts, LIMITS, tmp_path) == {NOTICE}
    assert repeated(texts[:2], LIMITS, tmp_path) == set()
    assert repeated([*texts, *map(str, range(9))], LIMITS, tmp_path) == set()
    assert repeated(texts, LIMITS.model_copy(update={"share": None}), tmp_path) == set()


@given(LINES)
def test_cutting_removes_the_lines_and_nothing_else(lines: list[str]) -> None:
    text = "\n".join(lines).strip("\n")
    left, where = without(text, {NOTICE})
    assert NOTICE not in left
    assert [text[start:end].strip() for start, end in where] == [NOTICE] * text.count(NOTICE)
    assert [line for line in left.split("\n") if line] == [
        line for line in text.split("\n") if line and line.strip() != NOTICE
    ]
    assert not where or "\n\n\n" not in left
    assert without(left, {NOTICE}) == (left, [])


def test_what_chinese_loses_over_english_is_said_with_the_reason(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path)
    for language in ("en", "zh"):
        for number in range(11):
            lost = language == "zh" and number in {3, 10}
            action, reason = (Action.DROPPED, "han") if lost else (Action.KEPT, None)
            size = 0 if lost else 10
            one = Decision(f"{language}:{number:02}", None, language, 10, size, action, reason)
            # The last has no twin: it does not count.
            ledger.add(Step.QUALITY, one._replace(twin=number < 10))
    by_step = {said["step"]: said for said in parallel(ledger)}
    quality = by_step["quality"]
    assert quality["en"] == {"documents": 1.0, "characters": 1.0}
    assert quality["zh"] == {"documents": 0.9, "characters": 0.9}
    assert quality["gap"] == 10
    assert quality["why"] == {"han": 10}
    assert by_step["near"]["gap"] == 0
    assert "why" not in by_step["near"]
