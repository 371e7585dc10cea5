"""Stands in for every stage program: the real harness around no work at all.

Called by the stand-in for the stages' interpreter as `toy.py FOLDER -m hearth.<stage> --job URI`.
`FOLDER/<stage>.json` says what to do; `FOLDER/<stage>.started` gets a line per start.
"""

from __future__ import annotations

import importlib
import json
import sys
import time
from pathlib import Path
from typing import Any

from pydantic import ConfigDict

from hearth import errors
from hearth.model import Stage, StageSpec
from hearth.stage import context as stage_context
from hearth.stage.context import Context
from hearth.stage.program import main

FOLDER = Path(sys.argv[1])
STAGE = Stage(sys.argv[3].removeprefix("hearth."))


class AnySpec(StageSpec):
    model_config = ConfigDict(frozen=True, extra="allow")


def run(context: Context) -> dict[str, Any]:
    with (FOLDER / f"{STAGE}.started").open("a") as file:
        file.write(f"{context.job.attempt}\n")
    wish_file = FOLDER / f"{STAGE}.json"
    wish = json.loads(wish_file.read_text()) if wish_file.exists() else {}
    for done in wish.get("progress", ()):
        message, metrics = "loss 2.500", {"loss": 2.5, "tokens_per_second": 1200.0}
        context.progress("train", done, 100, "steps", message, metrics)
    if "progress" not in wish:
        context.progress("toying", 0, 1, "toys")
    while wish.get("wait") and not (FOLDER / f"{STAGE}.go").exists():
        time.sleep(0.02)
    if "error" in wish:
        raise getattr(errors, wish["error"])(wish["message"])
    copies = FOLDER / f"{STAGE}.outputs"
    if copies.is_dir():
        for path in sorted(copies.iterdir()):
            context.publish(path, path.name)
    else:
        toy = context.scratch / "toy.txt"
        toy.write_text("a toy")
        context.publish(toy, "toy.txt", rows=1)
    context.unverified("it is a toy")
    return {"toys": 1, "nested": {"left": "out"}}


if __name__ == "__main__":
    stage_context.PROGRESS_SECONDS = 0  # type: ignore[misc] - a toy has no time
    contract = importlib.import_module(f"hearth.{STAGE}.spec").CONTRACT
    sys.exit(main(STAGE, contract, AnySpec, run, sys.argv[4:]))
