"""Follow a build: one live bar per stage, read from the store; Ctrl-C only detaches."""

from __future__ import annotations

import time
from typing import Any, Final

from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from hearth.artifact import Artifact
from hearth.attempt import Attempts
from hearth.build import Build, Event, EventKind, Run
from hearth.cli.airflow import Airflow
from hearth.cli.output import console, errors
from hearth.errors import NotFoundError, TransientError
from hearth.model import Stage
from hearth.pipeline import StagePlan, stage_plans

_POLL_SECONDS: Final = 2.0
_PATIENCE_SECONDS: Final = 300.0
_AFTER: Final = ("gate", "approve", "rollout")


def follow(airflow: Airflow, run: Run, build: Build, *, quiet: bool) -> str:
    """Wait for a build's end; return the state of its DAG run.

    Raises:
        TransientError: Airflow or the store stays away for minutes.
        SystemExit: Ctrl-C; the build goes on.
    """
    if not quiet:
        console.print(
            f"build [bold]{build.id}[/]  {airflow.url}/dags/{run.dag_id}/runs/{run.run_id}"
        )
    try:
        return _Follower(airflow, run, build, quiet=quiet).wait()
    except KeyboardInterrupt:
        errors.print(f"\ndetached; the build goes on. Come back: hearth status {build.id}")
        raise SystemExit(130) from None


class _Follower:
    def __init__(self, airflow: Airflow, run: Run, build: Build, *, quiet: bool) -> None:
        self._airflow, self._run, self._build = airflow, run, build
        self._plans: dict[Stage, StagePlan] = {}
        self._said: dict[str, str] = {}
        self._bars: dict[str, TaskID] = {}
        self._live = not quiet and console.is_terminal
        self._quiet = quiet
        self._progress = Progress(
            TextColumn("{task.description:10}"),
            BarColumn(bar_width=24),
            TextColumn("{task.fields[word]}"),
            TimeElapsedColumn(),
            console=console,
            disable=not self._live,
        )

    def wait(self) -> str:
        answered = time.monotonic()
        with self._progress:
            while True:
                try:
                    state = self._airflow.dag_run(self._run).state
                    self._look()
                except TransientError as error:
                    # A restart of Airflow or of the store ends nothing.
                    if time.monotonic() - answered > _PATIENCE_SECONDS:
                        raise
                    self._say("waiting", str(error))
                else:
                    answered = time.monotonic()
                    if state in {"success", "failed"}:
                        return state
                time.sleep(_POLL_SECONDS)

    def _look(self) -> None:
        tasks = self._airflow.tasks(self._run)
        if not self._plans:
            try:
                self._plans = stage_plans(self._build.record())
            except NotFoundError:
                self._say("resolve", str(tasks.get("resolve") or "waiting"))
                return
            self._say("resolve", "done")
        ended = {
            event.stage: event
            for event in self._build.events()
            if event.kind in {EventKind.STAGE_REUSED, EventKind.STAGE_DONE}
            and event.data.get("task") == event.stage
        }
        for stage, plan in self._plans.items():
            event = ended.get(stage)
            if event is not None:
                self._say(stage, _ended(event), 1, 1)
            elif tasks.get(stage) not in {None, "scheduled", "queued"}:
                self._running(stage, plan, str(tasks[stage]))
        for task in _AFTER:
            if tasks.get(task):
                self._say(task, str(tasks[task]))

    def _running(self, stage: Stage, plan: StagePlan, state: str) -> None:
        attempt = Attempts(Artifact(self._build.root, stage, plan.fingerprint)).latest()
        word = attempt.progress() if attempt else None
        if word is None:
            self._say(stage, state)
            return
        of = f"/{word.total}" if word.total else ""
        text = f"{word.step} {word.done}{of} {word.unit} {word.message}".rstrip()
        self._say(stage, text, word.done, word.total, heading=word.step)

    def _say(
        self,
        name: str,
        text: str,
        done: int = 0,
        total: int | None = None,
        heading: str | None = None,
    ) -> None:
        if self._live:
            if name not in self._bars:
                self._bars[name] = self._progress.add_task(name, total=None, word="")
            fields: dict[str, Any] = {"word": text, "completed": done, "total": total}
            self._progress.update(self._bars[name], **fields)
        elif not self._quiet and self._said.get(name) != (heading or text):
            # A log wants what begins and ends, not every step of a bar.
            self._said[name] = heading or text
            console.print(f"{name:10} {heading or text}", markup=False)


def _ended(event: Event) -> str:
    if event.kind is EventKind.STAGE_REUSED:
        return f"reused, from build {event.data.get('made_by')}"
    cost = event.data.get("cost")
    seconds = cost.get("wall_seconds") if isinstance(cost, dict) else None
    return f"done in {seconds} s" if seconds is not None else "done"
