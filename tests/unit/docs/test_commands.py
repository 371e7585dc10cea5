"""Every command in the documentation can be typed as it stands."""

from __future__ import annotations

import re
import subprocess
from functools import cache

import pytest
import typer
from typer.core import TyperGroup

from hearth.cli import app
from tests.documented import ELSEWHERE, ROOT, Command, commands

PLACEHOLDERS = {"STAGE": "train", "N": "3", "FILE": str(ROOT / "README.md")}
KNOWN = commands()
OURS = [command for command in KNOWN if command.words[0] == "hearth"]
OTHERS = [command for command in KNOWN if command.words[0] != "hearth"]


def label(command: Command) -> str:
    return f"{command.page}: {command.text}"


@cache
def group() -> TyperGroup:
    found = typer.main.get_command(app)
    assert isinstance(found, TyperGroup)
    return found


def parse(words: list[str]) -> None:
    """Read a command line as `hearth` would, and run nothing."""
    name, *arguments = [PLACEHOLDERS.get(word, word) for word in words]
    group().commands[name].make_context(name, arguments)


def test_there_are_commands_to_check() -> None:
    assert len(OURS) > 40
    assert {command.words[1] for command in OURS} == set(group().commands)


@pytest.mark.parametrize("command", OURS, ids=label)
def test_a_hearth_command_in_the_documentation_is_one(command: Command) -> None:
    try:
        parse(command.words[1:])
    except Exception as error:
        # `hearth plan` in a sentence need not say of what.
        if not (command.mentioned and "Missing parameter" in str(error)):
            raise


@pytest.mark.parametrize("words", [["plan", "demo", "--no-such-option"], ["logs", "no-stage"]])
def test_a_command_that_is_none_is_noticed(words: list[str]) -> None:
    with pytest.raises(Exception, match=r"(?i)no such option|is not one of"):
        parse(words)


@pytest.mark.parametrize("command", OTHERS, ids=label)
def test_every_other_command_says_what_runs_it_or_why_nothing_does(command: Command) -> None:
    text = " ".join(command.words)
    assert any(text.startswith(start) for start in ELSEWHERE), "add it to tests/documented.py"


def test_every_make_target_in_the_documentation_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    asked = {
        word
        for command in OTHERS
        if command.words[0] == "make"
        for word in command.words[1:]
        if "=" not in word and "/" not in word
    }
    assert asked <= targets


def test_what_is_said_to_run_a_command_exists() -> None:
    named = re.findall(r"\btests/[\w./-]+", " ".join(ELSEWHERE.values()))
    assert [name for name in named if not (ROOT / name).exists()] == []


def test_make_help_lists_every_target_that_the_documentation_names() -> None:
    said = subprocess.run(
        ["make", "help"],  # noqa: S607 - make is where PATH says
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert {"demo", "test", "docs", "up", "stop"} <= {line.split()[0] for line in said.splitlines()}


@pytest.mark.parametrize("name", sorted(group().commands))
def test_every_command_gives_an_example_of_itself(name: str) -> None:
    epilog = group().commands[name].epilog or ""
    start, _, example = epilog.partition("Example: hearth ")
    assert start == ""
    assert example.split()[0] == name
    parse(Command("", example).words)
