"""Slurm by its commands: on this machine, or on a login node over SSH.

Nothing of a job's environment is on a command line, where other users would see it: it comes by
standard input, which `sbatch --export-file` reads.
"""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from hearth.compute.slurm.states import SlurmJob
from hearth.compute.slurm.transport import HISTORY, WARNING, Submission
from hearth.errors import SpecError, TransientError
from hearth.resources import SlurmLogin, SlurmSettings

_TIMEOUT: Final = 60.0
_SSH_FAILED: Final = 255
_SEPARATOR: Final = "|"
_LIVE: Final = ("JobID", "State", "RestartCnt", "Reason", "exit_code", "StartTime", "EndTime",
                "UserName", "NodeList", "Name")  # fmt: skip
_ACCOUNTED: Final = ("JobIDRaw", "State", "ExitCode", "Start", "End", "User", "NodeList", "JobName")
_WIDTH: Final = 256
_NO_SUCH_JOB: Final = "Invalid job id"

# sbatch's words for what will not get better by waiting.
_PERMANENT: Final = (
    "Invalid", "invalid", "not available", "More processors", "cannot be satisfied",
    "can not be satisfied", "violates", "not permitted", "denied", "Unable to open file",
)  # fmt: skip


@dataclass(frozen=True)
class Commands:
    """Runs Slurm's commands.

    Attributes:
        settings: the cluster.
        environment: what the commands find in their environment, on this machine.
    """

    settings: SlurmSettings
    environment: Mapping[str, str] = field(default_factory=dict)

    def submit(self, submission: Submission) -> int:
        """Submit a batch job; see `Transport.submit`."""
        # The script goes by the command line, which it may: there is no secret in it.
        command = ["sbatch", *_options(submission, self.settings)]
        command += ["--export-file=/dev/stdin", f"--wrap={_body(submission.script)}"]
        variables = "".join(f"{k}={v}\0" for k, v in submission.environment.items())
        answer = self._run(command, variables)
        if answer.returncode != 0:
            message = f"job {submission.name}: sbatch: {_last(answer.stderr)}"
            if any(words in answer.stderr for words in _PERMANENT):
                raise SpecError(message)
            raise TransientError(message)
        return int(answer.stdout.strip().partition(";")[0])

    def job(self, number: int) -> SlurmJob | None:
        """The job with this id, by squeue, else by sacct."""
        found = self._live("--jobs", str(number)) or self._accounted("--jobs", str(number))
        return found[0] if found else None

    def named(self, name: str) -> tuple[SlurmJob, ...]:
        """The user's jobs of this name, by squeue, else by sacct."""
        who = ("--name", name, "--user", self.settings.user)
        found = self._live(*who) or self._accounted(*who)
        return tuple(sorted(found, key=lambda job: job.id))

    def cancel(self, number: int) -> None:
        """End a job."""
        answer = self._run(["scancel", str(number)])
        if answer.returncode != 0 and _NO_SUCH_JOB not in answer.stderr:
            message = f"Slurm job {number}: scancel: {_last(answer.stderr)}"
            raise TransientError(message)

    def node_count(self) -> int | None:
        """How many nodes the partition has."""
        partition = self.settings.partition
        command = ["sinfo", "--noheader", "--format=%D"]
        command += ["--partition", partition] if partition else []
        counts = [int(line) for line in self._checked(command).split()]
        return sum(counts) if counts else None

    def version(self) -> str:
        """Which Slurm the controller is, by its own word: it has to know whoever asks."""
        for line in self._checked(["scontrol", "show", "config"]).splitlines():
            name, _, value = line.partition("=")
            if name.strip() == "SLURM_VERSION":
                return value.strip()
        message = "scontrol show config: names no SLURM_VERSION"
        raise TransientError(message)

    def _live(self, *which: str) -> list[SlurmJob]:
        wanted = ",".join(f"{name}:{_WIDTH}{_SEPARATOR}" for name in _LIVE)
        command = ["squeue", "--noheader", "--states=all", *which, f"--Format={wanted}"]
        answer = self._run(command)
        if answer.returncode != 0:
            if _NO_SUCH_JOB in answer.stderr:
                return []
            message = f"squeue: {_last(answer.stderr)}"
            raise TransientError(message)
        rows = (_row(line) for line in answer.stdout.splitlines())
        return [
            SlurmJob(
                id=int(number), state=state, restarts=int(restarts or 0), reason=reason,
                exit_code=_wait_status(code), started=_time(start), finished=_time(end),
                user=user, nodes=nodes, name=name,
            )
            for number, state, restarts, reason, code, start, end, user, nodes, name in rows
        ]  # fmt: skip

    def _accounted(self, *which: str) -> list[SlurmJob]:
        if not self.settings.accounting:
            return []
        command = ["sacct", "--noheader", "--parsable2", "--allocations", *which]
        command += [f"--starttime={HISTORY}", f"--format={','.join(_ACCOUNTED)}"]
        rows = (_row(line) for line in self._checked(command).splitlines())
        return [
            SlurmJob(
                id=int(number), state=state.split()[0], exit_code=_exit_code(code),
                started=_time(start), finished=_time(end), user=user, nodes=nodes, name=name,
            )
            for number, state, code, start, end, user, nodes, name in rows
        ]  # fmt: skip

    def _checked(self, command: list[str]) -> str:
        answer = self._run(command)
        if answer.returncode != 0:
            message = f"{command[0]}: {_last(answer.stderr)}"
            raise TransientError(message)
        return answer.stdout

    def _run(self, command: list[str], text: str = "") -> subprocess.CompletedProcess[str]:
        """Run one command.

        Raises:
            TransientError: it cannot be reached, or does not answer in time.
        """
        # Times as seconds since 1970: a login node may be in any time zone.
        variables = {"SLURM_TIME_FORMAT": "%s", **self.environment}
        login = self.settings.login
        if login is not None:
            variables |= login.environment
            pairs = [f"{name}={value}" for name, value in variables.items()]
            command = ["ssh", *_ssh(login), shlex.join(["env", *pairs, *command])]
        else:
            pairs = [f"{name}={value}" for name, value in variables.items()]
            command = ["env", *pairs, *command]
        try:
            answer = subprocess.run(
                command, input=text, capture_output=True, text=True, timeout=_TIMEOUT, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as error:
            message = f"{command[0]}: {error}"
            raise TransientError(message) from error
        if login is not None and answer.returncode == _SSH_FAILED:
            message = f"ssh {login.host}: {_last(answer.stderr)}"
            raise TransientError(message)
        return answer


def _ssh(login: SlurmLogin) -> list[str]:
    return [
        "-F", "none",
        "-i", str(login.key),
        "-p", str(login.port),
        "-o", "BatchMode=yes",
        "-o", "IdentitiesOnly=yes",
        "-o", "StrictHostKeyChecking=yes",
        "-o", f"UserKnownHostsFile={login.known_hosts}",
        "-o", "ConnectTimeout=10",
        "-o", "ServerAliveInterval=10",
        "-l", login.user,
        "--", login.host,
    ]  # fmt: skip


def _options(job: Submission, settings: SlurmSettings) -> list[str]:
    wanted: dict[str, object] = {
        "job-name": job.name,
        "dependency": "singleton",
        "chdir": "/",
        "output": job.output,
        "open-mode": "append",
        "nodes": job.nodes,
        "ntasks-per-node": 1,
        "cpus-per-task": job.cpus,
        "mem": None if job.memory_mib is None else f"{job.memory_mib}M",
        "gres": f"{settings.gpu_resource}:{job.gpus}" if job.gpus else None,
        "time": job.minutes,
        "signal": f"B:{WARNING}@{job.warning_seconds}",
        "partition": settings.partition,
        "account": settings.account,
        "qos": settings.qos,
        **settings.options.model_dump(),
    }
    options = [f"--{name}={value}" for name, value in wanted.items() if value is not None]
    options += ["--parsable", "--requeue" if job.requeue else "--no-requeue"]
    return options if job.cpus is not None else [*options, "--exclusive"]


def _body(script: str) -> str:
    return "\n".join(line for line in script.splitlines() if not line.startswith("#!"))


def _row(line: str) -> list[str]:
    return [part.strip() for part in line.rstrip(_SEPARATOR).split(_SEPARATOR)]


def _time(text: str) -> datetime | None:
    return datetime.fromtimestamp(int(text), UTC) if text.isdecimal() and int(text) else None


def _exit_code(text: str) -> int | None:
    """What `code:signal` means: -n if a signal ended it."""
    code, _, signal = text.partition(":")
    if not code.isdecimal():
        return None
    return -int(signal) if signal.isdecimal() and int(signal) else int(code)


def _wait_status(text: str) -> int | None:
    """What squeue's number, as wait(2) returns it, means."""
    if not text.isdecimal():
        return None
    status = int(text)
    return -(status & 0x7F) if status & 0x7F else status >> 8


def _last(text: str) -> str:
    lines = text.strip().splitlines()
    return lines[-1] if lines else "said nothing"
