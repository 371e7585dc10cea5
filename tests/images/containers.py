"""Starts the services of `docker-compose.yaml` where no container engine runs.

`buildah run --isolation chroot` starts a command in an image with the user, environment and mounts
that the compose file gives it; all of that is read from the file. What chroots do not have is left
out: limits of resources, capabilities, read-only roots, networks; services are names of loopback.
"""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import yaml

_VARIABLE: Final = re.compile(r"\$\{(\w+)(?::-([^}]*))?\}")
_PATIENCE: Final = 300.0
_STOP_SECONDS: Final = 60.0
_USER: Final = 10001


@dataclass
class Compose:
    """The services of a compose file.

    Attributes:
        file: the compose file.
        folder: for what the services keep: volumes, logs.
        variables: what `${NAME}` stands for in the file.
        given: services that somebody else provides, on loopback.
    """

    file: Path
    folder: Path
    variables: Mapping[str, str]
    given: frozenset[str] = frozenset()
    _containers: dict[str, str] = field(default_factory=dict)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        text = _VARIABLE.sub(
            lambda found: self.variables.get(found[1]) or found[2] or "", self.file.read_text()
        )
        self.services: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
        self._secrets: dict[str, dict[str, str]] = yaml.safe_load(text)["secrets"]

    def up(self, profile: str | None = None) -> None:
        """Start every service of a profile, each after those that it depends on."""
        waiting = [
            name
            for name, service in self.services.items()
            if name not in self.given and set(service.get("profiles", [profile])) & {profile}
        ]
        while waiting:
            free = [name for name in waiting if not self._needs(name) & set(waiting)]
            assert free, f"{waiting} depend on each other"
            for name in free:
                self.start(name)
            for name in free:
                if self.services[name].get("restart") == "no":
                    assert self._running[name].wait(_PATIENCE) == 0, self.log(name)
                else:
                    self.await_healthy(name)
                waiting.remove(name)

    def start(self, name: str) -> None:
        """Start one service."""
        if name not in self._containers:
            image = self.services[name]["image"]
            hosts = [f"--add-host={other}:127.0.0.1" for other in self.services]
            limits = self.services[name].get("ulimits", {})
            options = [*hosts, *(f"--ulimit={key}={limit}" for key, limit in limits.items())]
            self._containers[name] = _said("buildah", "from", "--isolation=chroot", *options, image)
        with (self.folder / f"{name}.log").open("ab") as log:
            self._running[name] = subprocess.Popen(
                self._run(name, self.services[name]["command"]),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def await_healthy(self, name: str) -> None:
        """Wait until the health check of the file passes."""
        deadline = time.monotonic() + _PATIENCE
        while not self.healthy(name):
            assert self._running[name].poll() is None, f"{name} ended:\n{self.log(name)}"
            assert time.monotonic() < deadline, f"{name} is not healthy:\n{self.log(name)}"
            time.sleep(1)

    def healthy(self, name: str) -> bool:
        """Whether a service's health check passes."""
        kind, *command = self.services[name]["healthcheck"]["test"]
        assert kind == "CMD"
        return self.execute(name, *command).returncode == 0

    def execute(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a service's container, as its user, with its environment and mounts."""
        return subprocess.run(
            self._run(name, command), capture_output=True, text=True, check=False, timeout=_PATIENCE
        )

    def kill(self, name: str) -> None:
        """Take a service away without a warning."""
        self._signal(name, signal.SIGKILL)

    def down(self) -> None:
        """Stop what runs, those first that others do not depend on; remove the containers."""
        for name in reversed([*self._running]):
            self._signal(name, signal.SIGTERM)
        for container in self._containers.values():
            subprocess.run(["buildah", "rm", container], check=False, capture_output=True)
        self._containers.clear()

    def log(self, name: str) -> str:
        """The last of what a service said."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-6000:]

    def _needs(self, name: str) -> set[str]:
        return set(self.services[name].get("depends_on", ())) - self.given

    def _signal(self, name: str, number: signal.Signals) -> None:
        process = self._running.pop(name)
        ours = _marked(self._mark(name))
        for pid in ours:
            try:
                os.kill(pid, number)
            except ProcessLookupError:
                continue
        try:
            process.wait(_STOP_SECONDS)
        except subprocess.TimeoutExpired:
            for pid in _marked(self._mark(name)):
                os.kill(pid, signal.SIGKILL)

    def _mark(self, name: str) -> str:
        return f"HEARTH_SERVICE={self.folder}/{name}"

    def _run(self, name: str, command: Any) -> list[str]:
        service = self.services[name]
        environment = dict(service.get("environment", {}))
        arguments = [f"--env={key}={value}" for key, value in environment.items()]
        # Titles that processes give themselves would overwrite the mark where others read it.
        arguments += [f"--env={self._mark(name)}", "--env=SPT_NOENV=1"]
        # With an engine a container can resolve its own name; here only services' names are known.
        arguments.append(f"--hostname={name}")
        arguments += [f"--user={service['user']}"] if "user" in service else []
        for mount in service.get("volumes", ()):
            source, target, *mode = mount.split(":")
            arguments.append(f"--volume={self._volume(source)}:{target}:{','.join(mode) or 'rw'}")
        for place in service.get("tmpfs", ()):
            folder = self.folder / "tmpfs" / name / place.strip("/").replace("/", "-")
            arguments.append(f"--volume={_open(folder)}:{place}:rw")
        for secret in service.get("secrets", ()):
            source = (self.file.parent / self._secrets[secret]["file"]).resolve()
            arguments.append(f"--volume={source}:/run/secrets/{secret}:ro")
        container = self._containers[name]
        return [
            "buildah",
            "run",
            "--isolation=chroot",
            *arguments,
            container,
            "--",
            *command,
        ]

    def _volume(self, source: str) -> Path:
        if source.startswith((".", "/")):
            return (self.file.parent / source).resolve()
        return _open(self.folder / "volumes" / source)


def _open(folder: Path) -> Path:
    """Make a folder that belongs to the images' user."""
    folder.mkdir(parents=True, exist_ok=True)
    shutil.chown(folder, _USER, _USER)
    return folder


def _said(*command: str) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def _marked(mark: str) -> list[int]:
    """The processes that have a mark in their environment."""
    found = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            words = (folder / "environ").read_bytes().split(b"\0")
        except OSError:
            continue
        if mark.encode() in words:
            found.append(int(folder.name))
    return found
