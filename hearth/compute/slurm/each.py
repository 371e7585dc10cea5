"""Runs a command once on every node of a job: `… each WORDS -- COMMAND`, WORDS being srun's.

SIGTERM to it is SIGTERM to each of them, which may then end in its own order. srun itself takes
SIGTERM for an order to kill at once; but SIGUSR2 it passes on, to every process of the step. So
there is one process more on each node (`… each --here COMMAND`): it has its descendants ignore
that, tells the command by SIGTERM, and ends what is left.

srun kills all when one of them fails, so that none waits for the dead in vain. Once asked to stop,
how each ends is its own affair, and the others shall have their time too: the exit code is 75.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from typing import Final

from hearth.compute import process
from hearth.errors import EXIT_OK, EXIT_TRANSIENT

_SWEEP_SECONDS: Final = 10.0
_SIGNAL_BASE: Final = 128
_HERE: Final = "--here"


def words(srun: list[str]) -> list[str]:
    """Return the words that, before a command, run it on every node."""
    return [*_me(), *srun, "--"]


def main(arguments: list[str]) -> int:
    """Run a command on each node, or on this one; return an exit code as shells do."""
    if arguments[0] == _HERE:
        return _run(arguments[1:], passes_on=signal.SIGTERM, here=True)
    split = arguments.index("--")
    command = [*arguments[:split], *_me(), _HERE, *arguments[split + 1 :]]
    return _run(command, passes_on=signal.SIGUSR2, here=False)


def _run(command: list[str], passes_on: signal.Signals, *, here: bool) -> int:
    asked = (signal.SIGTERM, signal.SIGINT, signal.SIGUSR2)
    signal.pthread_sigmask(signal.SIG_BLOCK, asked)  # until there is somebody to tell
    if here:
        process.become_subreaper()
    try:
        child = subprocess.Popen(command, start_new_session=True, preexec_fn=_ready(here=here))  # noqa: PLW1509 - no threads
    except OSError as error:
        sys.stderr.write(f"{command[0]}: {error.strerror}\n")
        return _SIGNAL_BASE - 1
    told = False

    def tell(*_: object) -> None:
        nonlocal told
        told = True
        child.send_signal(passes_on)

    for number in asked:
        signal.signal(number, tell)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, asked)
    code = child.wait()
    if here:
        process.kill_all(lambda: process.descendants([os.getpid()]), _SWEEP_SECONDS)
    if told:
        return EXIT_OK if here else EXIT_TRANSIENT
    return code if code >= 0 else _SIGNAL_BASE - code


def _ready(*, here: bool) -> Callable[[], None]:
    """Return what a child does before it becomes the command; there are no threads."""

    def act() -> None:
        if here:
            signal.signal(signal.SIGUSR2, signal.SIG_IGN)  # and so do its children
        signal.pthread_sigmask(signal.SIG_SETMASK, ())

    return act


def _me() -> list[str]:
    return [sys.executable, "-I", "-m", "hearth.compute.slurm.each"]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
