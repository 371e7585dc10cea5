"""How commands speak: tables for people, JSON for programs, errors in a line."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any, Final

import typer
from pydantic import BaseModel
from rich.console import Console

from hearth.errors import EXIT_DEFECT, HearthError

# No emoji: `:x:` is part of a document's key, not a picture.
console: Final = Console(highlight=False, emoji=False)
errors: Final = Console(stderr=True, highlight=False, emoji=False)

AsJson = Annotated[bool, typer.Option("--json", help="Print JSON and nothing else.")]
ProfileName = Annotated[
    str | None, typer.Option("--profile", "-p", help="Where to run; default: HEARTH_PROFILE.")
]


def print_json(value: BaseModel | Any) -> None:
    """Print a value as JSON."""
    data = value.model_dump(mode="json") if isinstance(value, BaseModel) else value
    typer.echo(json.dumps(data, ensure_ascii=False, indent=2, default=str))


@contextmanager
def told() -> Iterator[None]:
    """Turn errors into a line on standard error and the exit code that they stand for."""
    try:
        yield
    except HearthError as error:
        errors.print(f"[bold red]error:[/] {_escape(str(error))}", soft_wrap=True)
        if error.exit_code == EXIT_DEFECT:
            errors.print("This is a defect in Hearth; please report it with its log.")
        sys.exit(error.exit_code)


def human_bytes(count: int) -> str:
    """Return a size as people read it."""
    size = float(count)
    for unit in ("B", "KiB", "MiB", "GiB"):
        if size < 1024 or unit == "GiB":  # noqa: PLR2004 - the step of binary units
            return f"{size:.0f} {unit}" if unit == "B" else f"{size:.1f} {unit}"
        size /= 1024
    raise AssertionError


def _escape(text: str) -> str:
    return text.replace("[", r"\[")
