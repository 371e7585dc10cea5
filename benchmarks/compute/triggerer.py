"""The CPU that one triggerer takes for deferred trainings: `StageTrigger`s on real local jobs.

    .venv/airflow/bin/python benchmarks/compute/triggerer.py [--jobs 200] [--seconds 120]

An Airflow of its own (SQLite, in a temporary folder), a DAG run whose tasks are all deferred to
triggers, one `airflow triggerer`. Every trigger follows a claimed attempt in a file store, whose
job is a process that sleeps and whose progress somebody has written. After a minute to start,
the CPU of the triggerer and its children is counted; the jobs' own is not.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import subprocess
import sys
import tempfile
import textwrap
import time
from datetime import UTC, datetime
from pathlib import Path

import psutil

_SETTLE_SECONDS = 60
_NOTICE_SECONDS = 120
_RECIPE = """
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
"""
_PROFILE = """
name: bench
storage: {uri: "file://${HEARTH_HOME}/store"}
endpoint: {url: "http://127.0.0.1:1"}
"""


def settle(home: Path, jobs: int) -> None:
    """Give Hearth and Airflow a home, before either is imported."""
    for name, text in {
        "recipes/tiny.yaml": _RECIPE,
        "texts/one.txt": "A text.",
        "profiles/bench.yaml": _PROFILE,
        "dags/bench.py": f"""
            from airflow.providers.standard.operators.empty import EmptyOperator
            from airflow.sdk import DAG

            with DAG("bench", schedule=None):
                for number in range({jobs}):
                    EmptyOperator(task_id=f"train-{{number}}")
        """,
    }.items():
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text))
    os.environ.update(
        {
            "HEARTH_HOME": str(home),
            "HEARTH_CONFIG": str(home),
            "AIRFLOW_HOME": str(home),
            "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
            "AIRFLOW__CORE__DAGS_FOLDER": str(home / "dags"),
            "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN": f"sqlite:///{home}/airflow.db",
            "AIRFLOW__LOGGING__LOGGING_LEVEL": "WARNING",
            "AIRFLOW__OPENLINEAGE__DISABLED": "True",
        }
    )


def start(jobs: int) -> tuple[str, list[str]]:
    """Start the jobs of as many attempts of one build; return its id and their fingerprints."""
    from hearth.attempt import PROGRESS, Progress  # noqa: PLC0415 - after its environment
    from hearth.build import Run  # noqa: PLC0415
    from hearth.compute.backend import JobRequest, JobResources  # noqa: PLC0415
    from hearth.execution import Execution  # noqa: PLC0415
    from hearth.model import Stage  # noqa: PLC0415
    from hearth.profile import load_profile  # noqa: PLC0415
    from hearth.resolution import Request, create_build  # noqa: PLC0415
    from hearth.storage import Store  # noqa: PLC0415

    request = Request.of({"recipe": "tiny", "profile": "bench"})
    record = create_build(request, "bench-1", Run(dag_id="bench", run_id="bench"), "bench")
    root = Store.open(load_profile("bench").storage)
    found = []
    for number in range(jobs):
        identity = hashlib.sha256(str(number).encode()).hexdigest()
        execution = Execution.of(root, record, Stage.TRAIN, identity)
        attempt, _ = execution.attempts.claim_or_join(record.id)
        execution.backend.submit(
            JobRequest(
                name=attempt.name,
                command=("sleep", "3600"),
                environment="airflow",
                time_limit=3600,
                resources=JobResources(cpus=1),
            )
        )
        progress = Progress(
            step="train", done=number, total=jobs, unit="steps", at=datetime.now(UTC)
        )
        attempt.folder.put(PROGRESS, progress.model_dump_json().encode())
        found.append(identity)
    return record.id, found


def defer(build: str, fingerprints: list[str]) -> None:
    """Have each task of a DAG run wait for a trigger, as if a worker had deferred it."""
    subprocess.run([sys.executable, "-m", "airflow", "db", "migrate"], check=True)
    subprocess.run([sys.executable, "-m", "airflow", "dags", "reserialize"], check=True)
    subprocess.run([sys.executable, "-m", "airflow", "dags", "unpause", "bench"], check=True)
    subprocess.run([sys.executable, "-m", "airflow", "dags", "trigger", "bench"], check=True)

    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415 - after its environment
    from airflow.models.trigger import Trigger  # noqa: PLC0415
    from airflow.utils.session import create_session  # noqa: PLC0415
    from airflow.utils.state import TaskInstanceState  # noqa: PLC0415
    from sqlalchemy import select  # noqa: PLC0415

    from operators.triggers import StageTrigger  # noqa: PLC0415

    with create_session() as session:
        tasks = session.scalars(select(TaskInstance)).all()
        for task, identity in zip(tasks, fingerprints, strict=True):
            row = Trigger.from_object(
                StageTrigger(
                    profile="bench", build=build, stage="train", fingerprint=identity, attempt=1
                )
            )
            session.add(row)
            session.flush()
            task.trigger_id = row.id
            task.state = TaskInstanceState.DEFERRED
            task.next_method = "execute_complete"
            task.start_date = datetime.now(UTC)


def used(process: psutil.Process) -> float:
    """Return the seconds of CPU of a process and its children."""
    family = [process, *process.children(recursive=True)]
    return sum(sum(one.cpu_times()[:2]) for one in family)


def main() -> None:
    """Measure, and print."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--jobs", type=int, default=200)
    parser.add_argument("--seconds", type=float, default=120)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="hearth-bench-") as name:
        home = Path(name)
        settle(home, options.jobs)
        try:
            defer(*start(options.jobs))
            log = home / "triggerer.log"
            with log.open("wb") as out:
                triggerer = subprocess.Popen(
                    [sys.executable, "-m", "airflow", "triggerer", "--capacity", "1000"],
                    stdout=out,
                    stderr=out,
                )
            process = psutil.Process(triggerer.pid)
            time.sleep(_SETTLE_SECONDS)
            began, before = time.monotonic(), used(process)
            time.sleep(options.seconds)
            took, spent = time.monotonic() - began, used(process) - before
            held = sum(one.memory_info().rss for one in [process, *process.children()])
            end(home)
            noticed = options.jobs - still_deferred()
            triggerer.terminate()
            triggerer.wait(60)
        finally:
            end(home)
    if noticed < options.jobs:
        sys.exit(f"only {noticed} of {options.jobs} ends were noticed: nothing was measured")
    print(
        f"{options.jobs} deferred trainings: {spent / took * 60:.1f} s of CPU a minute "
        f"({spent / took:.0%} of a core), {held / 2**20:.0f} MiB"
    )


def still_deferred() -> int:
    """Return how many tasks are deferred two minutes after their jobs' end, or none before."""
    from airflow.models.taskinstance import TaskInstance  # noqa: PLC0415 - after its environment
    from airflow.utils.session import create_session  # noqa: PLC0415
    from airflow.utils.state import TaskInstanceState  # noqa: PLC0415
    from sqlalchemy import func, select  # noqa: PLC0415

    deferred = TaskInstance.state == TaskInstanceState.DEFERRED
    until = time.monotonic() + _NOTICE_SECONDS
    while True:
        with create_session() as session:
            left = int(session.scalar(select(func.count()).where(deferred)) or 0)
        if not left or time.monotonic() > until:
            return left
        time.sleep(1)


def end(home: Path) -> None:
    """End the jobs: their shims name the home that they have their folders in."""
    told = []
    for process in psutil.process_iter(["cmdline"]):
        if f"{home}/jobs" in " ".join(process.info["cmdline"] or []):
            process.terminate()
            told.append(process)
    psutil.wait_procs(told, 60)


if __name__ == "__main__":
    main()
