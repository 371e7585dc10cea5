"""The commands that the documentation tells people to type, and how each is held to be true."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from itertools import takewhile
from pathlib import Path
from typing import Final, NamedTuple

import yaml
from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT: Final = Path(__file__).resolve().parents[1]
PAGES: Final = sorted(
    [*ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
)
SHELLS: Final = frozenset({"", "sh", "bash"})
PROGRAMS: Final = frozenset(
    {"airflow", "apt-get", "aws", "buildah", "chmod", "curl", "docker", "hearth", "helm"}
    | {"kubectl", "make", "pip", "podman", "psql", "python", "python3", "sbatch", "scancel"}
    | {"scontrol", "sed", "squeue", "sudo", "tensorboard", "terraform", "unzip"}
)
FOLDERS: Final = ("deploy/", "docker/", "requirements/", ".ci/")
"""Programs of the checkout, which are named by their path."""

NO_COMMANDS: Final = frozenset(
    {"holds access_key", "lorem ipsum", "srun --auto-resume=1", "transformers serve"}
)
"""What stands in a table as code, with a blank in it, and is not for anybody to type."""


class Rule(NamedTuple):
    """What holds the commands of one beginning to be true."""

    test: str = ""  # the file or folder of tests that runs it, or what does the same
    does: str = ""  # what stands in that file where it is run
    why: str = ""  # why no test runs it as it is told
    needs: str = ""  # what the page has to say that it needs


STACK: Final = "tests/integration/test_stack.py"
IMAGES: Final = "tests/images"
CI: Final = ".ci/run"
DOCKER: Final = Rule(IMAGES, why="a container engine", needs="Docker")
AWS: Final = Rule(why="an account", needs="AWS")
CLUSTER: Final = Rule(why="a cluster", needs="a cluster")

ELSEWHERE: Final[dict[str, Rule]] = {
    # What is typed, by its beginning.
    "docker/settings": Rule("tests/unit/deploy/test_compose.py", '"docker" / "settings"'),
    "make demo": Rule(
        "tests/faults", why="minutes: the recipe tiny instead, and by hand at each release"
    ),
    "make up": Rule(STACK, "stack.up()"),
    "make stop": Rule(STACK, "stack.stop()"),
    "make status": Rule(STACK, "stack.status()"),
    "make test-images": Rule(CI, "make test-images"),
    "make test-slurm": Rule(CI, "make test-slurm"),
    "make test": Rule(CI, "make test"),
    "make envs": Rule(CI, "make envs"),
    "make lint": Rule(CI, "make lint"),
    "make docs": Rule(CI, "make docs"),
    "make help": Rule("tests/unit/docs/test_commands.py", '["make", "help"]'),
    "make schemas": Rule("tests/unit/docs/test_reference.py", "pages()[name]"),
    "make rehearse-stop": Rule("tests/rehearsal/conftest.py", ".stop()"),
    "make rehearse": Rule("tests/rehearsal", why="Debian packages", needs="root"),
    "make images": DOCKER,
    "make compose-": DOCKER,
    "make secrets": Rule("tests/images/conftest.py", '"secrets"'),
    "make bench": Rule(why="minutes, and figures that depend on the machine"),
    "make mwaa": Rule("tests/dags/test_mwaa.py", '"build.py"'),
    "pip download": Rule(why="a package index"),
    "sed ": Rule(why="a step of `pip download`"),
    "unzip ": Rule(why="a step of `pip download`"),
    "make lock": Rule(why="a package index, and it changes the locks"),
    "make clean": Rule(why="it deletes what is there"),
    "make .venv/": Rule(CI, "make envs"),
    "docker/build": DOCKER,
    "docker/wheelhouse": Rule("tests/images/test_files.py", '"wheelhouse"'),
    "docker ": DOCKER,
    "deploy/iam/render": Rule("tests/unit/deploy/test_iam.py", 'POLICIES / "render"'),
    "airflow pools import": Rule("tests/dags/test_production.py", '"pools", "import"'),
    "airflow users create": Rule("tests/dags/test_production.py", '"users", "create"'),
    "chmod 600": Rule("tests/unit/cli/test_airflow.py", "chmod"),
    "curl -s http://127.0.0.1": Rule("tests/machine.py", "/v1/completions"),
    "python -m hearth.train": Rule("tests/stages/train/conftest.py", '"hearth.train", "--job"'),
    "python -m rehearsal lose": Rule("tests/rehearsal/test_build.py", "rehearsal.lose("),
    "python -m rehearsal": Rule("tests/rehearsal/conftest.py", "rehearsal"),
    "python -m hearth.compute.runner": Rule("tests/compute/conftest.py", "hearth.compute.runner"),
    "python -m benchmarks.": Rule(why="minutes, and figures that depend on the machine"),
    "scancel": Rule("tests/compute/test_slurm.py", '"scancel"', needs="a cluster"),
    "scontrol ": CLUSTER,
    "squeue ": CLUSTER,
    "aws ": AWS,
    "helm ": CLUSTER,
    "kubectl ": CLUSTER,
    "sudo ": Rule(why="root", needs="root"),
    "apt-get ": Rule(why="root", needs="root"),
    "tensorboard ": Rule(why="TensorBoard, which is not installed here"),
}
ON_AWS: Final = ("--profile aws", "HEARTH_PROFILE=aws")
"""What makes a command of `hearth` one that needs AWS."""

MARKS: Final = {
    # How a page says it: in English, in Chinese.
    "AWS": r"needs? AWS|需要 AWS",
    "Docker": r"needs? (AWS and )?Docker|需要 (AWS 和 )?Docker",
    "a cluster": r"needs? a cluster|需要集群",
    "root": r"needs? root|需要 root",
}


class Command(NamedTuple):
    """A command, as a page tells it."""

    page: str
    text: str
    mentioned: bool = False  # in a sentence, where it may leave out what it needs
    table: bool = False
    near: str = ""  # its line or row, its section's heading, and the paragraph before it
    head: str = ""  # what the page says before its first section

    @property
    def words(self) -> list[str]:
        """The command's words, without settings in front and without what is left out (…)."""
        words = shlex.split(_uncommented(self.text))
        while words and re.fullmatch(r"export|[A-Z][A-Z_0-9]*=.*", words[0]):
            words = words[1:]
        if words:
            words[0] = words[0].removeprefix(".venv/airflow/bin/")
        return [
            word
            for before, word in zip(["", *words], words, strict=False)
            if word != "…" or before.startswith("--")
        ]

    @property
    def rule(self) -> Rule | None:
        """What holds it to be true; None: nothing does."""
        text = " ".join(self.words)
        return next((rule for start, rule in ELSEWHERE.items() if text.startswith(start)), None)

    @property
    def needs(self) -> str:
        """What the page has to say that it needs."""
        if self.words[0] == "hearth":
            return "AWS" if any(f" {mark}" in f" {self.text}" for mark in ON_AWS) else ""
        return self.rule.needs if self.rule else ""

    @property
    def marked(self) -> bool:
        """Whether the page says so: beside it, or in a sentence of its head that names it."""
        mark = re.compile(MARKS[self.needs], re.IGNORECASE)
        named = [
            code.removesuffix("…").strip()
            for sentence in re.split(r"(?<=[.;。；])\s", self.head)
            if mark.search(sentence)
            for code in re.findall(r"`([^`]+)`", sentence)
        ]
        return bool(mark.search(self.near)) or any(name in self.text for name in named)


def _uncommented(line: str) -> str:
    return re.sub(r"(^|\s)#.*", "", line)  # a `#` in a word is none


def _is_data(text: str) -> bool:
    """Whether it is YAML rather than a command: a map or a list, not a sentence."""
    try:
        return isinstance(yaml.safe_load(text), dict | list)
    except yaml.YAMLError:
        return False


class _Place(NamedTuple):
    """Where on a page something stands."""

    near: str
    head: str
    table: bool


def _places(tokens: list[Token]) -> Iterator[tuple[Token, _Place]]:
    """Give every text and every block of a page, each with what stands around it."""
    heading = before = row = ""
    head: list[str] = []
    for at, token in enumerate(tokens):
        opened = tokens[at - 1]
        table = opened.type in {"td_open", "th_open"}
        if token.type == "tr_open":
            row = " ".join(it.content for it in takewhile(_in_row, tokens[at:]))
        if token.type == "inline" and not heading:
            head.append(token.content)
        if token.type == "inline" and opened.type == "heading_open":
            heading, before = ("", "") if opened.tag == "h1" else (token.content, "")
        elif token.type == "inline" and not table:
            before = token.content
        if token.type in {"inline", "code_block", "fence"}:
            yield token, _Place(f"{heading} {row if table else before}", " ".join(head), table)


def _in_row(token: Token) -> bool:
    return token.type != "tr_close"


def told() -> Iterator[Command]:
    """Give all that stands as code where a command may: in blocks, in tables, in sentences.

    A block in a language of its own, or one that is YAML, has none.
    """
    for page in PAGES:
        if page.parent.name == "adr":  # they tell what was decided, not what to type
            continue
        name = str(page.relative_to(ROOT))
        tokens = MarkdownIt().enable("table").parse(page.read_text("utf-8"))
        for token, (near, head, table) in _places(tokens):
            for code in token.children or ():
                if code.type == "code_inline" and " " in code.content:
                    yield Command(
                        name, code.content, mentioned=True, table=table, near=near, head=head
                    )
            if token.type != "inline" and token.info in SHELLS and not _is_data(token.content):
                for line in token.content.replace("\\\n", " ").splitlines():
                    for part in re.split(r"\s(?:\||;|&&)\s", _uncommented(line)):
                        yield Command(name, part.strip(), near=f"{near} {line}", head=head)


def commands() -> list[Command]:
    """Return every command of every page."""
    return [command for command in told() if _typed(command)]


def unknown() -> list[Command]:
    """Return what stands in a block or table as if it were a command, and is none known here."""
    return [
        command
        for command in told()
        if (command.table or not command.mentioned) and not _typed(command) and not _none(command)
    ]


def _typed(command: Command) -> bool:
    try:
        words = command.words
    except ValueError:
        return False
    return bool(words) and (words[0] in PROGRAMS or words[0].startswith(FOLDERS))


def _none(command: Command) -> bool:
    """Whether it is no command: a setting, an option, data, or a text that is listed."""
    text = command.text
    if command.table and (text in NO_COMMANDS or text.startswith("-") or _is_data(text)):
        return True
    try:
        return not command.words
    except ValueError:
        return False
