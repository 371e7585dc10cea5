"""Run a package client (pip, apt) and read what it says."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from hearth.errors import SpecError, TransientError

SECONDS: Final = 600
_SAID: Final = 600


@dataclass(frozen=True, slots=True)
class Answer:
    """How a client ended and what it said."""

    code: int
    output: str
    errors: str

    @property
    def complaint(self) -> str:
        """The end of what it complained about, on one line."""
        return " ".join((self.errors or self.output).split())[-_SAID:]


def run(command: Sequence[str | os.PathLike[str]], *, needs: str) -> Answer:
    """Run a client to its end, in English.

    Args:
        command: the program and its arguments.
        needs: what to say if the program is not there.

    Raises:
        SpecError: the program is not on this machine.
        TransientError: it did not end in time.
    """
    program = shutil.which(command[0])
    if program is None:
        message = f"{os.fspath(command[0])} is not on this machine: {needs}"
        raise SpecError(message)
    environment = {**os.environ, "LC_ALL": "C.UTF-8", "PYTHONUNBUFFERED": "1"}
    try:
        done = subprocess.run(
            [program, *command[1:]],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            encoding="utf-8",
            errors="replace",
            env=environment,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired as error:
        message = f"{os.fspath(command[0])}: no answer in {SECONDS} s: try again later"
        raise TransientError(message) from error
    return Answer(done.returncode, done.stdout, done.stderr)
