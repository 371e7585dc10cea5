"""The profile `monitoring`, by Debian's Prometheus and prober and a stand-in for statsd_exporter.

The stand-in follows the mapping file as statsd_exporter documents it: globs in their order, `$1` in
names and labels, milliseconds as seconds. It knows no ttl and no buckets.
"""

from __future__ import annotations

import http.server
import re
import socketserver
import subprocess
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from tests.images.given import wait_for_port

PROGRAMS: Final = {"blackbox": "prometheus-blackbox-exporter", "prometheus": "prometheus"}
RULES: Final = "docker/monitoring/rules.yaml"
_PROMETHEUS: Final = "http://127.0.0.1:9090"
_LINE: Final = re.compile(r"(?P<name>[^:]+):(?P<value>[-+]?[0-9.eE+-]+)\|(?P<type>c|g|ms)")
_PATIENCE: Final = 300.0

Labels = tuple[tuple[str, str], ...]


class Statsd:
    """Takes StatsD's datagrams, and shows them to Prometheus."""

    def __init__(self, mapping: Path) -> None:
        """Read the mapping."""
        self._mappings = [
            (re.compile(re.escape(one["match"]).replace(r"\*", "([^.]*)")), one)
            for one in yaml.safe_load(mapping.read_text())["mappings"]
        ]
        self._lock = threading.Lock()
        self._values: dict[tuple[str, Labels], float] = {}

    def take(self, line: str) -> None:
        """Count one line of a datagram."""
        found = _LINE.match(line)
        if found is None:
            return
        name, labels = self._mapped(found["name"])
        value, said = float(found["value"]), found["value"]
        with self._lock:
            if found["type"] == "ms":
                self._add(f"{name}_sum", labels, value / 1000)
                self._add(f"{name}_count", labels, 1)
            elif found["type"] == "c" or said[0] in "+-":
                self._add(name, labels, value)
            else:
                self._values[name, labels] = value

    def shown(self) -> str:
        """All series, in Prometheus' text format."""
        with self._lock:
            series = sorted(self._values.items())
        lines = []
        for (name, labels), value in series:
            inside = ",".join(f'{key}="{one}"' for key, one in labels)
            lines.append(f"{name}{{{inside}}} {value}\n")
        return "".join(lines)

    def _mapped(self, name: str) -> tuple[str, Labels]:
        for pattern, one in self._mappings:
            if found := pattern.fullmatch(name):
                filled = {key: _fill(text, found) for key, text in one["labels"].items()}
                return _fill(one["name"], found), tuple(filled.items())
        return re.sub(r"[^A-Za-z0-9_]", "_", name), ()

    def _add(self, name: str, labels: Labels, value: float) -> None:
        self._values[name, labels] = self._values.get((name, labels), 0.0) + value


def _fill(text: str, found: re.Match[str]) -> str:
    return re.sub(r"\$(\d)", lambda number: found[int(number[1])], text)


@contextmanager
def _served(statsd: Statsd) -> Iterator[None]:
    """Listen for datagrams, and show what they said."""

    class Datagram(socketserver.DatagramRequestHandler):
        def handle(self) -> None:
            for line in self.rfile.read().decode().splitlines():
                statsd.take(line)

    class Page(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = statsd.shown().encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with (
        socketserver.ThreadingUDPServer(("127.0.0.1", 9125), Datagram) as datagrams,
        http.server.ThreadingHTTPServer(("127.0.0.1", 9102), Page) as pages,
    ):
        for server in (datagrams, pages):
            threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield
        finally:
            for server in (datagrams, pages):
                server.shutdown()


def _settings(services: Mapping[str, Any], root: Path, folder: Path) -> None:
    """Copy the settings; all names are loopback here, and nobody waits a quarter of a minute."""
    folder.mkdir(parents=True)
    for path in (root / "docker" / "monitoring").iterdir():
        text = path.read_text()
        if path.name == "prometheus.yaml":
            text = re.sub(rf"\b({'|'.join(services)}):(\d+)", r"127.0.0.1:\2", text)
            text = text.replace("_interval: 15s", "_interval: 2s")
        (folder / path.name).write_text(text)


def _placed(word: str, settings: Path, folder: Path) -> str:
    if word.startswith("--storage.tsdb.path"):
        return f"--storage.tsdb.path={folder / 'series'}"
    return word.replace("/etc/monitoring", str(settings))


@contextmanager
def monitoring(services: Mapping[str, Any], root: Path, folder: Path) -> Iterator[Statsd]:
    """Start what watches a stack on loopback, by the commands of the compose file.

    Args:
        services: those of the compose file.
        root: where that file lies.
        folder: a new one, for the series and the logs.
    """
    settings = folder / "monitoring"
    _settings(services, root, settings)
    statsd = Statsd(settings / "statsd.yaml")
    running = []
    with _served(statsd):
        try:
            for name, program in PROGRAMS.items():
                words = [_placed(word, settings, folder) for word in services[name]["command"]]
                with (folder / f"{name}.log").open("wb") as log:
                    running.append(
                        subprocess.Popen([program, *words], stdout=log, stderr=subprocess.STDOUT)
                    )
            for port in (9115, 9090):
                wait_for_port(port)
            yield statsd
        finally:
            for process in running:
                process.terminate()
                process.wait(60)


def query(expression: str) -> list[dict[str, Any]]:
    """Ask Prometheus; returns the series of an instant."""
    answer = httpx.get(f"{_PROMETHEUS}/api/v1/query", params={"query": expression}, timeout=30)
    found: list[dict[str, Any]] = answer.raise_for_status().json()["data"]["result"]
    return found


def firing() -> set[str]:
    """The alerts that fire or are about to."""
    answer = httpx.get(f"{_PROMETHEUS}/api/v1/alerts", timeout=30).raise_for_status().json()
    return {one["labels"]["alertname"] for one in answer["data"]["alerts"]}


def missing(expressions: list[str]) -> list[str]:
    """Those that return nothing, once they had the time to."""
    deadline = time.monotonic() + _PATIENCE
    while (empty := [one for one in expressions if not query(one)]) and (
        time.monotonic() < deadline
    ):
        time.sleep(2)
    return empty


def rules(root: Path, kind: str) -> dict[str, str]:
    """The expressions of a kind of rule, `record` or `alert`, by name."""
    groups = yaml.safe_load((root / RULES).read_text())["groups"]
    return {one[kind]: one["expr"] for group in groups for one in group["rules"] if kind in one}


def operands(expression: str) -> list[str]:
    """Return what an alert compares, each as a question that has an answer where all is well.

    A comparison filters: where all is well it returns nothing. With `bool` it returns 0 or 1 for
    whatever it found. What asks for absence has nothing to find.
    """
    between = r"\s(?:and|or|unless)\b(?:\s*on\s*\([^)]*\))?\s*"
    parts = re.split(between, " ".join(expression.split()))
    return [
        re.sub(r"(==|!=|<=|>=|<|>)\s*(?=[\d.])", r"\1 bool ", part)
        for part in parts
        if not part.startswith("absent(")
    ]
