"""`python -m hearth.stack up|stop|status`: what `make up` and `make stop` run."""

from __future__ import annotations

import argparse
import logging
import sys
import time

from hearth.errors import EXIT_OK, HearthError
from hearth.settings import settings
from hearth.stack import watch
from hearth.stack.secrets import ADMIN
from hearth.stack.stack import Stack


def main(arguments: list[str]) -> int:
    """Run one command; return the exit code."""
    parser = argparse.ArgumentParser(prog="hearth.stack", description=__doc__)
    parser.add_argument("command", choices=("up", "stop", "status", watch.NAME))
    command = parser.parse_args(arguments).command
    began = time.monotonic()

    def say(line: str) -> None:
        print(f"[stack {time.monotonic() - began:4.0f}s] {line}", flush=True)

    try:
        stack = Stack(settings(), say)
        match command:
            case "up":
                if not stack.up():
                    say("already up")
                _show_login(stack)
            case "stop":
                say("stopped" if stack.stop() else "nothing to stop")
            case "status":
                _show_status(stack)
            case watch.NAME:
                logging.basicConfig(
                    level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
                )
                watch.Watch(one for one in stack.daemons.values() if one.name != watch.NAME).run()
    except HearthError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    return EXIT_OK


def _show_login(stack: Stack) -> None:
    print(
        f"Airflow   {stack.airflow_url}   user {ADMIN}, password {stack.secrets.admin_password()}\n"
        f"Endpoint  {stack.endpoint_url}/v1\n"
        f"Logs      {stack.settings.home / 'logs'}"
    )


def _show_status(stack: Stack) -> None:
    for service in stack.status():
        state = f"pid {service.pid}" if service.pid else "down"
        print(f"{service.name:14} {state:12} {service.resident_bytes >> 20:6} MiB")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
