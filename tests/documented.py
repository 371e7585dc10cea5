"""The commands that the documentation tells people to type, and how each is held to be true."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

from markdown_it import MarkdownIt

ROOT: Final = Path(__file__).resolve().parents[1]
PAGES: Final = sorted(
    [*ROOT.glob("README*.md"), ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
)
SHELLS: Final = frozenset({"", "sh", "bash"})
PROGRAMS: Final = frozenset(
    {"apt-get", "aws", "buildah", "curl", "docker", "hearth", "helm", "kubectl", "make", "pip"}
    | {"podman", "psql", "python", "python3", "scancel", "scontrol", "sbatch", "squeue", "sudo"}
    | {"tensorboard", "terraform"}
)

ELSEWHERE: Final[dict[str, str]] = {
    # What is typed, by its beginning: the test that runs it, or why none does.
    "make demo": "minutes; its parts by tests/faults (the recipe tiny) and by hand at each release",
    "make up": "tests/integration/test_stack.py",
    "make stop": "tests/integration/test_stack.py",
    "make status": "tests/integration/test_stack.py",
    "make test": "CI",
    "make test-rehearsal": "CI",
    "make envs": "CI",
    "make lint": "CI",
    "make docs": "CI",
    "make help": "tests/unit/docs/test_commands.py",
    "make schemas": "tests/unit/docs/test_reference.py",
    "make rehearse": "root, for Debian packages; its parts by tests/rehearsal",
    "make test-images": "root and minutes; CI, when the images change",
    "make images": "a container engine; its parts by tests/images",
    "make secrets": "tests/images",
    "make compose-": "a container engine; its parts by tests/images",
    "make bench": "minutes, and figures that depend on the machine",
    "make mwaa": "tests/dags/test_mwaa.py",
    "make lock": "a package index, and changes the locks",
    "make clean": "deletes what is there",
    "make .venv/": "CI, as `make envs`",
    "docker ": "Docker; the services' own commands by tests/images",
    "curl ": "tests/faults",
    "python -m hearth.train": "tests/stages/train",
    "python -m rehearsal": "tests/rehearsal",
    "python -m hearth.compute.runner": "tests/compute/test_runner.py",
    "python -m benchmarks.": "minutes, and figures that depend on the machine",
    "scontrol ": "a cluster of Slurm",
    "scancel": "tests/compute",
    "squeue ": "a cluster of Slurm",
    "aws ": "AWS",
    "helm ": "Kubernetes",
    "kubectl ": "Kubernetes",
    "sudo ": "root",
    "apt-get ": "root",
    "tensorboard ": "TensorBoard, which is not installed here",
}


class Command(NamedTuple):
    """A command, as a page tells it."""

    page: str
    text: str
    mentioned: bool = False  # in a sentence, where it may leave out what it needs

    @property
    def words(self) -> list[str]:
        """The command's words, without settings in front and without what is left out (…)."""
        words = shlex.split(re.sub(r"(^|\s)#.*", "", self.text))  # a `#` in a word is none
        while words and re.fullmatch(r"[A-Z][A-Z_0-9]*=\S*", words[0]):
            words = words[1:]
        words = words[: next((at for at, word in enumerate(words) if word in "|;&&"), None)]
        if words:
            words[0] = words[0].removeprefix(".venv/airflow/bin/")
        return [
            word
            for before, word in zip(["", *words], words, strict=False)
            if word != "…" or before.startswith("--")
        ]


def _lines(block: str) -> Iterator[str]:
    yield from block.replace("\\\n", " ").splitlines()


def commands() -> list[Command]:
    """Return every command of every page, from code blocks and from code in a line."""
    found: list[Command] = []
    for page in PAGES:
        if page.parent.name == "adr":  # they tell what was decided, not what to type
            continue
        name = str(page.relative_to(ROOT))
        for token in MarkdownIt().enable("table").parse(page.read_text("utf-8")):
            texts: list[str] = []
            if token.type == "code_block" or (token.type == "fence" and token.info in SHELLS):
                texts = list(_lines(token.content))
            elif token.type == "inline":
                texts = [it.content for it in token.children or () if it.type == "code_inline"]
                texts = [text for text in texts if " " in text]
            mentioned = token.type == "inline"
            found += [Command(name, text.strip(), mentioned) for text in texts if _typed(text)]
    return found


def _typed(text: str) -> bool:
    try:
        words = Command("", text.strip()).words
    except ValueError:
        return False
    return bool(words) and words[0] in PROGRAMS
