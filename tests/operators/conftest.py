"""Operators on a real store, a real local backend and toy stage programs."""

from __future__ import annotations

import asyncio
import json
import math
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pyarrow.parquet as pq
import pytest

from tests.airflow_home import settle

settle()

from airflow.sdk.exceptions import TaskDeferred  # noqa: E402 - after its environment
from airflow.sdk.execution_time.context import OutletEventAccessors  # noqa: E402
from airflow.sdk.module_loading import import_string  # noqa: E402

from hearth.artifact import ArtifactRecord, Cost, Output  # noqa: E402
from hearth.attempt import Attempts, Outcome, exit_of  # noqa: E402
from hearth.build import Build  # noqa: E402
from hearth.evaluate import scores  # noqa: E402
from hearth.execution import Execution  # noqa: E402
from hearth.model import Stage  # noqa: E402
from hearth.pipeline import stage_plans  # noqa: E402
from hearth.profile import load_profile  # noqa: E402
from hearth.provenance import provenance  # noqa: E402
from hearth.resolution import Request, create_build  # noqa: E402
from hearth.settings import settings  # noqa: E402
from hearth.storage import Store  # noqa: E402
from operators import triggers  # noqa: E402
from operators.opened import id_of, open_build, run_of  # noqa: E402

RECIPE = """
name: tiny
mirror:
  sources:
    - id: texts
      kind: file
      path: texts
      licence: CC0-1.0
      extract: [{files: "*.txt", format: text, language: en}]
suite: {name: tiny, reserved: [held-out]}
train: {steps: 5, schedule: {warmup_steps: 1}}
rollout: {ready_timeout_seconds: 1}
"""
PROFILE = """
name: test
storage: {uri: "file://${HEARTH_HOME}/store"}
compute: {resources: {cpus: 1, memory_gib: 1, time_limit_minutes: 2}}
endpoint: {url: "http://127.0.0.1:${HEARTH_ENDPOINT_PORT}"}
notify: [{file: "${HEARTH_HOME}/notify"}]
schedules: {tiny: "@weekly"}
"""
METRICS = {Stage.CURATE: {"contamination": {"toys_en": {"exposed": 0.0}}}}
"""What the gate reads of a corpus: none of the suite's items is in it."""


@dataclass
class Place:
    """A machine of its own: recipes, profiles, a store, a backend, and toys for stages."""

    config: Path
    home: Path
    toys: Path

    @property
    def root(self) -> Store:
        return Store.open(load_profile("test").storage)

    def context(self, run_id: str = "run", **params: Any) -> dict[str, Any]:
        """What Airflow would give a task of a DAG run."""
        ti = SimpleNamespace(
            id="0198",
            dag_id="build_llm",
            run_id=run_id,
            task_id="task",
            map_index=-1,
            max_tries=4,
            try_number=1,
            log_url="http://airflow/log",
            get_task_states=lambda **_: {run_id: {"gate": None}},
        )
        return {
            "params": {"recipe": "tiny", "profile": "test", **params},
            "dag_run": SimpleNamespace(
                dag_id="build_llm",
                run_id=run_id,
                run_after=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
                run_type="manual",
                triggering_user_name="ada",
            ),
            "ti": ti,
            "task_instance": ti,
            "outlet_events": OutletEventAccessors(),
        }

    def build(self, run_id: str = "run", **params: Any) -> dict[str, Any]:
        """Resolve a build; return the context of its tasks."""
        context = self.context(run_id, **params)
        create_build(Request.of(context["params"]), id_of(context), run_of(context), "ada")
        return context

    def execution(self, context: dict[str, Any], stage: Stage) -> Execution:
        opened = open_build(context)
        plan = stage_plans(opened.record)[stage]
        return Execution.of(opened.root, opened.record, stage, plan.fingerprint)

    def build_of(self, context: dict[str, Any]) -> Build:
        return open_build(context).build

    def kinds(self, context: dict[str, Any]) -> list[str]:
        return [str(event.kind) for event in self.build_of(context).events()]

    def wish(self, stage: Stage, **wish: Any) -> None:
        """Say what the program of a stage is to do."""
        (self.toys / f"{stage}.json").write_text(json.dumps(wish))

    def release(self, stage: Stage) -> None:
        """Let a program that waits go on."""
        (self.toys / f"{stage}.go").touch()

    def scores(self, bits: float, baseline: float = 8.0, spread: float = 0.1) -> None:
        """Let evaluations find models of so many bits per byte on a suite of one task."""
        rows = [
            {
                "task": "toys_en",
                "item": f"item-{n}",
                "group": f"group-{n // 2}",
                "language": "en",
                "kind": "bits_per_byte",
                "loglikelihood": -math.log(2) * 100 * (bits + spread * (-1) ** (n // 2)),
                "bytes": 100,
                "correct": None,
                "baseline_loglikelihood": -math.log(2) * 100 * baseline,
            }
            for n in range(80)
        ]
        suite = {
            "name": "tiny", "version": 1, "max_length": 256, "dtype": "float32", "works": [],
            "tasks": [{
                "task": "toys_en", "kind": "bits_per_byte", "language": "en", "items": 80,
                "groups": 40, "baselines": None, "smallest_detectable": 0.01,
            }],
        }  # fmt: skip
        for stage, name in ((Stage.SUITE, "suite.json"), (Stage.EVALUATE, "items.parquet")):
            folder = self.toys / f"{stage}.outputs"
            folder.mkdir(exist_ok=True)
            if name == "suite.json":
                (folder / name).write_text(json.dumps(suite))
            else:
                pq.write_table(scores.table(rows), folder / name)

    def finish(self, context: dict[str, Any], stage: Stage) -> None:
        """Leave a stage's artifact behind, as its program would have, without a job."""
        opened = open_build(context)
        plan = stage_plans(opened.record)[stage]
        artifact = self.execution(context, stage).artifact
        if artifact.record() is not None:
            return
        attempt, _ = Attempts(artifact).claim_or_join(opened.record.id)
        outputs = []
        folder = self.toys / f"{stage}.outputs"
        for path in sorted(folder.iterdir()) if folder.is_dir() else ():
            info = attempt.folder.upload(path, path.name)
            name = f"attempts/{attempt.number}/{path.name}"
            outputs.append(Output(path=name, bytes=info.bytes, sha256=info.sha256))
        now = datetime.now(UTC)
        artifact.publish(
            ArtifactRecord(
                stage=stage,
                name=plan.name,
                contract=plan.contract,
                fingerprint=plan.fingerprint,
                spec=plan.spec,
                inputs=plan.inputs,
                attempt=attempt.number,
                outputs=tuple(outputs),
                metrics=METRICS.get(stage, {}),
                provenance=provenance(stage, opened.record.id, now, None, None),
                cost=Cost(wall_seconds=1, cpu_seconds=1, peak_rss_bytes=1),
            )
        )
        attempt.settle(exit_of(Outcome.SUCCEEDED, 0, ""))

    def starts(self, stage: Stage) -> list[int]:
        """The attempts that were started, in their order."""
        path = self.toys / f"{stage}.started"
        return [int(line) for line in path.read_text().split()] if path.exists() else []


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Place]:
    config, home, toys = (tmp_path / name for name in ("config", "home", "toys"))
    for folder in (config / "recipes", config / "profiles", config / "texts", home, toys):
        folder.mkdir(parents=True)
    (config / "recipes" / "tiny.yaml").write_text(RECIPE)
    (config / "profiles" / "test.yaml").write_text(PROFILE)
    (config / "texts" / "a.txt").write_text("Once upon a time.")
    (home / "notify").write_text(f"json://127.0.0.1:1/{tmp_path.name}")
    python = tmp_path / "python"
    toy = Path(__file__).with_name("toy.py")
    python.write_text(f'#!/bin/sh\nexec {sys.executable} {toy} {toys} "$@"\n')
    python.chmod(0o700)
    for name, value in (
        ("CONFIG", config),
        ("HOME", home),
        ("PROFILE", "test"),
        ("STAGES_PYTHON", python),
    ):
        monkeypatch.setenv(f"HEARTH_{name}", str(value))
    monkeypatch.setattr(triggers, "POLL_SECONDS", 0.05)
    settings.cache_clear()
    yield Place(config, home, toys)
    settings.cache_clear()


async def _only_event(trigger: Any) -> dict[str, Any]:
    events = [event.payload async for event in trigger.run()]
    assert len(events) == 1
    return dict(events[0])


@pytest.fixture
def wait() -> Callable[[Any], dict[str, Any]]:
    """Runs a trigger to its end, as a triggerer would, and returns its one event."""
    return lambda trigger: asyncio.run(asyncio.wait_for(_only_event(trigger), 60))


@pytest.fixture
def drive(wait: Callable[[Any], dict[str, Any]]) -> Callable[..., Any]:
    """Runs an operator to its end, through as many deferrals as it takes."""

    def run(operator: Any, context: dict[str, Any], deferred: TaskDeferred | None = None) -> Any:
        for _ in range(10):
            try:
                if deferred is None:
                    return operator.execute(context)
                assert deferred.timeout is None
                event = wait(again(deferred.trigger))
                # Another process resumes: it knows nothing but the event.
                return getattr(operator, deferred.method_name)(context, event)
            except TaskDeferred as once_more:
                deferred = once_more
        pytest.fail("it defers for ever")

    return run


def again(trigger: Any) -> Any:
    """The trigger as it comes out of Airflow's database."""
    path, arguments = trigger.serialize()
    assert json.loads(json.dumps(arguments)) == arguments
    return import_string(path)(**arguments)


@pytest.fixture
def defer() -> Callable[..., TaskDeferred]:
    """Runs an operator up to its deferral."""

    def run(operator: Any, context: dict[str, Any]) -> TaskDeferred:
        with pytest.raises(TaskDeferred) as caught:
            operator.execute(context)
        return caught.value

    return run


@pytest.fixture
def until() -> Callable[[Callable[[], Any]], Any]:
    """Waits for something that another process does."""

    def poll(happened: Callable[[], Any]) -> Any:
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            if value := happened():
                return value
            time.sleep(0.02)
        pytest.fail("it did not happen within 30 seconds")

    return poll
