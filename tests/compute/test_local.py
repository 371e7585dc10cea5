"""The laws of the local backend's own."""

from __future__ import annotations

import os
import shutil
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from hearth.compute import settle
from hearth.compute.backend import JobHandle, JobRequest, JobResources
from hearth.compute.jobdir import EXIT, SCRATCH, SHIM, STOP
from hearth.compute.local import LocalBackend, list_jobs
from hearth.compute.outcome import Cause, JobState
from hearth.compute.process import ProcessIdentity
from hearth.raycluster import RAY_ADDRESS

if TYPE_CHECKING:
    from tests.compute.conftest import LocalRig

LOOP = "echo $$ >> $OUT/pids; while :; do sleep 0.05; done"
SAVING = f"trap 'exit 75' TERM; {LOOP}"


@pytest.fixture
def stranger() -> Iterator[ProcessIdentity]:
    """A process that is nobody's job."""
    process = subprocess.Popen(["/bin/sleep", "100"])
    identity = ProcessIdentity.of(process.pid)
    assert identity is not None
    yield identity
    process.kill()
    process.wait()


def pretend(local: LocalRig, name: str, **shim: object) -> JobHandle:
    """A job whose shim said something else about itself."""
    handle = local.backend.submit(local.bash(name, LOOP))
    local.processes("pids", 1)
    told = local.job(name).read(SHIM)
    assert told is not None
    local.job(name).write(SHIM, {**told, **shim})
    local.lose(handle)
    return handle


def test_a_pid_that_was_given_away_is_nobodys_job(
    local: LocalRig, stranger: ProcessIdentity
) -> None:
    handle = pretend(local, "reused", pid=stranger.pid, ticks=stranger.ticks - 1)
    assert local.backend.cancel(handle).state is JobState.LOST
    assert stranger.alive()


def test_a_pid_that_was_given_away_is_not_taken_for_the_shim(
    local: LocalRig, stranger: ProcessIdentity
) -> None:
    handle = pretend(local, "reused", pid=stranger.pid, ticks=stranger.ticks - 1)
    assert local.backend.status(handle).state is JobState.LOST
    assert stranger.alive()


def test_no_job_survives_a_reboot(local: LocalRig) -> None:
    handle = pretend(local, "rebooted", boot="the boot before")
    status = local.backend.status(handle)
    assert (status.state, status.cause) == (JobState.LOST, Cause.REBOOTED)
    assert status.transient


def test_secrets_reach_the_command_and_no_file(local: LocalRig) -> None:
    secret = "correct horse battery staple"  # noqa: S105
    script = f"[[ $TOKEN == {secret.replace(' ', '?')} ]]"
    request = local.bash("secret", f"{script}; code=$?; sleep 1; exit $code", env={"TOKEN": secret})
    handle = local.backend.submit(request)
    assert secret not in repr(request)
    assert secret not in handle.model_dump_json()
    status = local.ended(handle)
    assert status.state is JobState.SUCCEEDED
    files = [path for path in local.job("secret").path.rglob("*") if path.is_file()]
    assert files
    assert not [path for path in files if secret.encode() in path.read_bytes()]


def test_a_ray_cluster_that_the_machine_names_reaches_the_job_unless_the_job_names_one(
    local: LocalRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(RAY_ADDRESS, "10.0.0.5:6379")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "tell-nobody")
    for name, env in (("machine", {}), ("profile", {RAY_ADDRESS: "10.0.0.6:6379"})):
        script = (
            f"[[ -z $RAY_AUTH_TOKEN && ${RAY_ADDRESS} == {env.get(RAY_ADDRESS, '10.0.0.5:6379')} ]]"
        )
        status = local.ended(local.backend.submit(local.bash(name, script, env=env)))
        assert status.state is JobState.SUCCEEDED


def test_a_jobs_folder_is_for_its_owner(local: LocalRig) -> None:
    handle = local.backend.submit(local.bash("private", "true"))
    local.ended(handle)
    assert stat.S_IMODE(local.job("private").path.stat().st_mode) == 0o700
    assert stat.S_IMODE(local.jobs.stat().st_mode) == 0o700


def test_a_jobs_scratch_lies_in_its_folder_and_goes_with_it(local: LocalRig) -> None:
    script = "pwd -P; echo $TMPDIR; echo x > $TMPDIR/x; cat x"
    handle = local.backend.submit(local.bash("scratch", script, env={"TMPDIR": str(local.folder)}))
    local.ended(handle)
    folder, link, content = local.log(handle).splitlines()
    assert Path(folder) == local.job("scratch").file(SCRATCH)
    assert Path(link).parent == local.folder
    assert content == "x"
    local.until(lambda: not os.path.lexists(folder) and not os.path.lexists(link))


def test_sockets_fit_into_a_jobs_scratch_however_deep_the_jobs_lie(local: LocalRig) -> None:
    deep = local.folder.joinpath(*["a folder with a long name"] * 5)
    backend = LocalBackend(deep / "jobs", {"airflow": Path(sys.executable)})
    bind = (
        "import os, socket; socket.socket(socket.AF_UNIX)"
        f".bind(os.path.join(os.environ['TMPDIR'], {'x' * 60!r}))"
    )
    command = ("python", "-c", bind)
    handle = backend.submit(
        JobRequest(name="deep", command=command, environment="airflow", time_limit=60)
    )
    local.until(lambda: backend.status(handle).state.final)
    assert backend.status(handle).state is JobState.SUCCEEDED, backend.logs(handle).text


def test_a_lost_jobs_scratch_goes_when_it_is_found_lost(local: LocalRig) -> None:
    handle = local.backend.submit(local.bash("lost", LOOP, env={"TMPDIR": str(local.folder)}))
    local.processes("pids", 1)
    (link,) = local.folder.glob("hearth-*")
    scratch = local.job("lost").file(SCRATCH)
    assert scratch.is_dir()
    local.lose(handle)
    assert local.backend.status(handle).state is JobState.LOST
    assert not os.path.lexists(scratch)
    assert not os.path.lexists(link)


def test_scratch_that_cannot_be_made_is_a_clear_error(local: LocalRig) -> None:
    request = local.bash("nowhere", "echo >> $OUT/ran", env={"TMPDIR": "/no/such/folder"})
    with pytest.raises(Exception, match="/no/such/folder"):
        local.backend.submit(request)
    assert local.ended(local.backend.submit(local.bash("nowhere", "true"))).exit_code == 0


def test_a_job_whose_folder_was_removed_is_ended(local: LocalRig) -> None:
    handle = local.backend.submit(local.bash("swept", LOOP))
    (command,) = local.processes("pids", 1)
    shutil.rmtree(local.job("swept").path)
    assert local.backend.status(handle).state is JobState.LOST
    assert not command.alive()


def test_an_old_handle_does_not_reach_a_later_job_of_that_name(local: LocalRig) -> None:
    old = local.backend.submit(local.bash("again", "true"))
    local.ended(old)
    assert settle.prune(local.jobs, timedelta()) == ["again"]
    new = local.backend.submit(local.bash("again", LOOP))
    local.processes("pids", 1)
    assert local.backend.cancel(old).state is JobState.LOST
    assert local.backend.status(new).state is JobState.RUNNING


def test_a_shim_that_hangs_does_not_save_its_job(
    local: LocalRig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settle, "_SHIM_MARGIN", 0.2)
    handle = local.backend.submit(local.bash("hung", LOOP))
    (command,) = local.processes("pids", 1)
    local.guardian("hung").signal(signal.SIGSTOP)
    assert local.backend.cancel(handle, grace=0.1).state is JobState.CANCELLED
    assert not command.alive()


def test_a_client_that_died_while_cancelling_has_cancelled(local: LocalRig) -> None:
    local.job("half").create()
    local.job("half").write(STOP, {"cause": "cancelled", "grace": 1, "reason": "asked"})
    handle = local.backend.submit(local.bash("half", "echo >> $OUT/ran"))
    assert local.backend.status(handle).state is JobState.CANCELLED
    assert local.lines("ran") == []


def test_two_narrow_jobs_get_different_cpus(local: LocalRig) -> None:
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("this machine has one CPU")
    cpus = []
    for name in ("left", "right"):
        local.backend.submit(local.bash(name, LOOP, resources=JobResources(cpus=1)))
        shim = local.job(name).read(SHIM)
        assert shim is not None
        cpus += shim["cpus"]
    assert len(set(cpus)) == 2


def test_stopping_everything_lets_jobs_save_and_go_on_as_the_next_attempt(local: LocalRig) -> None:
    saving = local.backend.submit(local.bash("saving", SAVING))
    stubborn = local.backend.submit(local.bash("stubborn", f"trap '' TERM; {LOOP}"))
    over = local.backend.submit(local.bash("over", "true"))
    local.ended(over)
    processes = local.processes("pids", 2)
    assert settle.stop_all(local.jobs, timeout=0.5) == ["saving", "stubborn"]
    assert not [one for one in processes if one.alive()]
    for handle, code in ((saving, 75), (stubborn, -signal.SIGKILL)):
        status = local.backend.status(handle)
        assert (status.state, status.cause) == (JobState.FAILED, Cause.STOPPED)
        assert (status.exit_code, status.transient) == (code, True)
    assert local.backend.status(over).state is JobState.SUCCEEDED
    assert settle.stop_all(local.jobs, timeout=0.5) == []


def test_sigterm_to_a_shim_from_outside_counts_as_a_stop(local: LocalRig) -> None:
    handle = local.backend.submit(local.bash("shutdown", SAVING))
    local.processes("pids", 1)
    local.guardian("shutdown").signal(signal.SIGTERM)
    status = local.ended(handle)
    assert (status.state, status.cause) == (JobState.FAILED, Cause.STOPPED)
    assert status.transient


def test_stopping_finds_nothing_where_there_are_no_jobs(local: LocalRig) -> None:
    assert settle.stop_all(local.folder / "none", timeout=1) == []
    assert settle.prune(local.folder / "none", timedelta()) == []


def test_all_jobs_are_listed_by_name(local: LocalRig) -> None:
    two = local.backend.submit(local.bash("two", LOOP))
    one = local.backend.submit(local.bash("one", "exit 65"))
    local.ended(one)
    listed = [(handle, status.state) for handle, status in list_jobs(local.jobs)]
    assert listed == [(one, JobState.FAILED), (two, JobState.RUNNING)]


def test_pruning_leaves_what_runs_and_what_is_young(local: LocalRig) -> None:
    local.backend.submit(local.bash("runs", LOOP))
    local.ended(local.backend.submit(local.bash("ended", "true")))
    assert settle.prune(local.jobs, timedelta(days=1)) == []
    assert settle.prune(local.jobs, timedelta()) == ["ended"]
    assert [path.name for path in local.jobs.iterdir()] == ["runs"]


def test_a_full_disk_does_not_hide_how_a_job_ended(local: LocalRig) -> None:
    # Room for exit.json is taken before the command starts, and its file is never seen unfinished.
    handle = local.backend.submit(local.bash("full", LOOP))
    reserved = local.job("full").file(f".{EXIT}")
    assert reserved.stat().st_size == 4096
    local.backend.cancel(handle, grace=1)
    assert not reserved.exists()
    assert local.job("full").file(EXIT).stat().st_size == 4096


def test_asking_is_cheap(local: LocalRig) -> None:
    handle = local.backend.submit(local.bash("asked", LOOP))
    began = time.monotonic()
    for _ in range(100):
        local.backend.status(handle)
    assert time.monotonic() - began < 1
