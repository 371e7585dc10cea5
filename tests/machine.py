"""A real stack under test, what a person at it can do, and what that person sees."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import yaml

from hearth.artifact import Artifact, ArtifactRecord
from hearth.attempt import Attempt, Attempts
from hearth.build import Build, Event, EventKind, Run
from hearth.cli.airflow import Airflow, DagRun
from hearth.compute.jobdir import MARKER
from hearth.compute.process import ProcessIdentity, marked
from hearth.model import Stage
from hearth.pipeline import StagePlan, stage_plans
from hearth.profile import load_profile
from hearth.rollout.state import EndpointState, read_state
from hearth.stack.ports import is_free
from hearth.stack.stack import Stack
from hearth.storage import Store

CHECKOUT = Path(__file__).resolve().parents[1]
RECIPE = "tiny"
PORTS_OF_THE_STORE = 8
BUILD_SECONDS = 600.0
OVER = {"success", "failed"}

# As the recipe ships it, but for how long the endpoint is watched: none of it is fingerprinted.
QUICK_ROLLOUT = {"step_seconds": 0.5, "min_requests": 6, "confirm_requests": 6}
WIDE = {"bits_per_byte": 3.0, "cloze": 0.95}


@dataclass(frozen=True)
class Going:
    """A build that was triggered."""

    dag_run: DagRun
    build: Build

    @property
    def id(self) -> str:
        return self.build.id

    @property
    def resolved(self) -> bool:
        """Whether it no longer asks what its recipe and profile say."""
        return self.build.folder.exists("build.json")

    def events(self, *kinds: EventKind, stage: Stage | None = None) -> list[Event]:
        return [
            event
            for event in self.build.events()
            if event.kind in kinds and stage in {None, event.stage}
        ]

    def plan(self, stage: Stage) -> StagePlan:
        return stage_plans(self.build.record())[stage]

    def attempts(self, stage: Stage) -> Attempts:
        return Attempts(Artifact(self.build.root, stage, self.plan(stage).fingerprint))

    def record(self, stage: Stage) -> ArtifactRecord:
        record = Artifact(self.build.root, stage, self.plan(stage).fingerprint).record()
        assert record is not None, f"{stage} of {self.id} has no record"
        return record


class Machine:
    """The stack under test, and what a person at it can do.

    Attributes:
        poll_seconds: between two looks at what is waited for; looking costs what is looked at.
    """

    poll_seconds = 0.3

    def __init__(self, stack: Stack, config: Path) -> None:
        self.stack = stack
        self.home = stack.settings.home
        self._config = config
        self.profile = load_profile()
        self.root = Store.open(self.profile.storage)
        self.airflow = Airflow()

    # What a person does ---------------------------------------------------------------------------

    def set_gate(self, **gate: Any) -> None:
        """Change the recipe's file."""
        path = self._config / "recipes" / f"{RECIPE}.yaml"
        recipe = yaml.safe_load((CHECKOUT / "recipes" / f"{RECIPE}.yaml").read_text())
        recipe["gate"] = {**recipe.get("gate", {}), **gate}
        recipe["rollout"] = {**recipe.get("rollout", {}), **QUICK_ROLLOUT}
        path.write_text(yaml.safe_dump(recipe, allow_unicode=True))

    def open_gate(self) -> None:
        """Let every model pass that is not far worse: faults are not about quality."""
        # Copies: one object named twice would become an alias in YAML, which recipes may not hold.
        self.set_gate(margins={**WIDE}, anchor_margins={**WIDE})

    def trigger(self, **conf: Any) -> Going:
        run = self.airflow.trigger({"recipe": RECIPE, "profile": self.profile.name, **conf})
        return Going(run, Build(self.root, run.build(RECIPE)))

    def build(self, **conf: Any) -> Going:
        return self.finish(self.trigger(**conf))

    def fail_task(self, going: Going, task: str) -> None:
        """Mark a task failed, as the button in Airflow's UI does."""
        run = going.dag_run.run
        path = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/{task}"
        self.airflow._call("PATCH", path, json={"new_state": "failed"})

    def clear_task(self, going: Going, task: str) -> None:
        """Clear a task and what follows, as the button in Airflow's UI does."""
        run = going.dag_run.run
        body = {
            "dag_run_id": run.run_id,
            "task_ids": [task],
            "include_downstream": True,
            "only_failed": False,
            "reset_dag_runs": True,
            "dry_run": False,
        }
        self.airflow._call("POST", f"/api/v2/dags/{run.dag_id}/clearTaskInstances", json=body)

    def reap(self) -> None:
        """Run the reaper now, and see it end well."""
        body = {"logical_date": None}
        answer = self.airflow._call("POST", "/api/v2/dags/reap/dagRuns", json=body)
        run = Run(dag_id="reap", run_id=answer["dag_run_id"])
        self.until("the reaper's end", 90, lambda: self.airflow.dag_run(run).state in OVER)
        assert self.airflow.dag_run(run).state == "success"

    def reaped(self) -> bool:
        """Whether the reaper ever ran by its schedule, and ended well."""
        runs = self.airflow._call("GET", "/api/v2/dags/reap/dagRuns")["dag_runs"]
        return any((run["run_type"], run["state"]) == ("scheduled", "success") for run in runs)

    def question(self, going: Going) -> dict[str, Any]:
        """What the approval's form asks."""
        return self.airflow._call("GET", self._approval(going))

    def answer(self, going: Going, choice: str, reason: str) -> None:
        """Decide, as the buttons of the approval's form do."""
        body = {"chosen_options": [choice], "params_input": {"reason": reason}}
        self.airflow._call("PATCH", self._approval(going), json=body)

    def _approval(self, going: Going) -> str:
        run = going.dag_run.run
        task = f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}/taskInstances/approve"
        return f"{task}/-1/hitlDetails"

    # What a person sees ---------------------------------------------------------------------------

    def until(self, what: str, seconds: float, look: Callable[[], Any]) -> Any:
        """Wait until `look` finds something; return it."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s"
            time.sleep(self.poll_seconds)
        return found

    def state(self, going: Going) -> str:
        return self.airflow.dag_run(going.dag_run.run).state

    def tasks(self, going: Going) -> dict[str, str | None]:
        return self.airflow.tasks(going.dag_run.run)

    def finish(self, going: Going, seconds: float = BUILD_SECONDS) -> Going:
        """Wait until a build succeeds."""
        self.until(f"the end of {going.id}", seconds, lambda: self.state(going) in OVER)
        told = [event.data for event in going.events(EventKind.FAILED, EventKind.ATTEMPT_ENDED)]
        assert self.state(going) == "success", f"{self.tasks(going)}\n{json.dumps(told, indent=1)}"
        assert set(self.tasks(going).values()) <= {"success", "skipped"}, self.tasks(going)
        return going

    def endpoint_state(self) -> EndpointState:
        return read_state(self.root, self.profile.endpoint.name)

    def serving(self) -> str:
        serving = self.endpoint_state().serving
        assert serving is not None
        return serving.version

    def complete(self) -> httpx.Response:
        body = {
            "model": self.profile.endpoint.name,
            "prompt": "The package manager",
            "max_tokens": 8,
        }
        url = f"{self.stack.endpoint_url}/v1/completions"
        return httpx.post(url, json=body, timeout=60, trust_env=False)

    def task_log(self, going: Going, task: str) -> str:
        """What the last try of a task said, in Airflow."""
        run = going.dag_run.run
        folder = self.home / "logs" / "tasks"
        files = sorted(folder.rglob(f"run_id={run.run_id}/task_id={task}/*.log"))
        return files[-1].read_text() if files else ""

    # Jobs -----------------------------------------------------------------------------------------

    def jobs(self) -> set[str]:
        """The names of all jobs that were ever started."""
        return {path.name for path in (self.home / "jobs").glob("hearth-*")}

    def processes_of(self, attempt: Attempt) -> set[ProcessIdentity]:
        """What runs of an attempt's job, its shim among it."""
        path = self.home / "jobs" / attempt.name / "shim.json"
        if not path.exists():
            return set()
        shim = json.loads(path.read_text())
        guardian = ProcessIdentity.from_json(shim)
        return marked(MARKER, shim["marker"]) | ({guardian} if guardian.alive() else set())

    def kill_ranks(self, attempt: Attempt) -> int:
        """SIGKILL to every training rank of an attempt; return how many there were."""
        ranks = [one for one in self.processes_of(attempt) if is_rank(one)]
        return sum(rank.signal(signal.SIGKILL) for rank in ranks)

    def until_trained(self, going: Going, share: float, seconds: float = 300.0) -> Attempt:
        """Wait until a build's training is this far, with a checkpoint in the store."""

        def look() -> Attempt | None:
            assert self.state(going) != "failed", self.tasks(going)
            if not going.resolved:
                return None
            attempt = going.attempts(Stage.TRAIN).latest()
            seen = attempt.progress() if attempt else None
            if attempt is None or seen is None or seen.step != "train" or not seen.total:
                return None
            assert attempt.exit() is None, "it trained faster than it could be looked at"
            there = any(
                info.path.endswith("manifest.json") for info in attempt.folder.list("checkpoints")
            )
            return attempt if there and seen.done >= share * seen.total else None

        found: Attempt = self.until(f"{going.id} has trained {share:.0%}", seconds, look)
        return found


def is_rank(process: ProcessIdentity) -> bool:
    """Whether a process is a rank of a training, and not what launched it."""
    try:
        command = Path(f"/proc/{process.pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return b"hearth.train.worker" in command and b"torch.distributed.run" not in command


def free_ports(*more: str) -> dict[str, int]:
    """Ports that nobody listens on, by setting; the store takes the seven after its own, too.

    Tests that run side by side look in different places, and none where the system finds ports for
    whoever asks for any.
    """
    first = 10_000 + 500 * (os.getpid() % 19)
    blocks = range(first, 20_000, PORTS_OF_THE_STORE)  # above, ranks of trainings meet
    free = (one for one in blocks if all(is_free(one + i) for i in range(PORTS_OF_THE_STORE)))
    return dict(zip(("S3", "AIRFLOW", "ENDPOINT", *more), free, strict=False))


def copied_config(folder: Path) -> Path:
    """Copy recipes, profiles, DAGs and plugins, for tests to change."""
    for name in ("recipes", "profiles", "dags", "plugins"):
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(CHECKOUT / name, folder / name, ignore=ignored)
    return folder
