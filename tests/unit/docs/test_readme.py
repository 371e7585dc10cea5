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


def rows(text: str) -> list[list[str]]:
    """Return the cells of every row of every table."""
    lines = [line for line in text.splitlines() if line.startswith("| ")]
    return [[cell.strip() for cell in line.strip("| ").split(" | ")] for line in lines]


def words(cell: str) -> set[str]:
    """Return what is written in Latin letters, outside of code and addresses: Slurms are Slurm."""
    plain = re.sub(r"`[^`]+`|\]\([^)]+\)", " ", cell)
    return {
        word.removesuffix("'s").rstrip("s")
        for word in re.findall(r"[A-Za-z][\w'-]*", plain, re.ASCII)
    }


def is_name(word: str) -> bool:
    """Whether a word is one in any language: HAProxy, Celery, statsd_exporter."""
    return word != word.lower() or "_" in word


def test_each_row_names_the_same_things_in_both() -> None:
    """What stands in Latin letters in a Chinese row stands in the English one, and every name back.

    A name is what has a capital letter, or what the Chinese text writes in Latin letters somewhere.
    """
    english, chinese = rows(ENGLISH), rows(CHINESE)
    foreign = {word for row in chinese for cell in row for word in words(cell)}
    for here, there in zip(english, chinese, strict=True):
        assert len(here) == len(there), here
        for ours, theirs in zip(here, there, strict=True):
            named = {word for word in words(ours) if is_name(word) or word in foreign}
            assert words(theirs) == named, (ours, theirs)
            assert code(theirs) == code(ours)
            assert figures(theirs) == figures(ours)


def test_a_row_that_leaves_a_name_out_is_noticed() -> None:
    assert words("real; on Ray, later Slurms and `code`") == {
        "real",
        "on",
        "Ray",
        "later",
        "Slurm",
        "and",
    }
    assert words("真实；Ray Data、`code`") - words("on Ray") == {"Data"}


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
