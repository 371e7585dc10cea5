"""What the chain costs over its jobs: a build's wall time minus its jobs' times.

Starts a stack of its own in a temporary folder, so that nobody's endpoint is touched, and builds
`tiny` on it three times: into an empty store; again, when everything is reused; and again from
the mirror on, when every stage runs although something serves. A build's wall time runs from when
it was asked for to the end of its DAG run. A job's time is what its backend says, from the start
of its process to its end; jobs that run side by side count once. What is left is Airflow's and
the rollout's, which is no job. `--json` also says when what happened.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import shutil
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from hearth.build import Build, Event, EventKind
from hearth.cli.airflow import Airflow, DagRun
from hearth.errors import EXIT_OK, DataError, HearthError, TransientError
from hearth.execution import Execution
from hearth.model import FrozenModel, Stage
from hearth.profile import load_profile
from hearth.settings import settings
from hearth.stack.ports import all_ports, is_free
from hearth.stack.stack import Stack
from hearth.storage import Store

_POLL_SECONDS: Final = 1.0
_STAGES_RUN: Final = 45.0
_ALL_REUSED: Final = 20.0
_ENDED: Final = frozenset({"success", "failed"})
_EXIT_MISSED: Final = 1


class Case(FrozenModel):
    """One build to measure."""

    name: str
    rebuild_from: Stage | None
    runs: frozenset[Stage]
    """The stages that must run; every other must be reused."""
    bar: float


_ALL: Final = frozenset(Stage)
CASES: Final = (
    Case(name="first", rebuild_from=None, runs=_ALL, bar=_STAGES_RUN),
    Case(name="all reused", rebuild_from=None, runs=frozenset(), bar=_ALL_REUSED),
    # A suite is frozen: no rebuild makes another.
    Case(name="rebuilt", rebuild_from=Stage.MIRROR, runs=_ALL - {Stage.SUITE}, bar=_STAGES_RUN),
)


class Measured(FrozenModel):
    """What one build took."""

    case: str
    build: str
    wall_seconds: float
    job_seconds: float
    jobs: int
    rollout_seconds: float
    overhead_seconds: float
    bar_seconds: float
    timeline: dict[str, float]
    """What happened → seconds since the build was asked for."""


@contextmanager
def own_stack(home: Path) -> Iterator[None]:
    """Run a stack in `home`, on ports that are free."""
    # As a person would set them: everything below reads its settings from there.
    os.environ["HEARTH_HOME"] = str(home)
    while True:
        first = random.randrange(20_000, 30_000)  # noqa: S311 - no secret
        for name, port in (("S3", first), ("AIRFLOW", first + 8), ("ENDPOINT", first + 9)):
            os.environ[f"HEARTH_{name}_PORT"] = str(port)
        settings.cache_clear()
        if all(is_free(port.number) for port in all_ports(settings())):
            break
    stack = Stack(settings(), lambda line: print(line, file=sys.stderr))
    try:
        stack.up()
        yield
    finally:
        stack.stop(job_grace=5.0)


def measure(airflow: Airflow, store: Store, case: Case, recipe: str, patience: float) -> Measured:
    """Build once and add up.

    Raises:
        DataError: the build failed, or did something else than the case is about.
        TransientError: it did not end in time.
    """
    conf = {"recipe": recipe, "profile": load_profile().name}
    if case.rebuild_from:
        conf["rebuild_from"] = case.rebuild_from
    asked = airflow.trigger(conf)
    build = Build(store, asked.build(recipe))
    ended = _wait(airflow, asked, build, patience)
    events = build.events()
    done = [event for event in events if event.kind is EventKind.STAGE_DONE]
    _check(case, build, done)
    rollout = next(event for event in reversed(events) if event.kind is EventKind.ROLLED_OUT)
    spans = {event.stage: _job(build, event.stage, event) for event in done if event.stage}
    wall, jobs = _seconds(asked.run_after, ended), _covered(spans.values())
    moments = [(_named(event), event.at) for event in events]
    for stage, (start, end) in spans.items():
        moments += [(f"{stage} job starts", start), (f"{stage} job ends", end)]
    return Measured(
        case=case.name,
        build=build.id,
        wall_seconds=wall,
        job_seconds=jobs,
        jobs=len(done),
        rollout_seconds=float(str(rollout.data["seconds"])),
        overhead_seconds=wall - jobs,
        bar_seconds=case.bar,
        timeline={
            name: round(_seconds(asked.run_after, at), 2)
            for name, at in sorted(moments, key=lambda moment: moment[1])
        },
    )


def _wait(airflow: Airflow, asked: DagRun, build: Build, patience: float) -> datetime:
    deadline = time.monotonic() + patience
    while time.monotonic() < deadline:
        found = airflow.dag_run(asked.run)
        if found.state in _ENDED and found.ended:
            if found.state == "failed":
                message = f"build {build.id} failed: {_last_words(build)}"
                raise DataError(message)
            return found.ended
        time.sleep(_POLL_SECONDS)
    tasks = {name: state for name, state in airflow.tasks(asked.run).items() if state != "success"}
    message = f"build {build.id} did not end in {patience:.0f} s: {tasks}"
    raise TransientError(message)


def _last_words(build: Build) -> str:
    bad = {EventKind.FAILED, EventKind.ATTEMPT_ENDED, EventKind.ROLLED_BACK, EventKind.GATE}
    events = [event for event in build.events() if event.kind in bad]
    return str(events[-1].data) if events else "it left no event"


def _check(case: Case, build: Build, done: list[Event]) -> None:
    ran = {event.stage for event in done if event.stage}
    if ran != case.runs:
        names = (", ".join(sorted(stages)) or "nothing" for stages in (ran, case.runs))
        message = "build {} ({}): ran {}, not {}".format(build.id, case.name, *names)
        raise DataError(message)


def _job(build: Build, stage: Stage, event: Event) -> tuple[datetime, datetime]:
    """Return when the job ran, by its backend's word, that a finished stage's event is about."""
    fingerprint = str(event.data["fingerprint"])
    execution = Execution.of(build.root, build.record(), stage, fingerprint)
    name = execution.attempts.get(int(str(event.data["attempt"]))).name
    handle = execution.backend.find(name)
    status = execution.backend.status(handle) if handle else None
    if status is None or status.started is None or status.finished is None:
        message = f"job {name}: its backend does not say when it ran"
        raise DataError(message)
    return status.started, status.finished


def _named(event: Event) -> str:
    if event.kind is EventKind.ROLLOUT_STEP:
        return f"rollout {event.data['name']} at {event.data['weight']} %"
    return f"{event.stage or ''} {event.kind}".strip()


def _covered(spans: Iterable[tuple[datetime, datetime]]) -> float:
    """Return the seconds that lie in at least one span."""
    total, reached = 0.0, None
    for start, end in sorted(spans):
        since = start if reached is None else max(start, reached)
        total += max(0.0, _seconds(since, end))
        reached = end if reached is None else max(reached, end)
    return total


def _seconds(start: datetime, end: datetime) -> float:
    return (end - start).total_seconds()


def _show(found: list[Measured]) -> None:
    table = Table("build", "wall s", "jobs", "jobs' s", "rollout s", "overhead s", "bar s")
    for one in found:
        numbers = (one.wall_seconds, one.job_seconds, one.rollout_seconds, one.overhead_seconds)
        wall, jobs, rollout, over = (f"{number:.1f}" for number in numbers)
        table.add_row(one.case, wall, str(one.jobs), jobs, rollout, over, f"{one.bar_seconds:.0f}")
    Console().print(table)


def main(arguments: list[str]) -> int:
    """Measure, and print a table or, with `--json`, the numbers; 1 when a bar is missed."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--recipe", default="tiny")
    parser.add_argument("--patience", type=float, default=900.0, help="seconds for one build")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    given = parser.parse_args(arguments)
    home = Path(tempfile.mkdtemp(prefix="hearth-bench-"))
    try:
        with own_stack(home):
            airflow, store = Airflow(), Store.open(load_profile().storage)
            found = [measure(airflow, store, c, given.recipe, given.patience) for c in CASES]
    except HearthError as error:
        print(f"error: {error}; logs: {home}/logs", file=sys.stderr)
        return error.exit_code
    shutil.rmtree(home)
    if given.json:
        print(json.dumps([one.model_dump() for one in found], indent=1))
    else:
        _show(found)
    return EXIT_OK if all(m.overhead_seconds <= m.bar_seconds for m in found) else _EXIT_MISSED


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
