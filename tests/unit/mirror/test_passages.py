from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hearth.fences import code_spans, fenced
from hearth.mirror.passages import passages

SOME_TEXT = st.text(alphabet=st.sampled_from("ab 。.!\n汉字，"), max_size=3000)


@given(SOME_TEXT, st.integers(min_value=20, max_value=400))
def test_passages_hold_all_of_the_text_but_blank_space(text: str, characters: int) -> None:
    whole = "".join(text.split())
    assert "".join("".join(passages(text, characters)).split()) == whole


@given(SOME_TEXT, st.integers(min_value=20, max_value=400))
def test_no_passage_is_much_longer_than_asked(text: str, characters: int) -> None:
    assert all(len(passage) <= characters * 1.25 + 2 for passage in passages(text, characters))


def test_paragraphs_stay_whole_where_they_fit() -> None:
    first, second = "一" * 60, "二" * 60
    assert passages(f"{first}\n\n{second}", 100) == [first, second]


def test_long_chinese_paragraphs_are_cut_at_sentences() -> None:
    sentence = "天地玄黄，宇宙洪荒。"
    assert all(p.endswith("。") for p in passages(sentence * 30, 55))


def test_a_short_rest_joins_the_passage_before_it() -> None:
    assert passages("一" * 90 + "\n\n" + "尾", 90) == ["一" * 90 + "\n\n尾"]


def test_blank_text_has_no_passages() -> None:
    assert passages(" \n\n \t\n", 100) == []


def test_a_block_of_code_stays_whole() -> None:
    code = "```py\na = 1\n\n\nb = 2\n```"
    text = f"{'x' * 180}\n\n{code}\n\n{'y' * 180}"
    assert passages(text, 200, fenced=True) == ["x" * 180, code, "y" * 180]


@given(
    st.lists(st.sampled_from(["", "a = 1", "x" * 250, "  indented"]), min_size=1, max_size=200),
    st.integers(200, 400),
)
def test_every_part_of_a_long_block_has_its_fences(lines: list[str], characters: int) -> None:
    code = fenced("\n".join(lines), "py")
    parts = passages(f"before\n\n{code}\n\nafter", characters, fenced=True)
    for part in parts:
        spans = [part[start:end] for start, end in code_spans(part)]
        assert all(span.startswith("```py\n") and span.endswith("\n```") for span in spans)
    held = "".join("".join(parts).replace("```py", "").replace("```", "").split())
    assert held == "".join(["before", *lines, "after"]).replace(" ", "")
