"""Processes of this machine by identity, not by pid.

A pid means nothing once its process has ended, because the kernel gives it away again. A
`ProcessIdentity` is a pid together with the start time that the kernel noted for it and the boot it
happened in: it names one process for ever, fits in a small JSON object, and may be kept in a file
and signalled a week later without any risk to a stranger.

What other code may use:

- `ProcessIdentity.of(pid)` and `.current()` take an identity; `.to_json()`, `.from_json()` keep it;
- `.alive()` (a zombie is dead), `.signal(number)` (race-free, by pidfd), `.wait(timeout)`;
- `descendants(pids)`, `marked(variable, value)` find processes by parentage and by environment;
- `kill_all(find, timeout)` leaves none of what `find` names, however fast it forks;
- `resident_bytes(pids)` adds up memory, `become_subreaper()` adopts orphans.

Linux only, standard library only.
"""

from __future__ import annotations

import ctypes
import os
import select
import signal
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

_PROC = Path("/proc")
_PAGE = os.sysconf("SC_PAGE_SIZE")
_PR_SET_CHILD_SUBREAPER = 36  # linux/prctl.h
_DEAD = "ZXx"  # zombie and dead, proc_pid_stat(5)


@dataclass(frozen=True, slots=True)
class _Stat:
    state: str
    parent: int
    ticks: int


@cache
def boot_id() -> str:
    """The kernel's name for this boot of this machine."""
    return (_PROC / "sys/kernel/random/boot_id").read_text().strip()


def _stat(pid: int) -> _Stat | None:
    try:
        text = (_PROC / str(pid) / "stat").read_bytes().decode(errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The name stands in parentheses and may hold anything: fields are counted from its end.
    fields = text.rpartition(")")[2].split()
    return _Stat(state=fields[0], parent=int(fields[1]), ticks=int(fields[19]))


def _pids() -> Iterator[int]:
    """Every process, and those that appear while the others are being looked at."""
    seen: set[int] = set()
    while fresh := {int(path.name) for path in _PROC.iterdir() if path.name.isdecimal()} - seen:
        yield from sorted(fresh)
        seen |= fresh


def _table() -> dict[int, _Stat]:
    """Every living process now."""
    found = ((pid, _stat(pid)) for pid in _pids())
    return {pid: stat for pid, stat in found if stat is not None and stat.state not in _DEAD}


@dataclass(frozen=True, slots=True)
class ProcessIdentity:
    """One process, distinguishable from every other that has or will ever have its pid.

    Attributes:
        boot: `boot_id()` of the boot in which it runs.
        pid: its process id.
        ticks: when it started, in clock ticks since that boot.
    """

    boot: str
    pid: int
    ticks: int

    @classmethod
    def of(cls, pid: int) -> Self | None:
        """The process that has this pid now, or None when there is none."""
        stat = _stat(pid)
        return None if stat is None else cls(boot_id(), pid, stat.ticks)

    @classmethod
    def current(cls) -> Self:
        """The calling process."""
        found = cls.of(os.getpid())
        if found is None:  # pragma: no cover
            raise ProcessLookupError(os.getpid(), "this process is not in /proc")
        return found

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_json` wrote; other keys are left alone."""
        return cls(boot=str(data["boot"]), pid=int(data["pid"]), ticks=int(data["ticks"]))

    def to_json(self) -> dict[str, Any]:
        """As a small JSON object."""
        return {"boot": self.boot, "pid": self.pid, "ticks": self.ticks}

    def alive(self) -> bool:
        """Whether this very process still runs. One that ended and was not reaped does not."""
        if self.boot != boot_id():
            return False
        stat = _stat(self.pid)
        return stat is not None and stat.ticks == self.ticks and stat.state not in _DEAD

    def signal(self, number: int) -> bool:
        """Send a signal to this very process.

        Returns:
            Whether it was sent; False when the process is gone or belongs to somebody else.
        """
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return False
        try:
            # The descriptor holds the process: what is checked now is what gets the signal.
            if not self.alive():
                return False
            signal.pidfd_send_signal(descriptor, number)
        except (ProcessLookupError, PermissionError):
            return False
        finally:
            os.close(descriptor)
        return True

    def wait(self, timeout: float) -> bool:
        """Wait for at most `timeout` seconds; return whether the process has ended."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            if self.alive():
                poll = select.poll()
                poll.register(descriptor, select.POLLIN)
                poll.poll(max(0, round(timeout * 1000)))
        finally:
            os.close(descriptor)
        return not self.alive()


def descendants(roots: Iterable[int]) -> set[ProcessIdentity]:
    """Children of `roots`, their children and so on, without the roots themselves."""
    table = _table()
    children: dict[int, list[int]] = {}
    for pid, stat in table.items():
        children.setdefault(stat.parent, []).append(pid)
    found: set[int] = set()
    border = list(roots)
    while border:
        fresh = [pid for pid in children.get(border.pop(), ()) if pid not in found]
        found.update(fresh)
        border.extend(fresh)
    return {ProcessIdentity(boot_id(), pid, table[pid].ticks) for pid in found}


def marked(variable: str, value: str) -> set[ProcessIdentity]:
    """Processes that started with `variable=value` in their environment, or were forked by one."""
    wanted = f"{variable}={value}".encode()
    found = set()
    for pid in _pids():
        one = ProcessIdentity.of(pid)
        try:
            environment = (_PROC / str(pid) / "environ").read_bytes()
        except OSError:  # ended meanwhile, or another user's
            continue
        if one is not None and wanted in environment.split(b"\0") and one.alive():
            found.add(one)
    return found


def resident_bytes(processes: Iterable[ProcessIdentity]) -> int:
    """Summed resident memory in bytes; pages that several processes share count for each."""
    total = 0
    for process in processes:
        try:
            total += int((_PROC / str(process.pid) / "statm").read_text().split()[1]) * _PAGE
        except (OSError, IndexError):  # ended meanwhile
            continue
    return total


def become_subreaper() -> None:
    """Make the calling process the parent of every orphan among its descendants."""
    if ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0) != 0:
        number = ctypes.get_errno()
        raise OSError(number, f"prctl(PR_SET_CHILD_SUBREAPER): {os.strerror(number)}")


def kill_all(find: Callable[[], set[ProcessIdentity]], timeout: float) -> set[ProcessIdentity]:
    """SIGKILL what `find` names, again and again, until it names nothing.

    Everything is stopped before anything is killed: a process that loses its parent may no longer
    be found through it, and one that still runs may fork faster than it is killed.

    Args:
        find: names the processes to end; zombies must not be among them.
        timeout: seconds after which to give up.

    Returns:
        What is still there (a process in uninterruptible sleep, or another user's): mostly nothing.
    """
    deadline = time.monotonic() + timeout
    # Asked twice: a process in the middle of starting a program shows no environment.
    while found := find() or find():
        stopped: set[ProcessIdentity] = set()
        while fresh := found - stopped:
            for process in fresh:
                process.signal(signal.SIGSTOP)
            stopped |= fresh
            found = find()
        for process in stopped:
            process.signal(signal.SIGKILL)
        for process in stopped:
            process.wait(min(1.0, max(0.0, deadline - time.monotonic())))
        if time.monotonic() >= deadline:
            return find()
    return set()
