"""Starts the services of `docker-compose.yaml` where no container engine runs.

`buildah run --isolation chroot` starts a command in an image with the user, environment and mounts
that the compose file gives it; all of that is read from the file. Of a read-only root what belongs
to the service's user is made so. What chroots do not have is left out: limits of resources,
capabilities, networks; services are names of loopback.
"""

from __future__ import annotations

import itertools
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
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
        profiles: those that are on.
    """

    file: Path
    folder: Path
    variables: Mapping[str, str]
    given: frozenset[str] = frozenset()
    profiles: frozenset[str] = frozenset()
    _containers: dict[str, str] = field(default_factory=dict)
    _running: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)
    _numbers: Iterator[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        text = substituted(self.file.read_text(), self.variables)
        self.services: dict[str, dict[str, Any]] = yaml.safe_load(text)["services"]
        self._secrets: dict[str, dict[str, str]] = yaml.safe_load(text)["secrets"]

    def up(self, *names: str) -> None:
        """Start every service of the profiles, or some of them, each after those it depends on."""
        waiting = [
            name
            for name in names or self.services
            if name not in self.given and name not in self._running and self._on(name)
        ]
        while waiting:
            free = [name for name in waiting if not self._needs(name) & set(waiting)]
            assert free, f"{waiting} depend on each other"
            for name in free:
                self.start(name)
            for name in free:
                if self._once(name):
                    assert self._running.pop(name).wait(_PATIENCE) == 0, self.log(name)
                else:
                    self.await_healthy(name)
                waiting.remove(name)

    def start(self, name: str) -> None:
        """Start one service."""
        self._create(name)
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
        if kind == "CMD-SHELL":
            command = ["/bin/sh", "-c", command[0].replace("$$", "$")]
        return self.execute(name, *command).returncode == 0

    def execute(self, name: str, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a command in a service's container, as its user, with its environment and mounts."""
        arguments, files = self.once(name, *command)
        code = subprocess.run(
            arguments, check=False, timeout=_PATIENCE, stdout=subprocess.DEVNULL
        ).returncode
        said = [(files / stream).read_text(errors="replace") for stream in ("out", "err")]
        return subprocess.CompletedProcess(command, code, *said)

    def once(self, name: str, *command: str) -> tuple[list[str], Path]:
        """Prepare a command in a service's container, whether it runs or not.

        Its streams are files, because now and then `buildah run` loses what a pipe was given.

        Returns:
            What to run, and the folder of its `in`, `out` and `err`.
        """
        self._create(name)
        files = _open(self.folder / "streams" / f"{name}-{next(self._numbers)}")
        for stream in ("in", "out", "err"):
            (files / stream).touch()
            (files / stream).chmod(0o666)
        redirected = ["/bin/sh", "-c", 'exec "$@" </streams/in >/streams/out 2>/streams/err', "sh"]
        return self._run(name, [*redirected, *command], f"--volume={files}:/streams:rw"), files

    def images(self, *names: str) -> list[str]:
        """The ids of the images that services' containers were made from."""
        what = ("buildah", "inspect", "--type=container", "--format={{.FromImageID}}")
        made = [self._containers[name] for name in names if name in self._containers]
        return [_said(*what, container) for container in made]

    def on(self) -> list[str]:
        """The services of the profiles that are on."""
        return [name for name in self.services if self._on(name)]

    def running(self) -> list[str]:
        """The services that run, those that others depend on first."""
        return [name for name, process in self._running.items() if process.poll() is None]

    def kill(self, name: str) -> None:
        """Take a service away without a warning."""
        self._signal(name, signal.SIGKILL)

    def stop(self, *names: str) -> None:
        """Stop services, or all, those first that others do not depend on."""
        for name in reversed([*self._running]):
            if name in names or not names:
                self._signal(name, signal.SIGTERM)

    def down(self) -> None:
        """Stop what runs; remove the containers."""
        self.stop()
        for container in self._containers.values():
            subprocess.run(["buildah", "rm", container], check=False, capture_output=True)
        self._containers.clear()

    def log(self, name: str) -> str:
        """The last of what a service said."""
        return (self.folder / f"{name}.log").read_text(errors="replace")[-6000:]

    def _on(self, name: str) -> bool:
        profiles = self.services[name].get("profiles")
        return profiles is None or not self.profiles.isdisjoint(profiles)

    def _once(self, name: str) -> bool:
        return self.services[name].get("restart") == "no"

    def _create(self, name: str) -> None:
        if name in self._containers:
            return
        service = self.services[name]
        hosts = [f"--add-host={other}:127.0.0.1" for other in self.services]
        limits = service.get("ulimits", {})
        options = [*hosts, *(f"--ulimit={key}={limit}" for key, limit in limits.items())]
        container = _said("buildah", "from", "--isolation=chroot", *options, service["image"])
        self._containers[name] = container
        if service.get("read_only"):
            owned = ["find", "/", "-xdev", "-user", str(_USER)]
            lock = ["-exec", "chown", "root", "{}", "+", "-exec", "chmod", "go=rX", "{}", "+"]
            _said(
                "buildah", "run", "--isolation=chroot", "--user=0", container, "--", *owned, *lock
            )

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

    def _run(self, name: str, command: Any, *options: str) -> list[str]:
        service = self.services[name]
        environment = dict(service.get("environment", {}))
        arguments = [f"--env={key}={value}" for key, value in environment.items()]
        # Titles that processes give themselves would overwrite the mark where others read it.
        arguments += [f"--env={self._mark(name)}", "--env=SPT_NOENV=1"]
        # With an engine a container can resolve its own name; here only services' names are known.
        arguments.append(f"--hostname={name}")
        arguments += [f"--user={service['user']}"] if "user" in service else []
        for mount in service.get("volumes", ()):
            place, target, mode = mounted(mount)
            arguments.append(f"--volume={self._volume(place)}:{target}:{mode}")
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
            *options,
            container,
            "--",
            *command,
        ]

    def _volume(self, source: str) -> Path:
        if source.startswith((".", "/")):
            return (self.file.parent / source).resolve()
        return _open(self.folder / "volumes" / source)


def substituted(text: str, variables: Mapping[str, str]) -> str:
    """Return a compose file's text with a value for every `${NAME:-default}`."""
    return _VARIABLE.sub(lambda found: variables.get(found[1]) or found[2] or "", text)


def mounted(mount: str | Mapping[str, Any]) -> tuple[str, str, str]:
    """Return source, target and mode (`rw`, `ro`) of a service's mount, in either of its forms."""
    if not isinstance(mount, str):
        mode = "ro" if mount.get("read_only") else "rw"
        return str(mount["source"]), str(mount["target"]), mode
    source, target, *options = mount.split(":")
    return source, target, ",".join(options) or "rw"


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
