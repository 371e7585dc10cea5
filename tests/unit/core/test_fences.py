from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hearth.fences import code_spans, fenced

LINES = st.lists(st.sampled_from(["", "prose", "```", "````", "~~~", "  ```py", "x = 1", "``` `"]))


def blocks(text: str) -> list[str]:
    return [text[span.start : span.end] for span in code_spans(text)]


def test_a_block_reaches_from_fence_to_fence() -> None:
    assert blocks("a\n```py\nx\n\ny\n```\nb\n~~~\n```\n~~~") == [
        "```py\nx\n\ny\n```",
        "~~~\n```\n~~~",
    ]


def test_only_a_fence_as_long_closes_a_block() -> None:
    assert blocks("````\n```\n````\nprose") == ["````\n```\n````"]


def test_an_open_block_reaches_to_the_end() -> None:
    assert blocks("a\n```\nx\ny") == ["```\nx\ny"]


def test_prose_has_no_code() -> None:
    assert blocks("three ``` in a line ```\n`` two") == []


@given(LINES)
def test_spans_are_in_order_and_inside_the_text(lines: list[str]) -> None:
    text = "\n".join(lines)
    at = 0
    for span in code_spans(text):
        assert at <= span.start < span.end <= len(text)
        at = span.end


@given(LINES)
def test_whatever_is_fenced_is_one_block(lines: list[str]) -> None:
    text = fenced("\n".join(lines), "py")
    assert blocks(text) == [text]
    assert blocks(f"before\n\n{text}\n\nafter") == [text]
