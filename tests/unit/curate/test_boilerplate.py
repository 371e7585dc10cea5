"""Laws of boilerplate lines, and of the comparison between languages."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hearth.curate.boilerplate import repeated, without
from hearth.curate.ledger import Action, Decision, Ledger, Step
from hearth.curate.rows import Row
from hearth.curate.sections import BoilerplateSection
from hearth.curate.twins import parallel

LIMITS = BoilerplateSection(share=0.5, documents=3, characters=6)
NOTICE = "All rights reserved by nobody"
LINES = st.lists(st.sampled_from([NOTICE, "  " + NOTICE, "mine", "", "NAME", "以下内容由社区翻译"]))


def test_a_line_of_most_documents_is_boilerplate_and_a_heading_is_not() -> None:
    texts = [f"NAME\ntext number {number} says\n{NOTICE}" for number in range(4)]
    assert repeated(texts, LIMITS) == {NOTICE}
    assert repeated(texts[:2], LIMITS) == set()
    assert repeated([*texts, *map(str, range(9))], LIMITS) == set()
    assert repeated(texts, LIMITS.model_copy(update={"share": None})) == set()


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


def row(language: str, number: int) -> Row:
    return Row(
        doc_key=f"{language}:{number}",
        source=language,
        work="w",
        parallel=f"p{number}",
        language=language,
        licence="CC0-1.0",
        text="",
        characters=10,
        entered=10,
        changed=False,
        content_id=None,
        shingles=None,
        signature=None,
        paragraphs=None,
        passages=None,
        passage_shingles=None,
        passage_signatures=None,
        spans=(),
        step="",
        reason=None,
        score=None,
    )


def test_what_chinese_loses_over_english_is_said_with_the_reason() -> None:
    rows = [row(language, number) for language in ("en", "zh") for number in range(10)]
    rows.append(row("zh", 99))  # has no twin: it does not count
    ledger = Ledger()
    for made in rows:
        lost = made.language == "zh" and made.doc_key in {"zh:3", "zh:99"}
        action, reason = (Action.DROPPED, "han") if lost else (Action.KEPT, None)
        size = 0 if lost else 10
        ledger.add(
            Step.QUALITY, [Decision(made.doc_key, None, made.language, 10, size, action, reason)]
        )
    by_step = {said["step"]: said for said in parallel(rows, ledger)}
    quality = by_step["quality"]
    assert quality["en"] == {"documents": 1.0, "characters": 1.0}
    assert quality["zh"] == {"documents": 0.9, "characters": 0.9}
    assert quality["gap"] == 10
    assert quality["why"] == {"han": 10}
    assert by_step["near"]["gap"] == 0
    assert "why" not in by_step["near"]
