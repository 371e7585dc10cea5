"""What the chain costs over its jobs: a build's wall time minus its jobs' times.

Runs `tiny` on this checkout's stack, which must be up (`make bench` sees to it): once with a seed
that training never had, so that training and what follows run, and once with the same seed again,
so that everything is reused. Jobs that run side by side count once. What is left is Airflow's and
the rollout's, which is no job.
"""

from __future__ import annotations

import argparse
import json
import secrets
import sys
import time
from collections.abc import Iterable
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.table import Table

from hearth.artifact import Artifact
from hearth.build import Build, Event, EventKind
from hearth.cli.airflow import Airflow
from hearth.errors import EXIT_OK, DataError, HearthError
from hearth.model import FrozenModel
from hearth.profile import load_profile
from hearth.storage import Store

_POLL_SECONDS: Final = 0.5
_SEEDS: Final = 2**31
_BARS: Final = {"fresh": 45.0, "reused": 20.0}


class Measured(FrozenModel):
    """One build."""

    case: str
    build: str
    wall_seconds: float
    job_seconds: float
    jobs: int
    rollout_seconds: float

    @property
    def overhead(self) -> float:
        """Seconds in which no job of the build ran."""
        return self.wall_seconds - self.job_seconds

    @property
    def bar(self) -> float:
        """The most that the overhead should be."""
        return _BARS[self.case]


def measure(airflow: Airflow, store: Store, case: str, recipe: str, seed: int) -> Measured:
    """Build once and add up.

    Raises:
        DataError: the build failed.
    """
    conf = {"recipe": recipe, "profile": load_profile().name, "train_seed": seed}
    dag_run = airflow.trigger(conf)
    build = Build(store, dag_run.build(recipe))
    began = dag_run.run_after
    while (state := airflow.dag_run(dag_run.run).state) not in {"success", "failed"}:
        time.sleep(_POLL_SECONDS)
    if state != "success":
        message = f"build {build.id} failed: `hearth status {build.id}` says why"
        raise DataError(message)
    events = build.events()
    done = [event for event in events if event.kind is EventKind.STAGE_DONE]
    end = next(event for event in reversed(events) if event.kind is EventKind.ROLLED_OUT)
    return Measured(
        case=case,
        build=build.id,
        wall_seconds=_seconds(began, end.at),
        job_seconds=_covered(_job(store, event) for event in done),
        jobs=len(done),
        rollout_seconds=float(str(end.data["seconds"])),
    )


def _job(store: Store, event: Event) -> tuple[datetime, datetime]:
    """Return when the job ran that an event of a finished stage is about."""
    fingerprint = str(event.data["fingerprint"])
    record = Artifact(store, event.stage, fingerprint).record() if event.stage else None
    if record is None:
        message = f"{event.data['uri']}: has no record: was it collected meanwhile?"
        raise DataError(message)
    return record.provenance.started, record.provenance.finished


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
        numbers = (one.wall_seconds, one.job_seconds, one.rollout_seconds, one.overhead)
        wall, jobs, rollout, over = (f"{number:.1f}" for number in numbers)
        table.add_row(one.case, wall, str(one.jobs), jobs, rollout, over, f"{one.bar:.0f}")
    Console().print(table)


def main(arguments: list[str]) -> int:
    """Measure, and print a table or, with `--json`, the numbers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--recipe", default="tiny")
    parser.add_argument("--json", action="store_true", help="print the numbers as JSON")
    given = parser.parse_args(arguments)
    try:
        airflow, store = Airflow(), Store.open(load_profile().storage)
        seed = secrets.randbelow(_SEEDS)
        found = [measure(airflow, store, case, given.recipe, seed) for case in _BARS]
    except HearthError as error:
        print(f"error: {error}", file=sys.stderr)
        return error.exit_code
    if given.json:
        rows = [{**one.model_dump(), "overhead_seconds": one.overhead} for one in found]
        print(json.dumps(rows, indent=1))
    else:
        _show(found)
    return EXIT_OK


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
