"""The two READMEs say the same."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable

import pytest

from tests.documented import ROOT, commands

ENGLISH = (ROOT / "README.md").read_text("utf-8")
CHINESE = (ROOT / "README.zh-CN.md").read_text("utf-8")


def figures(text: str) -> Counter[str]:
    """Return every number: 1.9 million is 190 万."""
    return Counter(re.findall(r"\d+(?:\.\d+)*", text.replace("190 万", "1.9")))


def links(text: str) -> list[str]:
    return [link for link in re.findall(r"\]\(([^)]+)\)", text) if "README" not in link]


def code(text: str) -> list[str]:
    return sorted(re.findall(r"`([^`\n]+)`", text))


def shape(text: str) -> list[str]:
    """Return what kind of line each heading, row and command is, in order."""
    return [line[:2] for line in text.splitlines() if line.startswith(("#", "| ", "    "))]


@pytest.mark.parametrize("what", [figures, links, code, shape])
def test_english_and_chinese_agree(what: Callable[[str], object]) -> None:
    assert what(CHINESE) == what(ENGLISH)


def test_both_tell_the_same_commands() -> None:
    told = {
        page: sorted(command.words for command in commands() if command.page == page)
        for page in ("README.md", "README.zh-CN.md")
    }
    assert told["README.md"] == told["README.zh-CN.md"]


@pytest.mark.parametrize("text", [ENGLISH, CHINESE], ids=["english", "chinese"])
def test_a_readme_is_short(text: str) -> None:
    assert len(text.splitlines()) <= 100


def test_a_picture_is_small_enough_to_be_read_on_a_slow_line() -> None:
    pictures = [*(ROOT / "docs" / "images").iterdir()]
    assert pictures
    assert [path.name for path in pictures if not 0 < path.stat().st_size < 150_000] == []
