"""Print the log of a stage's job, to its end or as it grows."""

from __future__ import annotations

import time
from typing import Final

import typer

from hearth.build import Build, EventKind, builds
from hearth.cli.output import print_json
from hearth.compute.registry import open_backend
from hearth.errors import NotFoundError
from hearth.model import Stage
from hearth.profile import Profile
from hearth.settings import settings
from hearth.storage import Store

_POLL_SECONDS: Final = 1.0


def print_log(
    profile: Profile, stage: Stage, build_id: str | None, *, follow: bool, as_json: bool
) -> None:
    """Print a log.

    Args:
        profile: where the build runs.
        stage: whose log.
        build_id: of which build; None: the newest that ran this stage.
        follow: go on until the job ends.
        as_json: print one JSON value.

    Raises:
        NotFoundError: the stage did not run, or its log is gone.
    """
    root = Store.open(profile.storage)
    candidates = [Build(root, build_id)] if build_id else list(builds(root))
    name = next(filter(None, (_job(build, stage) for build in candidates)), None)
    if name is None:
        message = f"{stage}: no job of it: it was reused, or waits; `hearth status` shows builds"
        raise NotFoundError(message)
    backend = open_backend(profile, settings())
    handle = backend.find(name)
    if handle is None:
        message = f"job {name}: its log is not on this machine any more"
        raise NotFoundError(message)
    cursor, parts = "", []
    while True:
        # Asked before reading: what the job says last is then still read.
        over = backend.status(handle).state.final
        chunk = backend.logs(handle, cursor)
        while chunk.text:
            parts.append(chunk.text)
            if not as_json:
                typer.echo(chunk.text, nl=False)
            cursor = chunk.cursor
            chunk = backend.logs(handle, cursor)
        if over or not follow:
            break
        time.sleep(_POLL_SECONDS)
    if as_json:
        print_json({"job": name, "over": over, "log": "".join(parts)})


def _job(build: Build, stage: Stage) -> str | None:
    jobs = [
        str(event.data["job"])
        for event in build.events()
        if event.stage is stage
        and event.kind in {EventKind.ATTEMPT_STARTED, EventKind.ATTEMPT_JOINED}
    ]
    return jobs[-1] if jobs else None
