"""Every command in the documentation can be typed as it stands."""

from __future__ import annotations

import re
import subprocess
from functools import cache
from pathlib import Path

import botocore.session
import pytest
import typer
from botocore import xform_name
from markdown_it import MarkdownIt
from typer.core import TyperGroup

from hearth.cli import app
from tests import documented
from tests.documented import ELSEWHERE, PAGES, ROOT, SHELLS, Command, Rule, commands, unknown

PLACEHOLDERS = {"STAGE": "train", "N": "3", "FILE": str(ROOT / "README.md")}
BY_THE_COMMAND_LINE_ALONE = {("s3", "sync"), ("ecr", "get-login-password")}
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
    assert command.rule, "add it to ELSEWHERE in tests/documented.py"


def test_what_stands_as_a_command_is_one_that_is_known() -> None:
    """Whoever tells a new program has to say in tests/documented.py what runs it."""
    assert [label(command) for command in unknown()] == []


@pytest.mark.parametrize(
    "line", ["frobnicate now", "make up && frobnicate", "make 'up", "X=1 frobnicate"]
)
def test_a_line_of_a_program_that_nobody_knows_is_noticed(
    line: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"# A page\n\n    make up     # as always\n    {line}\n", encoding="utf-8")
    monkeypatch.setattr(documented, "PAGES", [page])
    monkeypatch.setattr(documented, "ROOT", tmp_path)
    assert len(unknown()) == 1


def test_a_block_is_of_a_kind_that_is_known() -> None:
    kinds = {
        token.info
        for page in PAGES
        for token in MarkdownIt().parse(page.read_text("utf-8"))
        if token.type == "fence"
    }
    assert kinds <= {*SHELLS, "python", "text", "yaml"}


@pytest.mark.parametrize(
    "command", [it for it in KNOWN if it.needs and (it.table or not it.mentioned)], ids=label
)
def test_a_page_tells_what_a_command_needs_that_not_everyone_has(command: Command) -> None:
    told = [it for it in KNOWN if (it.page, it.text) == (command.page, command.text)]
    assert any(it.marked for it in told), f"say beside it that it needs {command.needs}"


@pytest.mark.parametrize(
    ("near", "head", "marked"),
    [
        ("aws s3 ls  # needs AWS", "", True),
        ("On the cluster, which needs Docker.", "", False),
        ("", "What begins with `aws` needs AWS.", True),
        ("", "What begins with `docker` needs Docker. `make` needs AWS.", False),
    ],
)
def test_a_mark_stands_by_the_command_or_names_it(near: str, head: str, marked: bool) -> None:  # noqa: FBT001
    assert Command("", "aws s3 ls", near=near, head=head).marked is marked


@pytest.mark.parametrize("command", [it for it in OTHERS if it.words[0] == "aws"], ids=label)
def test_a_command_of_aws_has_an_operation_and_options_of_that_name(command: Command) -> None:
    """The command line of AWS is made from the same models as botocore."""
    _, service, name, *rest = command.words
    if (service, name) in BY_THE_COMMAND_LINE_ALONE:
        return
    service = {"s3api": "s3"}.get(service, service)
    model = botocore.session.get_session().get_service_model(service)
    known = {xform_name(operation, "-"): operation for operation in model.operation_names}
    shape = model.operation_model(known[name]).input_shape
    members = {f"--{xform_name(member, '-')}" for member in shape.members}
    given = {word for word in rest if word.startswith("--")} - {"--query", "--output"}
    assert given <= members
    required = {f"--{xform_name(member, '-')}" for member in shape.required_members}
    assert command.mentioned or required <= given


def test_every_make_target_in_the_documentation_is_in_the_makefile() -> None:
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    asked = {
        word
        for command in OTHERS
        if command.words[0] == "make"
        for word in command.words[1:]
        if "=" not in word and "/" not in word and not word.endswith("…")
    }
    assert asked <= targets


@pytest.mark.parametrize(("start", "rule"), ELSEWHERE.items(), ids=ELSEWHERE)
def test_what_is_said_to_run_a_command_does(start: str, rule: Rule) -> None:
    assert (rule.test and rule.does) or rule.why, f"{start}: neither a test nor a reason"
    assert (ROOT / rule.test).exists()
    if rule.does:
        assert rule.does in (ROOT / rule.test).read_text("utf-8")


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
