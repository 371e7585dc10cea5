"""What is said to Slurm, and what its answers mean, in each dialect."""

from __future__ import annotations

import shlex
import socket
from pathlib import Path
from typing import Any

import pytest

from hearth.compute.backend import JobRequest
from hearth.compute.outcome import Cause, JobState
from hearth.compute.slurm import launch, payload
from hearth.compute.slurm.commands import Commands
from hearth.compute.slurm.folder import StoreFolder
from hearth.compute.slurm.plan import PLAN, ShimPlan, submission_of
from hearth.compute.slurm.states import SlurmJob, status_of
from hearth.compute.slurm.transport import Submission
from hearth.errors import EXIT_DEFECT, EXIT_TRANSIENT, SpecError, TransientError
from hearth.resources import LAUNCH, NODES, RENDEZVOUS, SlurmSettings
from hearth.storage import Store
from hearth.storagesettings import StorageSettings

SECRET = "correct horse battery staple"  # noqa: S105


def cluster(**changes: Any) -> SlurmSettings:
    known = {
        "user": "hearth",
        "environments": {"model": "/opt/hearth/bin/python"},
        "shared": "/fsx",
    }
    return SlurmSettings.model_validate({**known, **changes})


def submitted(folder: Path, settings: SlurmSettings, **changes: Any) -> Submission:
    known = {
        "name": "hearth-train-1",
        "command": ("python", "-m", "hearth.train"),
        "environment": "model",
        "env": {"TOKEN": SECRET},
        "time_limit": 3600,
        "resources": {"nodes": 2, "cpus": 8, "gpus": 4, "memory_bytes": 3 << 30},
        "restart_budget": 3,
    }
    request = JobRequest.model_validate({**known, **changes})
    storage = StorageSettings(uri=f"file://{folder}")
    store = StoreFolder(Store.open(storage), request.name)
    return submission_of(request, settings, store, storage)


def test_a_secret_is_in_the_environment_and_nowhere_else(tmp_path: Path) -> None:
    submission = submitted(tmp_path, cluster())
    assert submission.environment["TOKEN"] == SECRET
    assert SECRET not in submission.script
    assert SECRET not in submission.environment[PLAN]
    assert SECRET not in repr(submission)


def test_slurm_ends_a_job_only_after_its_own_limit_grace_and_warning(tmp_path: Path) -> None:
    submission = submitted(tmp_path, cluster(), time_limit=90, grace=30)
    assert submission.minutes * 60 - submission.warning_seconds > 90


def test_a_job_of_several_nodes_works_where_all_of_them_can_see_it(tmp_path: Path) -> None:
    settings = cluster(scratch="/scratch")
    for nodes, folder in ((1, "/scratch"), (2, "/fsx")):
        submission = submitted(tmp_path, settings, resources={"nodes": nodes})
        assert ShimPlan.parse(submission.environment[PLAN]).scratch == folder


def test_a_job_of_several_nodes_is_refused_where_they_have_no_folder_in_common(
    tmp_path: Path,
) -> None:
    apart = cluster(shared=None)
    with pytest.raises(SpecError, match=r"job hearth-train-1: nodes = 2: .*compute\.slurm\.shared"):
        submitted(tmp_path, apart)
    assert submitted(tmp_path, apart, resources={"nodes": 1}).nodes == 1


def test_two_stores_may_give_one_name_to_one_cluster(tmp_path: Path) -> None:
    names = {submitted(tmp_path / store, cluster()).name for store in ("a", "b")}
    assert len(names) == 2
    assert all(name.startswith("hearth-train-1.") for name in names)


def test_only_a_job_with_a_restart_budget_is_put_back(tmp_path: Path) -> None:
    assert submitted(tmp_path, cluster()).requeue
    assert not submitted(tmp_path, cluster(), restart_budget=0).requeue


def test_an_environment_that_the_cluster_does_not_have_is_refused(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match="model"):
        submitted(tmp_path, cluster(), environment="airflow")


def test_the_old_dialect_has_plain_numbers(tmp_path: Path) -> None:
    settings = cluster(partition="dev", options={"constraint": "p5"})
    body = payload.body_of(submitted(tmp_path, settings), settings, "v0.0.38")
    job = body["job"]
    assert body["script"].startswith("#!/bin/bash\n")
    assert (job["nodes"], job["tasks"], job["cpus_per_task"]) == ([2, 2], 2, 8)
    assert (job["memory_per_node"], job["gres"]) == (3072, "gpu:4")
    assert job["environment"]["TOKEN"] == SECRET
    assert (job["dependency"], job["requeue"]) == ("singleton", True)
    assert (job["partition"], job["constraints"]) == ("dev", "p5")
    assert "qos" not in job


@pytest.mark.parametrize(
    ("version", "gpus"), [("v0.0.40", "gres:gpu:4"), ("v0.0.43", "gres/gpu:4")]
)
def test_the_new_dialect_wraps_numbers(tmp_path: Path, version: str, gpus: str) -> None:
    settings = cluster(qos="high")
    submission = submitted(tmp_path, settings)
    body = payload.body_of(submission, settings, version)
    job = body["job"]
    assert set(body) == {"job"}
    assert job["script"] == submission.script
    assert (job["minimum_nodes"], job["maximum_nodes"]) == (2, 2)
    assert job["memory_per_node"] == {"set": True, "infinite": False, "number": 3072}
    assert job["time_limit"]["number"] == submission.minutes
    assert (job["tres_per_node"], job["qos"]) == (gpus, "high")
    assert f"TOKEN={SECRET}" in job["environment"]
    assert (job["kill_warning_signal"], job["kill_warning_flags"]) == ("USR1", ["BATCH_JOB"])


OLD = {
    "job_id": 7, "name": "a", "user_name": "hearth", "job_state": "FAILED", "exit_code": 768,
    "state_reason": "NonZeroExitCode", "nodes": "worker-1", "restart_cnt": 1,
    "start_time": 1_795_533_174, "end_time": 1_795_533_176,
}  # fmt: skip
NEW = {
    **OLD,
    "job_state": ["FAILED"],
    "exit_code": {"status": ["ERROR"], "return_code": {"set": True, "number": 3},
                  "signal": {"id": {"set": False, "number": 0}, "name": ""}},
    "start_time": {"set": True, "infinite": False, "number": 1_795_533_174},
    "end_time": {"set": True, "infinite": False, "number": 1_795_533_176},
}  # fmt: skip


def test_both_dialects_tell_the_same_of_a_job() -> None:
    job = payload.live_job(OLD)
    assert payload.live_job(NEW) == job
    assert (job.id, job.state, job.exit_code, job.restarts) == (7, "FAILED", 3, 1)
    assert job.started is not None


@pytest.mark.parametrize(
    ("said", "state"),
    [
        ("RUNNING", "RUNNING"),
        (["RUNNING"], "RUNNING"),
        (["NODE_FAIL", "COMPLETING"], "COMPLETING"),
        (["PENDING", "REQUEUED"], "REQUEUED"),
    ],
)
def test_a_flag_of_the_new_dialect_comes_before_the_state(
    said: str | list[str], state: str
) -> None:
    assert payload.live_job({**OLD, "job_state": said}).state == state


@pytest.mark.parametrize("exit_code", [9, {"signal": {"signal_id": 9, "name": "Killed"}}])
def test_a_signal_is_told_from_an_exit_code(exit_code: Any) -> None:
    assert payload.live_job({**OLD, "exit_code": exit_code}).exit_code == -9


@pytest.mark.parametrize(
    ("partition", "nodes"), [({"total_nodes": 3}, 3), ({"nodes": {"total": 3}}, 3), ({}, None)]
)
def test_both_dialects_tell_how_many_nodes_there_are(
    partition: dict[str, Any], nodes: int | None
) -> None:
    assert payload.node_count(partition) == nodes


@pytest.mark.parametrize(
    ("state", "code", "began", "ends", "cause", "means"),
    [
        ("COMPLETED", 0, True, JobState.SUCCEEDED, None, 0),
        ("COMPLETED", 0, False, JobState.LOST, Cause.LOST, EXIT_TRANSIENT),
        ("FAILED", 65, True, JobState.FAILED, None, 65),
        ("FAILED", -9, True, JobState.LOST, Cause.LOST, EXIT_TRANSIENT),
        ("FAILED", 127, False, JobState.FAILED, Cause.NOT_STARTED, EXIT_DEFECT),
        ("TIMEOUT", 0, True, JobState.FAILED, Cause.TIME_LIMIT, EXIT_TRANSIENT),
        ("DEADLINE", 0, True, JobState.FAILED, Cause.TIME_LIMIT, EXIT_TRANSIENT),
        ("OUT_OF_MEMORY", 0, True, JobState.FAILED, Cause.OUT_OF_MEMORY, EXIT_DEFECT),
        ("PREEMPTED", 0, True, JobState.FAILED, Cause.PREEMPTED, EXIT_TRANSIENT),
        ("CANCELLED", 0, True, JobState.FAILED, Cause.STOPPED, EXIT_TRANSIENT),
        ("NODE_FAIL", 0, True, JobState.LOST, Cause.NODE_FAILED, EXIT_TRANSIENT),
        ("BOOT_FAIL", 0, False, JobState.LOST, Cause.NODE_FAILED, EXIT_TRANSIENT),
    ],
)
def test_every_end_in_slurm_has_one_meaning(
    state: str,
    code: int,
    began: bool,  # noqa: FBT001 - a column of the table
    ends: JobState,
    cause: Cause | None,
    means: int,
) -> None:
    status = status_of(SlurmJob(id=1, name="a", state=state, exit_code=code), began=began)
    assert (status.state, status.cause, status.error_code) == (ends, cause, means)


@pytest.mark.parametrize("state", ["PENDING", "CONFIGURING", "REQUEUED", "REQUEUE_HOLD"])
def test_what_waits_is_pending(state: str) -> None:
    job = SlurmJob(id=1, name="a", state=state, reason="Resources")
    assert status_of(job, began=False).state is JobState.PENDING


@pytest.mark.parametrize("state", ["RUNNING", "COMPLETING", "SUSPENDED", "STAGE_OUT"])
def test_what_holds_nodes_runs(state: str) -> None:
    job = SlurmJob(id=17, name="a", state=state, restarts=1)
    status = status_of(job, began=True)
    assert (status.state, status.job, status.restarts) == (JobState.RUNNING, "17", 1)
    assert bool(status.reason) is (state == "SUSPENDED")


def plan(**changes: Any) -> ShimPlan:
    known = {
        "folder": "s3://hearth/jobs/a", "name": "a", "command": ["true"], "scratch": "/scratch",
        "output": "/scratch/a.out", "nodes": 1, "cpus": 4, "memory_bytes": None, "time_limit": 1.0,
        "grace": 1.0, "restart_budget": 0, "auto_resume": False, "heartbeat": 5.0,
    }  # fmt: skip
    return ShimPlan(**{**known, **changes})


def test_a_plan_survives_its_journey() -> None:
    assert ShimPlan.parse(plan(nodes=3).dump()) == plan(nodes=3)


def test_one_node_needs_no_launcher() -> None:
    assert launch.variables(plan()) == {}


def test_several_nodes_get_a_launcher_and_a_place_to_meet() -> None:
    found = launch.variables(plan(nodes=2))
    assert set(found) == {NODES, LAUNCH, RENDEZVOUS}
    assert found[NODES] == "2"
    assert "--auto-resume=1" not in found[LAUNCH]


def test_ranks_meet_where_nobody_else_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as other:
        other.bind(("", 0))
        taken = other.getsockname()[1]
        monkeypatch.setattr(launch, "_PORTS", (taken, taken, taken, 0))
        assert launch.variables(plan(nodes=2))[RENDEZVOUS].rpartition(":")[2] == "0"


def test_only_hyperpod_resumes_by_itself() -> None:
    found = launch.variables(plan(auto_resume=True))
    assert "--auto-resume=1" in found[LAUNCH]


def test_a_machine_without_slurm_is_told_as_something_to_try_again(tmp_path: Path) -> None:
    commands = Commands(cluster(), {"PATH": str(tmp_path)})
    with pytest.raises(TransientError, match="squeue"):
        commands.job(1)


def test_a_job_in_an_image_is_started_from_it_with_its_scratch_and_nothing_of_the_nodes(
    tmp_path: Path,
) -> None:
    settings = cluster(environments={}, scratch="/scratch", mounts=["/etc/ssl"])
    request = JobRequest(
        name="j", command=("python",), environment="model", env={"TOKEN": SECRET}, time_limit=60
    )
    storage = StorageSettings(uri=f"file://{tmp_path}")
    folder = StoreFolder(Store.open(storage), request.name)
    image = "host.lan/model@sha256:" + "ab" * 32
    submission = submission_of(request, settings, folder, storage, image)
    first, second = submission.script.splitlines()
    assert first == "#!/bin/bash"
    words = shlex.split(second)
    assert words[:2] == ["exec", "srun"]
    assert words[-4:] == ["python", "-I", "-m", "hearth.compute.slurm.shim"]
    assert "--container-image=host.lan#model:sha256:" + "ab" * 32 in words
    assert "--container-mounts=/scratch:/scratch,/etc/ssl:/etc/ssl" in words
    assert "VIRTUAL_ENV" not in submission.environment
    assert SECRET not in submission.script


@pytest.mark.parametrize("many", ["nodes", "auto_resume"])
def test_a_job_in_an_image_that_would_start_more_is_told_what_to_do(
    many: str, tmp_path: Path
) -> None:
    settings = cluster(environments={}, auto_resume=many == "auto_resume")
    request = JobRequest.model_validate(
        {
            "name": "j",
            "command": ("python",),
            "environment": "model",
            "time_limit": 60,
            "resources": {"nodes": 2 if many == "nodes" else 1},
        }
    )
    storage = StorageSettings(uri=f"file://{tmp_path}")
    folder = StoreFolder(Store.open(storage), request.name)
    with pytest.raises(SpecError, match=r"compute\.slurm\.environments\.model"):
        submission_of(request, settings, folder, storage, "host.lan/model:1")
