from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from hearth.fences import code_spans
from hearth.mirror.markdown import page

LINES = st.lists(
    st.sampled_from(
        ["", "# h", "text", "- item", "  - deeper", "    code", "```", "~~~", "> said", "|a|b|",
         "|-|-|", "[r]: u", "[a](b)", "![i](j)", "<b>", "<!--", "-->", "---", "===", "*a_", "1. x"]
    ),
    max_size=25,
)  # fmt: skip


def test_markup_of_prose_stays() -> None:
    text = (
        "# One\n\nSome *prose*, **bold**, `code`.\n\n- a\n\n> b\n\n| a | b |\n|---|---|\n| 1 | 2 |"
    )
    assert page(text) == ("One", text)


def test_addresses_and_layout_go() -> None:
    source = (
        "<!-- comment\n over lines -->\n[![build](b.svg)](https://ci)\n\n"
        "See [the *guide*](https://x/y), [this][r] or <https://z>: <b>now</b>. ![logo](l.png)\n\n"
        "[r]: https://example.org 'Title'\n"
    )
    assert page(source).text.strip() == "See the *guide*, this or https://z: now."


def test_links_in_lists_and_quotes_lose_their_targets_only() -> None:
    source = "- [one](u)\n  goes [on](v)\n- two\n\n> a [quote](w)\n> of two"
    assert page(source).text == "- one\n  goes on\n- two\n\n> a quote\n> of two"


def test_code_stays_as_it_is_and_always_has_fences() -> None:
    source = "a\n\n    x = [1](2)\n\n    y\n\nb\n\n```sh\nls <dir> [a](b)\n```\n\n- i\n\n      in"
    text = page(source).text
    assert [text[start:end] for start, end in code_spans(text)] == [
        "```\nx = [1](2)\n\ny\n```",
        "```sh\nls <dir> [a](b)\n```",
        "  ```\n  in\n  ```",
    ]


def test_a_heading_takes_one_line() -> None:
    assert page("One\ntwo [l](u)\n===\n\nThree\n---\n").text == "# One two l\n\n## Three\n"


def test_front_matter_goes_but_for_the_title() -> None:
    assert page("---\ntitle: '前言'\ntags: [x]\n---\ntext") == ("前言", "text")
    assert page("---\ntitle: front\n---\n# Own\n") == ("Own", "# Own\n")
    assert page("+++\ntitle = 'T'\n+++\ntext") == ("T", "text")
    assert page("---\nno end").text == "---\nno end"


def test_scripts_go_with_what_they_hold() -> None:
    assert page(
        "<script>\nlet a = 1;\n</script>\n\n<details>\n\ninside\n\n</details>\n"
    ).text.split() == ["inside"]


@given(LINES)
def test_no_markdown_is_too_odd(lines: list[str]) -> None:
    page("\n".join(lines))


@given(LINES)
def test_what_was_read_once_stays_when_read_again(lines: list[str]) -> None:
    once = page("\n".join(lines)).text
    code = [once[start:end] for start, end in code_spans(once)]
    again = page(once).text
    assert [again[start:end] for start, end in code_spans(again)] == code or "    " in once
