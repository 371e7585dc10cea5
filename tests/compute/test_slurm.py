"""The laws of the Slurm backend's own, on a real Slurm that is harmed."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from hearth.compute.backend import JobHandle, JobResources, JobStatus
from hearth.compute.outcome import Cause, JobState
from hearth.compute.slurm.commands import Commands
from hearth.compute.slurm.folder import EXIT, START
from hearth.compute.slurm.plan import submission_of
from hearth.compute.slurm.rest import Rest
from hearth.compute.slurm.states import SlurmJob
from hearth.compute.slurm.token import TokenMint
from hearth.compute.slurm.transport import Submission, Transport
from hearth.errors import SpecError, TransientError
from hearth.preflight.finding import Finding, Verdict
from hearth.preflight.slurm import slurm as probe
from hearth.profile import Profile
from tests.compute.conftest import SlurmRig

pytestmark = pytest.mark.slurm

STAYS = "echo $BASHPID >> $OUT/pids; until [ -e $OUT/go ]; do sleep 0.1; done"


class Deaf:
    """A transport that loses what `loses` says of a submission: its answer, or itself."""

    def __init__(self, real: Transport, loses: str) -> None:
        self.real = real
        self.loses = loses
        self.submissions = 0

    def submit(self, submission: Submission) -> int:
        if self.loses == "answer":
            self.real.submit(submission)
            self.submissions += 1
        if self.loses:
            message = "the connection was lost"
            raise TransientError(message)
        self.submissions += 1
        return self.real.submit(submission)

    def job(self, number: int) -> SlurmJob | None:
        return self.real.job(number)

    def named(self, name: str) -> tuple[SlurmJob, ...]:
        return self.real.named(name)

    def cancel(self, number: int) -> None:
        self.real.cancel(number)

    def node_count(self) -> int | None:
        return self.real.node_count()


# --- one job per name ---------------------------------------------------------------------------


def test_a_submission_whose_answer_was_lost_is_found_by_its_name(slurm: SlurmRig) -> None:
    deaf = Deaf(slurm.slurm.transport, "answer")
    handle = replace(slurm.slurm, transport=deaf).submit(slurm.bash("lost", "echo >> $OUT/ran"))
    assert slurm.ended(handle).state is JobState.SUCCEEDED
    assert slurm.lines("ran") == [""]
    assert deaf.submissions == 1


def test_a_submission_that_never_arrived_is_made_again(slurm: SlurmRig) -> None:
    request = slurm.bash("unsent", "echo >> $OUT/ran")
    deaf = replace(slurm.slurm, transport=Deaf(slurm.slurm.transport, "all of it"))
    with pytest.raises(TransientError):
        deaf.submit(request)
    assert slurm.backend.status(JobHandle(backend="slurm", name="unsent")).state is JobState.PENDING
    assert slurm.ended(slurm.backend.submit(request)).state is JobState.SUCCEEDED
    assert slurm.lines("ran") == [""]


def test_a_second_copy_of_a_job_leaves_when_it_sees_the_first(slurm: SlurmRig) -> None:
    request = slurm.bash("copied", f"echo >> $OUT/ran; {STAYS}")
    handle = slurm.backend.submit(request)
    slurm.processes("pids", 1)
    backend = slurm.slurm
    folder = slurm.job("copied")
    copy = backend.transport.submit(
        submission_of(request, backend.settings, folder, backend.storage)
    )
    waiting = backend.transport.job(copy)
    assert waiting is not None
    assert waiting.state == "PENDING"
    (slurm.folder / "go").touch()
    assert slurm.ended(handle).state is JobState.SUCCEEDED
    slurm.until(lambda: (job := backend.transport.job(copy)) is not None and job.over)
    assert slurm.lines("ran") == [""]
    assert [job.id for job in backend.transport.named(folder.slurm_name)][-1] == copy


def test_a_copy_that_starts_first_is_the_job(slurm: SlurmRig) -> None:
    request = slurm.bash("early", f"echo $SLURM_JOB_ID >> $OUT/ran; {STAYS}")
    backend, folder = slurm.slurm, slurm.job("early")
    copy = backend.transport.submit(
        submission_of(request, backend.settings, folder, backend.storage)
    )
    slurm.processes("pids", 1)
    # A client that had claimed the name long ago, and whose submission only now arrives.
    folder.write("request.json", {"token": "t"})
    second = backend.transport.submit(
        submission_of(request, backend.settings, folder, backend.storage)
    )
    folder.write("submitted.json", {"job": second})
    handle = JobHandle(backend="slurm", name="early")
    assert backend.status(handle).state is JobState.RUNNING
    (slurm.folder / "go").touch()
    assert slurm.ended(handle).state is JobState.SUCCEEDED
    assert slurm.lines("ran") == [str(copy)]


def test_jobs_of_one_id_on_two_clusters_do_not_meet_on_a_machine(slurm: SlurmRig) -> None:
    handle = slurm.backend.submit(slurm.bash("apart", f"pwd -P > $OUT/where; {STAYS}"))
    slurm.processes("pids", 1)
    name = slurm.job("apart").slurm_name
    folder = f"hearth-{name}.{slurm.number(handle)}.0"
    assert folder in Path(slurm.lines("where")[0]).parts
    (slurm.folder / "go").touch()
    assert slurm.ended(handle).state is JobState.SUCCEEDED
    slurm.until(lambda: not list(slurm.slurm.settings.scratch.glob(f"hearth-{name}*")))


# --- Slurm's own ends ---------------------------------------------------------------------------


def test_a_waiting_job_that_is_cancelled_waits_no_longer(slurm: SlurmRig) -> None:
    slurm.hold()
    handle = slurm.backend.submit(slurm.bash("waits", "true"))
    slurm.backend.cancel(handle)
    job = slurm.slurm.transport.job(slurm.number(handle))
    assert job is not None
    assert job.state == "CANCELLED"


def test_a_job_that_somebody_else_cancelled_may_be_tried_again(slurm: SlurmRig) -> None:
    script = f"trap 'echo saved; exit 75' TERM; {STAYS}"
    handle = slurm.backend.submit(slurm.bash("theirs", script))
    slurm.processes("pids", 1)
    slurm.cluster.run("scancel", str(slurm.number(handle)))
    status = slurm.ended(handle)
    # Slurm tells all processes at once: the command may end before its guard can say why.
    assert status.cause in {None, Cause.STOPPED}
    assert (status.state, status.exit_code, status.transient) == (JobState.FAILED, 75, True)


def test_slurms_word_counts_where_the_job_left_none(slurm: SlurmRig) -> None:
    handle = slurm.backend.submit(slurm.bash("mute", "exit 65"))
    told = slurm.ended(handle)
    number = slurm.number(handle)
    transport = slurm.slurm.transport
    slurm.until(lambda: (job := transport.job(number)) is not None and job.over)
    slurm.job("mute").store.delete(EXIT)
    status = slurm.backend.status(handle)
    assert (status.state, status.exit_code) == (told.state, told.exit_code)
    assert slurm.backend.status(handle) == status, "it changed"


def test_accounting_knows_a_job_of_days_ago_that_the_controller_forgot(slurm: SlurmRig) -> None:
    handle = slurm.backend.submit(slurm.bash("old", "exit 3"))
    slurm.ended(handle)
    number = slurm.number(handle)
    rest, commands = slurm.slurm.transport, Commands(slurm.settings(), slurm.cluster.environment)
    assert isinstance(rest, Rest)
    name = slurm.job("old").slurm_name

    def seen() -> bool:
        found = rest._accounted("jobs", name) + commands._accounted("--name", name)
        # This version's REST API has lost the exit code.
        told = [(job.id, job.state, job.exit_code) for job in found]
        return told == [(number, "FAILED", None), (number, "FAILED", 3)]

    slurm.until(seen)
    # Asked for a name alone, Slurm shows the jobs of today.
    slurm.cluster.age(3 * 86_400)
    slurm.until(seen)


def test_an_interpreter_that_is_not_on_the_node_is_told(slurm: SlurmRig) -> None:
    settings = slurm.settings().model_copy(update={"environments": {"airflow": Path("/no/python")}})
    handle = replace(slurm.slurm, settings=settings).submit(slurm.bash("bare", "true"))
    status = slurm.ended(handle)
    assert (status.state, status.cause) == (JobState.FAILED, Cause.NOT_STARTED)
    assert not status.transient
    (slurm.slurm.settings.scratch / f"hearth-{slurm.job('bare').slurm_name}.out").unlink()


def test_an_unknown_partition_is_refused_in_slurms_words(slurm: SlurmRig) -> None:
    settings = slurm.settings().model_copy(update={"partition": "nowhere"})
    rest = slurm.slurm.transport
    assert isinstance(rest, Rest)
    rest._settings = settings
    with pytest.raises(SpecError, match="partition"):
        replace(slurm.slurm, settings=settings).submit(slurm.bash("wrong", "true"))


# --- faults -------------------------------------------------------------------------------------


def test_a_lost_node_puts_its_job_back_under_its_id(slurm: SlurmRig) -> None:
    script = "echo $SLURM_JOB_ID $SLURM_RESTART_COUNT >> $OUT/runs; echo run; sleep 0.5; " + STAYS
    handle = slurm.backend.submit(slurm.bash("requeued", script, restart_budget=1))
    slurm.processes("pids", 1)
    number = slurm.number(handle)
    start = slurm.job("requeued").start()
    assert start is not None
    slurm.until(lambda: slurm.log(handle) == "run\n")
    slurm.cluster.kill_node(start.node)
    # The node stays away: one that came back at once, Slurm would take minutes to find empty.
    seen = states_until(slurm, handle, lambda: again(slurm, number))
    slurm.cluster.start_node(start.node)
    assert seen <= {JobState.RUNNING, JobState.PENDING}
    status = slurm.backend.status(handle)
    assert (status.job, status.restarts) == (str(number), 1)
    (slurm.folder / "go").touch()
    assert slurm.ended(handle).state is JobState.SUCCEEDED
    assert [line.split()[0] for line in slurm.lines("runs")] == [str(number)] * 2
    assert slurm.log(handle) == "run\nrun\n"
    slurm.cluster.until_idle(start.node)


def again(slurm: SlurmRig, number: int) -> bool:
    """Spare a job that was put back Slurm's pause of two minutes; say whether it runs again."""
    time.sleep(0.5)
    if slurm.cluster.run("squeue", "-h", "-j", str(number), "-o", "%T", check=False) == "PENDING":
        slurm.cluster.run("scontrol", "update", f"JobId={number}", "StartTime=now", check=False)
    return len(slurm.lines("runs")) == 2


def states_until(slurm: SlurmRig, handle: JobHandle, holds: Callable[[], object]) -> set[JobState]:
    seen: set[JobState] = set()

    def look() -> object:
        seen.add(slurm.backend.status(handle).state)
        return holds()

    slurm.until(look, 150)
    return seen


def test_a_job_that_an_administrator_puts_back_goes_on_as_the_next_attempt(slurm: SlurmRig) -> None:
    script = f"trap 'exit 75' TERM; echo >> $OUT/ran; {STAYS}"
    handle = slurm.backend.submit(slurm.bash("put-back", script, restart_budget=1))
    slurm.processes("pids", 1)
    number = slurm.number(handle)
    slurm.cluster.run("scontrol", "requeue", str(number))
    # It was asked to stop, and could say how it ended: its restart finds that, and leaves.
    status = slurm.ended(handle)
    assert (status.exit_code, status.transient) == (75, True)
    slurm.until(lambda: has_ended_again(slurm, number), 60)
    assert slurm.lines("ran") == [""]


def has_ended_again(slurm: SlurmRig, number: int) -> bool:
    """Spare a job that was put back Slurm's pause; say whether it ended a second time."""
    slurm.cluster.run("scontrol", "update", f"JobId={number}", "StartTime=now", check=False)
    job = slurm.slurm.transport.job(number)
    return job is not None and job.restarts == 1 and job.over


def test_a_run_that_was_given_up_ends_itself(slurm: SlurmRig) -> None:
    handle = slurm.backend.submit(slurm.bash("ghost", STAYS, restart_budget=3))
    (command,) = slurm.processes("pids", 1)
    folder = slurm.job("ghost")
    start = folder.start()
    assert start is not None
    # Its node was cut off, and Slurm started the job elsewhere.
    folder.write(START, {**start.model_dump(mode="json"), "restart": 1, "node": "elsewhere"})
    slurm.until(lambda: not command.alive())
    number = slurm.number(handle)
    slurm.until(lambda: (job := slurm.slurm.transport.job(number)) is not None and job.over)
    assert folder.exit() is None


def test_a_server_that_is_away_loses_nothing(slurm: SlurmRig) -> None:
    handle = slurm.backend.submit(slurm.bash("steady", STAYS))
    (command,) = slurm.processes("pids", 1)
    slurm.cluster.stop_rest()
    for ask in (slurm.backend.status, slurm.backend.cancel):
        with pytest.raises(TransientError, match="does not answer"):
            ask(handle)
    with pytest.raises(TransientError, match="does not answer"):
        slurm.backend.submit(slurm.bash("meanwhile", "true"))
    slurm.job("steady").store.delete("stop.json")  # the cancel above meant it
    assert command.alive() or slurm.job("steady").exit() is not None
    slurm.cluster.start_rest()
    assert slurm.ended(slurm.backend.submit(slurm.bash("meanwhile", "true"))).exit_code == 0


def test_the_controller_may_restart_while_a_job_runs(slurm: SlurmRig) -> None:
    handle = slurm.backend.submit(slurm.bash("long", STAYS))
    slurm.processes("pids", 1)
    slurm.cluster.stop_controller()
    with pytest.raises(TransientError):
        slurm.backend.status(handle)
    slurm.cluster.start_controller()
    slurm.until(lambda: slurm.backend.status(handle).state is JobState.RUNNING)
    (slurm.folder / "go").touch()
    assert slurm.ended(handle).state is JobState.SUCCEEDED


def test_a_job_ends_well_while_nobody_can_ask(slurm: SlurmRig) -> None:
    handle = slurm.backend.submit(slurm.bash("alone", STAYS))
    slurm.processes("pids", 1)
    slurm.cluster.stop_rest()
    (slurm.folder / "go").touch()
    # The store says it: Slurm need not be asked.
    slurm.until(lambda: slurm.job("alone").exit() is not None)
    assert slurm.backend.status(handle).state is JobState.SUCCEEDED
    slurm.cluster.start_rest()


def test_an_expired_token_is_renewed_and_no_job_fails(slurm: SlurmRig) -> None:
    settings = slurm.settings()
    assert settings.rest is not None
    late = iter([-7200.0])
    mint = TokenMint(
        settings.user,
        settings.rest,
        slurm.cluster.key.read_bytes,
        lambda: time.time() + next(late, 0.0),
    )
    backend = replace(slurm.slurm, transport=Rest(settings, settings.rest, mint))
    handle = backend.submit(slurm.bash("renewed", "true"))
    assert slurm.ended(handle).state is JobState.SUCCEEDED


def test_a_token_that_expires_while_a_job_runs_is_renewed_at_the_next_poll(slurm: SlurmRig) -> None:
    settings, keys, life = slurm.settings(), 0, 12.0
    assert settings.rest is not None
    late = settings.rest.token_seconds - life

    def key() -> bytes:
        nonlocal keys
        keys += 1
        return slurm.cluster.key.read_bytes()

    # By this client's clock, which is slow, a token has most of its life before it when it expires.
    mint = TokenMint(settings.user, settings.rest, key, lambda: time.time() - late)
    backend = replace(slurm.slurm, transport=Rest(settings, settings.rest, mint))
    handle = backend.submit(slurm.bash("long", STAYS))
    slurm.processes("pids", 1)
    before, seen = keys, set()

    def renewed() -> bool:
        time.sleep(0.5)
        seen.add(backend.status(handle).state)
        return keys > before

    slurm.until(renewed, 60)
    assert seen == {JobState.RUNNING}
    (slurm.folder / "go").touch()
    assert slurm.ended(handle).state is JobState.SUCCEEDED
    assert len(backend.transport.named(slurm.job("long").slurm_name)) == 1


def test_a_version_that_slurmrestd_does_not_speak_is_told(slurm: SlurmRig) -> None:
    settings = slurm.settings()
    assert settings.rest is not None
    rest = settings.rest.model_copy(update={"api_version": "v0.0.43"})
    mint = TokenMint(settings.user, rest, slurm.cluster.key.read_bytes)
    with pytest.raises(SpecError, match="api_version"):
        Rest(settings, rest, mint).job(1)


def test_a_wrong_key_is_something_to_mend_and_try_again(slurm: SlurmRig) -> None:
    settings = slurm.settings()
    assert settings.rest is not None
    mint = TokenMint(settings.user, settings.rest, lambda: b"another key")
    backend = replace(slurm.slurm, transport=Rest(settings, settings.rest, mint))
    with pytest.raises(TransientError):
        backend.submit(slurm.bash("locked-out", "true"))


# --- secrets, limits, nodes ---------------------------------------------------------------------


def test_a_secret_is_in_no_script_no_listing_and_no_file_of_the_store(slurm: SlurmRig) -> None:
    secret = "correct horse battery staple"  # noqa: S105
    script = f"[[ $TOKEN == {secret.replace(' ', '?')} ]] && {STAYS}"
    handle = slurm.backend.submit(slurm.bash("secret", script, env={"TOKEN": secret}))
    slurm.processes("pids", 1)
    number = str(slurm.number(handle))
    run = slurm.cluster.run
    shown = run("scontrol", "-dd", "show", "job", number)
    shown += run("scontrol", "write", "batch_script", number, "-")
    shown += run("sacct", "-j", number, "--batch-script", check=False)
    assert "hearth.compute.slurm.shim" in shown
    assert secret not in shown
    files = [path for path in (slurm.folder / "store").rglob("*") if path.is_file()]
    spool = [path for path in (slurm.cluster.home / "spool").rglob("*") if path.is_file()]
    assert files
    assert spool
    assert not [path for path in files + spool if secret.encode() in path.read_bytes()]
    (slurm.folder / "go").touch()
    assert slurm.ended(handle).state is JobState.SUCCEEDED


@pytest.fixture
def wide(slurm: SlurmRig) -> SlurmRig:
    """Its nodes are processes of one machine, so that they see each other's scratch."""
    settings = slurm.slurm.settings
    together = settings.model_copy(update={"shared": settings.scratch})
    slurm.backend = slurm.slurm = replace(slurm.slurm, settings=together)
    return slurm


def test_a_job_on_two_nodes_starts_a_program_on_each(wide: SlurmRig) -> None:
    script = (
        "import json, os, subprocess; "
        "words = json.loads(os.environ['HEARTH_LAUNCH']); "
        "subprocess.run([*words, 'bash', '-c', 'echo $SLURMD_NODENAME $SLURM_PROCID'], check=True)"
    )
    resources = JobResources(nodes=2, cpus=1)
    request = wide.request("wide", sys.executable, "-S", "-c", script, resources=resources)
    handle = wide.backend.submit(request)
    assert wide.ended(handle).state is JobState.SUCCEEDED, wide.log(handle)
    nodes, ranks = zip(*(line.split() for line in wide.log(handle).splitlines()), strict=True)
    assert len(set(nodes)) == 2
    assert sorted(ranks) == ["0", "1"]


def test_a_job_on_two_nodes_is_asked_to_stop_on_each(wide: SlurmRig) -> None:
    script = (
        "import json, os, signal, subprocess, sys; "
        "signal.signal(signal.SIGTERM, lambda *_: ranks.send_signal(signal.SIGTERM)); "
        "words = json.loads(os.environ['HEARTH_LAUNCH']); "
        "ranks = subprocess.Popen([*words, 'bash', '-c', os.environ['RANK']], "
        "start_new_session=True); "
        "sys.exit(ranks.wait())"
    )
    rank = (
        "trap 'sleep $SLURM_PROCID; echo >> $OUT/saved; exit 75' TERM; "
        "(setsid sleep 1000 & echo $! >> $OUT/pids); "
        "while :; do sleep 0.1; done"
    )
    resources = JobResources(nodes=2, cpus=1)
    command = (sys.executable, "-S", "-c", script)
    request = wide.request("wide", *command, resources=resources, env={"RANK": rank})
    handle = wide.backend.submit(request)
    left = wide.processes("pids", 2)
    status = wide.backend.cancel(handle, grace=30)
    assert (status.state, status.exit_code) == (JobState.CANCELLED, 75), wide.log(handle)
    assert len(wide.lines("saved")) == 2
    assert not [one for one in left if one.alive()]


# --- through a login node -----------------------------------------------------------------------


def test_a_login_node_will_do(remote: SlurmRig) -> None:
    odd = "a 'quoted' \"word\"; $HOME `id`\n第二行"
    request = remote.bash("afar", 'echo "$ODD" > $OUT/odd; exit 3', env={"ODD": odd})
    handle = remote.backend.submit(request)
    assert remote.backend.submit(request) == handle
    status = remote.ended(handle)
    assert (status.state, status.exit_code) == (JobState.FAILED, 3)
    assert (remote.folder / "odd").read_text() == odd + "\n"
    number = remote.number(handle)
    remote.until(lambda: (job := remote.slurm.transport.job(number)) is not None and job.over)
    job = remote.slurm.transport.job(number)
    assert job is not None
    assert (job.state, job.exit_code) == ("FAILED", 3)
    assert job.started is not None
    assert remote.slurm.transport.named(remote.job("afar").slurm_name) == (job,)


def test_a_login_node_refuses_what_slurm_refuses(remote: SlurmRig) -> None:
    with pytest.raises(SpecError, match="sbatch"):
        remote.backend.submit(remote.bash("vast", "true", resources=JobResources(cpus=1000)))


def test_a_login_node_that_is_away_is_asked_again(remote: SlurmRig) -> None:
    login = remote.slurm.settings.login
    assert login is not None
    away = login.model_copy(update={"port": 1})
    settings = remote.slurm.settings.model_copy(update={"login": away})
    with pytest.raises(TransientError, match="ssh"):
        Commands(settings).job(1)


def asked(rig: SlurmRig, **secrets: Path) -> Finding:
    """What preflight finds of the rig's cluster."""
    keys = {"slurm_key": rig.cluster.key, **secrets}
    profile = Profile.model_validate(
        {
            "name": "rig",
            "storage": rig.slurm.storage,
            "compute": {"backend": "slurm", "slurm": rig.slurm.settings},
            "endpoint": {"url": "http://127.0.0.1:1"},
            "secrets": {name: {"file": key} for name, key in keys.items()},
        }
    )
    (found,) = list(probe(profile))
    return found


@pytest.mark.parametrize("way", ["slurm", "remote"])
def test_preflight_says_which_slurm_answers_to_us(way: str, request: pytest.FixtureRequest) -> None:
    rig: SlurmRig = request.getfixturevalue(way)
    release = rig.cluster.run("sinfo", "--version").split()[-1]
    found = asked(rig)
    assert found.verdict is Verdict.PASS, str(found)
    assert f"as Slurm {release}" in found.detail


def test_preflight_says_in_slurms_words_why_a_token_of_another_key_is_no_good(
    slurm: SlurmRig, tmp_path: Path
) -> None:
    another = tmp_path / "key"
    another.write_text("another key, which the controller does not know")
    found = asked(slurm, slurm_key=another)
    assert found.verdict is not Verdict.PASS
    assert "compare the key" in found.fix
    assert found.detail.rpartition(": ")[2] != ""


def test_preflight_tells_a_login_node_that_keeps_us_out_from_one_that_is_away(
    remote: SlurmRig, tmp_path: Path
) -> None:
    login = remote.slurm.settings.login
    assert login is not None
    stranger = tmp_path / "stranger"
    command = ["/usr/bin/ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(stranger)]
    subprocess.run(command, check=True)
    for change, verdict in (({"key": stranger}, Verdict.FAIL), ({"port": 1}, Verdict.UNKNOWN)):
        other = remote.slurm.settings.model_copy(update={"login": login.model_copy(update=change)})
        remote.slurm = replace(remote.slurm, settings=other)
        assert asked(remote).verdict is verdict


def test_slurm_says_ahead_that_time_is_up(remote: SlurmRig) -> None:
    script = f"trap 'echo checkpoint; exit 75' TERM; {STAYS}"
    handle = remote.backend.submit(remote.bash("shortened", script, time_limit=600))
    remote.processes("pids", 1)
    # An administrator needs the node sooner.
    remote.cluster.run("scontrol", "update", f"JobId={remote.number(handle)}", "TimeLimit=1")
    remote.until(lambda: remote.backend.status(handle).state.final, 60)
    status: JobStatus = remote.backend.status(handle)
    assert (status.cause, status.exit_code) == (Cause.TIME_LIMIT, 75)
    assert status.transient
    assert "checkpoint" in remote.log(handle)


def test_a_handle_is_small_and_tells_no_secret(slurm: SlurmRig) -> None:
    handle = slurm.backend.submit(slurm.bash("small", "true", env={"TOKEN": "tell-nobody"}))
    assert len(handle.model_dump_json()) < 100
    assert "tell-nobody" not in json.dumps(slurm.job("small").read("request.json"))
