"""A rehearsal for each file of tests: Airflow, a real Slurm, an emulated HyperPod.

Within a file each test goes on where the one before left it. `python -m rehearsal` starts the same
for people.
"""

from __future__ import annotations

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import boto3
import pytest
import yaml

from hearth.attempt import Attempt
from hearth.compute.process import marked
from hearth.compute.slurm.backend import JOBS
from hearth.compute.slurm.folder import StoreFolder
from hearth.model import Stage
from hearth.settings import settings
from hearth.stack.ports import all_ports, is_free
from hearth.stack.store import key_pair
from hearth.train.checkpoint import MANIFEST, step_of
from rehearsal.slurm.daemon import SEARCH_PATH
from rehearsal.whole import Rehearsal
from tests.machine import OVER, RECIPE, Going, Machine, copied_config, free_ports, is_rank

PROFILE = "rehearsal"
CLUSTER = "rehearsal"
NODES = {"worker-1", "worker-2", "worker-3"}
CHECKPOINT_STEPS = 100
"""Some three seconds of training: far more than it takes to bring a checkpoint into the store."""

HANG_SECONDS = 20
OPERATION = {"checkpoint_steps": CHECKPOINT_STEPS, "hang_seconds": HANG_SECONDS}

TOKEN_SECONDS = 60
ENDLESS = {"train_steps": 100_000}
FIRST_STEPS = CHECKPOINT_STEPS / ENDLESS["train_steps"]
GONE_SECONDS = 60.0
LEAST_PRIORITY = 19


class Rehearsed(Machine):
    """The rehearsal under test, and what a person at it can do and see."""

    poll_seconds = 1.0

    def __init__(self, rehearsal: Rehearsal, config: Path) -> None:
        super().__init__(rehearsal.stack, config)
        self.rehearsal = rehearsal
        self.slurm = rehearsal.slurm
        self.aws = rehearsal.aws
        self._sagemaker = boto3.client(
            "sagemaker",
            region_name="us-east-1",
            endpoint_url=self.aws.url,
            aws_access_key_id="nobody",
            aws_secret_access_key="nobody",  # noqa: S106 - the emulator takes anything
        )

    def encryption(self, path: str) -> str | None:
        """How the store says that an object is encrypted."""
        access_key, secret_key = key_pair(self.stack.secrets)
        client = boto3.client(
            "s3",
            region_name="us-east-1",
            endpoint_url=str(self.profile.storage.endpoint_url),
            aws_access_key_id=access_key,
            aws_secret_access_key=secret_key,
        )
        place = urlsplit(self.root.url(path))
        head = client.head_object(Bucket=place.netloc, Key=place.path.lstrip("/"))
        return head.get("ServerSideEncryption")

    def operate(self) -> None:
        """Let all builds train with checkpoints that can be told apart, and notice a hang soon."""
        self._recipe.write_text(
            _with(self._recipe.read_text(), {"train": {"operation": OPERATION}})
        )

    @contextmanager
    def training(self, **section: Any) -> Iterator[None]:
        """Let builds that are resolved meanwhile train otherwise."""
        with _changed(self._recipe, {"train": section}):
            yield

    @contextmanager
    def training_job(self, **resources: Any) -> Iterator[None]:
        """Let builds that are resolved meanwhile train in another job: longer, on fewer nodes."""
        path = self._config / "profiles" / f"{PROFILE}.yaml"
        with _changed(path, {"compute": {"stages": {"train": resources}}}):
            yield

    def resolved(self, going: Going) -> Going:
        """Wait until a build no longer asks what its recipe and profile say."""
        self.until("it is resolved", 180, lambda: going.resolved)
        return going

    def train_without_end(self, seed: int) -> tuple[Going, Attempt]:
        """Build until it trains, which does not end by itself; one seed, one training."""
        going = self.trigger(**ENDLESS, train_seed=seed)
        attempt = self.until_trained(going, FIRST_STEPS)
        self.step_aside(attempt)
        return going, attempt

    def step_aside(self, attempt: Attempt) -> None:
        """Let an attempt's ranks have what others leave of the processors.

        Where the kernel shares these among sessions first, a priority alone says nothing to others.
        """
        start = self.job(attempt).start()
        assert start is not None
        ours = marked("SLURM_JOB_ID", str(start.job))
        for node in NODES:
            for one in filter(is_rank, ours & self.slurm.processes_of(node)):
                with suppress(OSError):
                    os.setpriority(os.PRIO_PROCESS, one.pid, LEAST_PRIORITY)
                    Path(f"/proc/{one.pid}/autogroup").write_text(str(LEAST_PRIORITY))

    @property
    def _recipe(self) -> Path:
        return self._config / "recipes" / f"{RECIPE}.yaml"

    def fail_run(self, going: Going) -> None:
        """Mark a whole run failed, as the button in Airflow's UI does, and see it end so."""
        self.airflow._call("PATCH", self._run(going), json={"state": "failed"})
        self.until("its end", 180, lambda: self.state(going) in OVER)
        assert self.state(going) == "failed"

    def delete_run(self, going: Going) -> None:
        """Delete a run, as the button in Airflow's UI does."""
        url = f"{self.airflow.url}{self._run(going)}"
        self.airflow._client.delete(url).raise_for_status()

    @staticmethod
    def _run(going: Going) -> str:
        run = going.dag_run.run
        return f"/api/v2/dags/{run.dag_id}/dagRuns/{run.run_id}"

    def triggered(self, going: Going, task: str) -> str:
        """All that a run's triggers have said of a task."""
        folder = self.home / "logs" / "tasks"
        logs = folder.rglob(f"run_id={going.dag_run.run.run_id}/task_id={task}/*.trigger.*.log")
        return "".join(path.read_text() for path in logs)

    # Slurm ----------------------------------------------------------------------------------------

    def job(self, attempt: Attempt) -> StoreFolder:
        """What an attempt's job and its clients know of each other."""
        return StoreFolder(self.root.sub(JOBS), attempt.name)

    def said(self, attempt: Attempt) -> str:
        """The beginning of what an attempt's job said."""
        return self.job(attempt).piece(0).decode()

    def numbers(self, attempt: Attempt) -> set[str]:
        """Every job id that Slurm ever gave under an attempt's name, from its accounting."""
        name = self.job(attempt).slurm_name
        rows = self.slurm.accounted(name, "jobid")
        return set(rows)

    def queue(self) -> list[str]:
        """The states of all jobs that Slurm has not done with."""
        return self.slurm.run("squeue", "-h", "-o", "%T").split()

    def end_of(self, number: int) -> str:
        """How Slurm's accounting says that a job ended; nothing while it has not."""
        state = self.slurm.run("sacct", "-n", "-X", "-P", "-j", str(number), "-o", "state")
        return "" if state in {"PENDING", "RUNNING", "COMPLETING"} else state

    def spare_the_pause(self, number: int) -> None:
        """Spare a job that was put back Slurm's pause of two minutes, as administrators do."""
        state = self.slurm.run("squeue", "-h", "-j", str(number), "-o", "%T", check=False)
        if state == "PENDING":
            self.slurm.run("scontrol", "update", f"JobId={number}", "StartTime=now", check=False)

    def hang(self, attempt: Attempt) -> str:
        """Stop one rank of an attempt's training, as a hang does; return the node it is on."""
        start = self.job(attempt).start()
        assert start is not None
        rank = next(one for one in self.slurm.processes_of(start.node) if is_rank(one))
        assert rank.signal(signal.SIGSTOP)
        return start.node

    def until_on(self, going: Going, attempt: Attempt, seconds: float = 180.0) -> None:
        """Wait until an attempt has made progress since now."""
        before = attempt.progress()
        assert before is not None
        self.until(
            f"{attempt.name} goes on",
            seconds,
            lambda: (now := attempt.progress()) is not None and now.done > before.done,
        )
        assert attempt.exit() is None
        assert self.tasks(going)[Stage.TRAIN] not in {"failed", "up_for_retry", "success"}

    # HyperPod -------------------------------------------------------------------------------------

    def instances(self) -> dict[str, str]:
        """The instances that run, by the Slurm node that each is."""
        rows = self._sagemaker.list_cluster_nodes(ClusterName=CLUSTER)["ClusterNodeSummaries"]
        return {
            row["PrivateDnsHostname"]: row["InstanceId"]
            for row in rows
            if row["InstanceStatus"]["Status"] == "Running"
        }

    def paid_for(self) -> dict[str, Any]:
        """What of the cluster costs money or is claimed: instances, nodes asked for, leases."""
        cluster = self._sagemaker.describe_cluster(ClusterName=CLUSTER)
        tags = self._sagemaker.list_tags(ResourceArn=cluster["ClusterArn"])["Tags"]
        rows = self._sagemaker.list_cluster_nodes(ClusterName=CLUSTER)["ClusterNodeSummaries"]
        found = {
            "instances": [row["InstanceId"] for row in rows],
            "wanted": sum(group["TargetCount"] for group in cluster["InstanceGroups"]),
            "leases": [tag["Key"] for tag in tags if tag["Key"].startswith("hearth:lease:")],
            "slurmd": [node for node in self.slurm.nodes if self.slurm.processes_of(node)],
        }
        return {what: value for what, value in found.items() if value}


def _with(text: str, more: dict[str, Any]) -> str:
    """Return a YAML file's text with more in its mappings."""

    def merged(old: Any, new: Any) -> Any:
        if not (isinstance(old, dict) and isinstance(new, dict)):
            return new
        return {**old, **{key: merged(old.get(key), value) for key, value in new.items()}}

    return yaml.safe_dump(merged(yaml.safe_load(text), more), allow_unicode=True)


@contextmanager
def _changed(path: Path, more: dict[str, Any]) -> Iterator[None]:
    before = path.read_text()
    path.write_text(_with(before, more))
    try:
        yield
    finally:
        path.write_text(before)


def _stop(rehearsal: Rehearsal) -> None:
    # Nothing of it is kept: it need not end in good order, for which the store alone takes 15 s.
    for name in rehearsal.stack.daemons:
        rehearsal.stack.kill(name)
    rehearsal.stop()
    settings.cache_clear()


def fit(config: Path, nodes: Path) -> None:
    """Have tokens for slurmrestd live shorter than a training, and jobs work in this folder.

    A job's own is called after its store and its number: two rehearsals may have both in common.
    """
    nodes.mkdir()
    path = config / "profiles" / f"{PROFILE}.yaml"
    rest = {"token_seconds": TOKEN_SECONDS}
    slurm = {"rest": rest, "scratch": str(nodes), "shared": str(nodes)}
    path.write_text(_with(path.read_text(), {"compute": {"slurm": slurm}}))


def sealed(attempt: Attempt) -> list[int]:
    """The steps of the checkpoints that are whole in the store."""
    paths = [info.path for info in attempt.folder.list("checkpoints")]
    return sorted(step_of(path.split("/")[-2]) for path in paths if path.endswith(MANIFEST))


def goes_on(machine: Rehearsed, going: Going, number: int) -> None:
    """Wait until an attempt is under way, in one job."""
    attempts = going.attempts(Stage.TRAIN)
    machine.until("the next attempt", 240, lambda: attempts.latest().number == number)
    machine.until("its first word", 120, attempts.get(number).progress)
    machine.until("one job alone", GONE_SECONDS, lambda: machine.queue() == ["RUNNING"])


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rehearsed]:
    if shutil.which("slurmctld", path=SEARCH_PATH) is None:
        pytest.skip("there is no Slurm: `make test-slurm` installs it")
    folder = tmp_path_factory.mktemp("r")
    config = copied_config(folder / "config")
    fit(config, folder / "nodes")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HEARTH_HOME", str(folder / "home"))
        patch.setenv("HEARTH_CONFIG", str(config))
        patch.setenv("HEARTH_PROFILE", PROFILE)
        for name, number in free_ports("SLURM", "AWS").items():
            patch.setenv(f"HEARTH_{name}_PORT", str(number))
        settings.cache_clear()
        rehearsal = Rehearsal(settings(), watched=False)
        try:
            rehearsal.up()
            machine = Rehearsed(rehearsal, config)
            machine.open_gate()
            machine.operate()
            yield machine
        finally:
            _stop(rehearsal)
    here = rehearsal.settings
    assert rehearsal.stack.processes() == set()
    ports = [port.number for port in all_ports(here)] + [here.slurm_port, here.aws_port]
    assert [number for number in ports if not is_free(number)] == []
    assert not any(rehearsal.slurm.processes_of(node) for node in NODES)
