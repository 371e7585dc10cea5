"""Other people's programs, each in an environment of its own, asked in turns with ours."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

_FOLDER: Final = Path(tempfile.gettempdir()) / "hearth-benchmarks"


def environment(name: str, requirements: Sequence[str]) -> Path:
    """Make or update an environment with the newest releases; return its Python."""
    folder = _FOLDER / name
    python = folder / "bin" / "python"
    if not python.exists():
        venv.create(folder, with_pip=True)
    install = [str(python), "-m", "pip", "install", "-qq", "--disable-pip-version-check"]
    subprocess.run([*install, "--upgrade", *requirements], check=True)
    return python


def version(python: Path, package: str) -> str:
    """Return the release of a package in an environment."""
    code = f"from importlib.metadata import version; print(version({package!r}))"
    said = subprocess.run([python, "-c", code], check=True, capture_output=True, encoding="utf-8")
    return f"{package} {said.stdout.strip()}"


class Peer:
    """A program that reads a line and answers with a line of JSON."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, line: str = "run") -> Any:
        """Ask, and wait for the answer."""
        question, answer = self._process.stdin, self._process.stdout
        if question is None or answer is None:
            message = "the peer's pipes are closed"
            raise RuntimeError(message)
        question.write(line + "\n")
        question.flush()
        said = answer.readline()
        if not said:
            message = f"the peer ended with exit code {self._process.wait()}"
            raise RuntimeError(message)
        return json.loads(said)


@contextmanager
def running(program: Path, *arguments: str | Path, python: Path | None = None) -> Iterator[Peer]:
    """Run a program while it is asked; by default in this environment."""
    command = [python or sys.executable, program, *arguments]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8"
    ) as process:
        try:
            yield Peer(process)
        finally:
            if process.stdin:
                process.stdin.close()
