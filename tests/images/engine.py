"""What stands for `docker compose` where scripts call it: a door to the services of a test.

A client is told over a socket what to run in place of its command line, and runs it with the
script's own streams.
"""

from __future__ import annotations

import json
import shlex
import socketserver
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from tests.images.containers import Compose

_CLIENT: Final = """\
import json, os, shutil, socket, subprocess, sys
with socket.socket(socket.AF_UNIX) as door:
    door.connect({door!r})
    door.sendall(json.dumps(sys.argv[1:]).encode() + b"\\n")
    answer = json.loads(door.makefile().readline())
if "error" in answer:
    sys.exit(answer["error"])
if answer["files"] is None:
    os.execvp(answer["run"][0], answer["run"])
with open(answer["files"] + "/in", "wb") as given:
    shutil.copyfileobj(sys.stdin.buffer, given)
code = subprocess.run(answer["run"], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL).returncode
for name, stream in (("out", sys.stdout.buffer), ("err", sys.stderr.buffer)):
    with open(answer["files"] + "/" + name, "rb") as said:
        shutil.copyfileobj(said, stream)
sys.exit(code)
"""


@contextmanager
def engine(
    compose: Compose, folder: Path, given: Callable[[list[str]], list[str]]
) -> Iterator[str]:
    """Serve a stack to scripts; yields what `COMPOSE` must be.

    Args:
        compose: the stack.
        folder: a new one, for the socket.
        given: the command line for a command in a service that somebody else provides.
    """
    folder.mkdir()
    door, client = folder / "door", folder / "compose.py"
    client.write_text(_CLIENT.format(door=str(door)))

    class Answer(socketserver.StreamRequestHandler):
        def handle(self) -> None:
            said: dict[str, Any]
            try:
                command, files = _do(compose, json.loads(self.rfile.readline()), given)
                said = {"run": command, "files": str(files) if files else None}
            except (AssertionError, KeyError, ValueError) as error:
                said = {"error": f"{type(error).__name__}: {error}"}
            self.wfile.write(json.dumps(said).encode() + b"\n")

    with socketserver.ThreadingUnixStreamServer(str(door), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield f"{sys.executable} {client}"
        finally:
            server.shutdown()


def _do(
    compose: Compose, arguments: list[str], given: Callable[[list[str]], list[str]]
) -> tuple[list[str], Path | None]:
    if arguments[0] == "--profile":
        arguments = arguments[2:]
    verb, *rest = arguments
    words = list(rest)
    while words and words[0].startswith("-"):
        flag = words.pop(0)
        assert flag in {"--services", "--status", "-T", "--rm", "--no-deps", "--detach", "--wait",
                        "--no-recreate", "--quiet"}, flag  # fmt: skip
        if flag == "--status":
            words.pop(0)
    told: dict[str, Callable[[], list[str]]] = {
        "ps": compose.running,
        "config": compose.on,
        "images": lambda: compose.images(*words),
    }
    if verb in told:
        return ["printf", "%s", "".join(f"{line}\n" for line in told[verb]())], None
    match verb:
        case "stop":
            compose.stop(*words)
        case "up":
            wanted = [word for word in words if word not in compose.given]
            if wanted or not words:
                compose.up(*wanted)
        case "exec" | "run" if words[0] in compose.given:
            return given(words[1:]), None
        case "exec" | "run":
            return compose.once(*words)
        case _:
            raise ValueError(shlex.join(arguments))
    return ["true"], None
