"""The laws that every backend keeps."""

from __future__ import annotations

import os
import signal
import time
from typing import TYPE_CHECKING

import pytest

from hearth.compute.backend import JobHandle, JobResources, JobStatus
from hearth.compute.outcome import Cause, JobState
from hearth.errors import SpecError
from tests.compute.conftest import each_way

if TYPE_CHECKING:
    from tests.compute.conftest import Rig, SlurmRig

STUBBORN = "trap '' TERM; echo $BASHPID >> $OUT/pids; while :; do sleep 0.1; done"
# Four ways to get away: a child, a session of its own, an orphan, an orphan without environment.
FAMILY = """
bash -c "$STUBBORN" &
setsid bash -c "$STUBBORN" &
(setsid bash -c "$STUBBORN" &)
(env -i OUT=$OUT PATH=$PATH setsid bash -c "$STUBBORN" &)
"""


@each_way
def test_a_job_that_succeeds_says_so(rig: Rig) -> None:
    handle = rig.backend.submit(rig.bash("good", "echo out; echo err >&2"))
    status = rig.ended(handle)
    assert (status.state, status.exit_code, status.cause) == (JobState.SUCCEEDED, 0, None)
    assert (status.error_code, status.transient) == (0, False)
    assert status.started is not None
    assert status.finished is not None
    assert status.started <= status.finished
    assert sorted(rig.log(handle).splitlines()) == ["err", "out"]


@each_way
def test_a_running_job_is_running(rig: Rig) -> None:
    handle = rig.backend.submit(rig.bash("long", "sleep 100"))
    rig.until(lambda: rig.backend.status(handle).state is not JobState.PENDING)
    assert rig.backend.status(handle).state is JobState.RUNNING
    assert rig.backend.status(handle).transient is False


@pytest.mark.parametrize(
    ("code", "means", "transient"),
    [(1, 70, False), (64, 64, False), (65, 65, False), (70, 70, False), (75, 75, True)],
)
def test_exit_codes_pass_through(
    rig: Rig,
    code: int,
    means: int,
    transient: bool,  # noqa: FBT001 - a column of the table
) -> None:
    status = rig.ended(rig.backend.submit(rig.bash(f"code-{code}", f"exit {code}")))
    assert (status.state, status.exit_code) == (JobState.FAILED, code)
    assert (status.error_code, status.transient) == (means, transient)


def test_a_command_killed_by_a_signal_is_worth_another_try(rig: Rig) -> None:
    status = rig.ended(rig.backend.submit(rig.bash("shot", "kill -SEGV $$")))
    assert (status.state, status.cause) == (JobState.FAILED, Cause.SIGNAL)
    assert status.exit_code == -signal.SIGSEGV
    assert status.transient


def test_a_program_that_is_not_there_is_named(rig: Rig) -> None:
    status = rig.ended(rig.backend.submit(rig.request("absent", "no-such-program")))
    assert (status.state, status.cause) == (JobState.FAILED, Cause.NOT_STARTED)
    assert "no-such-program" in status.reason
    assert not status.transient


def test_python_is_that_of_the_environment(rig: Rig) -> None:
    script = "import hearth, sys; print(sys.prefix)"
    handle = rig.backend.submit(rig.request("python", "python", "-c", script))
    assert rig.ended(handle).state is JobState.SUCCEEDED, rig.log(handle)


@each_way
def test_only_what_was_asked_for_reaches_the_environment(
    rig: Rig, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AIRFLOW__CORE__FERNET_KEY", "not for jobs")
    handle = rig.backend.submit(rig.request("env", "env", env={"ASKED": "yes"}))
    rig.ended(handle)
    names = {line.partition("=")[0] for line in rig.log(handle).splitlines()}
    assert "ASKED" in names
    assert "AIRFLOW__CORE__FERNET_KEY" not in names


@each_way
def test_what_the_backend_cannot_do_is_refused_before_anything_starts(rig: Rig) -> None:
    with pytest.raises(SpecError, match="nowhere"):
        rig.backend.submit(rig.bash("wrong", "echo >> $OUT/ran", environment="nowhere"))
    resources = JobResources(nodes=100_000)
    with pytest.raises(SpecError, match="nodes"):
        rig.backend.submit(rig.bash("wrong", "echo >> $OUT/ran", resources=resources))
    rig.ended(rig.backend.submit(rig.bash("wrong", "echo >> $OUT/ran")))
    assert len(rig.lines("ran")) == 1


# --- one job per name ---------------------------------------------------------------------------


@each_way
def test_submitting_twice_is_submitting_once(rig: Rig) -> None:
    request = rig.bash("twice", "echo >> $OUT/ran")
    first = rig.backend.submit(request)
    assert rig.backend.submit(request) == first
    rig.ended(first)
    assert rig.backend.submit(request) == first
    assert rig.backend.find("twice") == first
    assert len(rig.lines("ran")) == 1


def test_a_name_that_was_never_submitted_is_not_found(rig: Rig) -> None:
    assert rig.backend.find("never") is None


@each_way
def test_eight_clients_at_once_start_one_job(rig: Rig) -> None:
    request = rig.bash("race", "echo >> $OUT/ran").model_dump_json()
    clients = [rig.client("submit_when_told", request) for _ in range(8)]
    for client in clients:
        assert client.stdout is not None
        assert client.stdout.readline() == "ready\n"
    for client in clients:
        assert client.stdin is not None
        client.stdin.write("\n")
        client.stdin.flush()
    handles = {client.communicate()[0] for client in clients}
    assert len(handles) == 1
    rig.ended(JobHandle.model_validate_json(handles.pop()))
    assert len(rig.lines("ran")) == 1


@each_way
def test_a_client_that_dies_while_submitting_leaves_one_job_or_none(rig: Rig) -> None:
    points = [("any", n, 0.0) for n in (1, 2, 4, 6, 9, 12, 16)]
    points += [("subprocess.Popen", 1, delay) for delay in (0.0, 0.005, 0.02, 0.04, 0.06, 0.1)]
    requests = {
        point: rig.bash(f"dying-{index}", f"echo >> $OUT/ran-{index}")
        for index, point in enumerate(points)
    }
    clients = [
        rig.client("submit_and_die", request.model_dump_json(), event, str(nth), str(delay))
        for (event, nth, delay), request in requests.items()
    ]
    deaths = 0
    for client in clients:
        client.communicate()
        deaths += client.returncode == -signal.SIGKILL
    assert deaths >= len(points) // 2, "the points do not lie within submit any more"
    handles = {point: rig.backend.submit(request) for point, request in requests.items()}
    for index, (point, handle) in enumerate(handles.items()):
        assert rig.ended(handle).state is JobState.SUCCEEDED, point
        assert len(rig.lines(f"ran-{index}")) == 1, point


@each_way
def test_a_name_that_failed_stays_so_and_the_next_one_runs(rig: Rig) -> None:
    first = rig.backend.submit(rig.bash("attempt-1", "echo >> $OUT/ran; exit 75"))
    failed = rig.ended(first)
    second = rig.backend.submit(rig.bash("attempt-2", "echo >> $OUT/ran"))
    assert rig.ended(second).state is JobState.SUCCEEDED
    assert rig.backend.submit(rig.bash("attempt-1", "echo >> $OUT/ran")) == first
    assert rig.backend.status(first) == failed
    assert len(rig.lines("ran")) == 2


# --- jobs do not depend on who started them -----------------------------------------------------


def test_any_process_can_ask(rig: Rig) -> None:
    handle = rig.backend.submit(rig.bash("asked", "exit 65"))
    rig.ended(handle)
    answer, _ = rig.client("status", handle.model_dump_json()).communicate()
    assert JobStatus.model_validate_json(answer) == rig.backend.status(handle)


def test_a_job_survives_its_submitters_whole_session(rig: Rig) -> None:
    script = "until [ -e $OUT/go ]; do sleep 0.05; done; echo done"
    client = rig.client("submit_and_stay", rig.bash("orphan", script).model_dump_json())
    assert client.stdout is not None
    handle = JobHandle.model_validate_json(client.stdout.readline())
    os.killpg(client.pid, signal.SIGKILL)
    client.wait()
    rig.until(lambda: rig.backend.status(handle).state is JobState.RUNNING)
    (rig.folder / "go").touch()
    assert rig.ended(handle).state is JobState.SUCCEEDED
    assert rig.log(handle) == "done\n"


@each_way
def test_a_job_outlives_a_restart_of_the_server(rig: Rig) -> None:
    handle = rig.backend.submit(rig.bash("steady", "until [ -e $OUT/go ]; do sleep 0.05; done"))
    rig.until(lambda: rig.backend.status(handle).state is JobState.RUNNING)
    rig.restart()
    rig.until(lambda: rig.backend.status(handle).state is JobState.RUNNING)
    (rig.folder / "go").touch()
    assert rig.ended(handle).state is JobState.SUCCEEDED


@each_way
@pytest.mark.parametrize("skew", [-600.0, 600.0])
def test_a_client_whose_clock_is_wrong_does_no_harm(rig: Rig, skew: float) -> None:
    request = rig.bash("skewed", "echo >> $OUT/ran; sleep 100")
    answer, _ = rig.client("submit", request.model_dump_json(), skew=skew).communicate()
    handle = JobHandle.model_validate_json(answer)
    assert rig.backend.submit(request) == handle
    rig.until(lambda: rig.lines("ran"))
    asked = handle.model_dump_json()
    answer, _ = rig.client("status", asked, skew=skew).communicate()
    assert JobStatus.model_validate_json(answer).state is JobState.RUNNING
    answer, _ = rig.client("cancel", asked, "1", skew=skew).communicate()
    status = JobStatus.model_validate_json(answer)
    assert status.state is JobState.CANCELLED
    assert rig.backend.status(handle) == status
    assert len(rig.lines("ran")) == 1


# --- the end ------------------------------------------------------------------------------------


@each_way
def test_a_cancelled_job_is_gone(rig: Rig) -> None:
    handle = rig.backend.submit(rig.bash("running", "echo $$ > $OUT/pids; sleep 100; true"))
    (command,) = rig.processes("pids", 1)
    status = rig.backend.cancel(handle)
    assert (status.state, status.cause) == (JobState.CANCELLED, Cause.CANCELLED)
    assert not status.transient
    assert not command.alive()
    assert rig.backend.cancel(handle) == status
    assert rig.backend.status(handle) == status
    assert "cancelled" in rig.log(handle)


def test_a_cancelled_job_may_save_its_work_first(rig: Rig) -> None:
    script = "trap 'echo saved; exit 75' TERM; touch $OUT/on; while :; do sleep 0.05; done"
    handle = rig.backend.submit(rig.bash("saving", script))
    rig.until((rig.folder / "on").exists)
    status = rig.backend.cancel(handle)
    assert (status.state, status.exit_code) == (JobState.CANCELLED, 75)
    assert "saved\n" in rig.log(handle)


@each_way
def test_cancelling_what_has_ended_changes_nothing(rig: Rig) -> None:
    handle = rig.backend.submit(rig.bash("over", "exit 0"))
    status = rig.ended(handle)
    assert rig.backend.cancel(handle) == status


@each_way
def test_what_was_cancelled_before_it_started_never_starts(rig: Rig) -> None:
    unstarted = JobHandle(backend=rig.backend.name, name="early")
    assert rig.backend.status(unstarted).state is JobState.PENDING
    status = rig.backend.cancel(unstarted)
    assert status.state is JobState.CANCELLED
    handle = rig.backend.submit(rig.bash("early", "echo >> $OUT/ran"))
    assert rig.backend.status(handle) == status
    assert rig.lines("ran") == []


def test_what_was_cancelled_in_the_queue_never_starts(held: SlurmRig) -> None:
    handle = held.backend.submit(held.bash("queued", "echo >> $OUT/ran"))
    assert held.backend.status(handle).state is JobState.PENDING
    assert held.slurm.transport.named(held.job("queued").slurm_name)[0].waiting
    status = held.backend.cancel(handle)
    assert (status.state, status.cause) == (JobState.CANCELLED, Cause.CANCELLED)
    held.release()
    assert held.ended(held.backend.submit(held.bash("next", "true"))).state is JobState.SUCCEEDED
    assert held.backend.submit(held.bash("queued", "echo >> $OUT/ran")) == handle
    assert held.backend.status(handle) == held.backend.cancel(handle) == status
    assert held.lines("ran") == []


def test_a_job_that_ignores_sigterm_is_killed_after_its_grace(rig: Rig) -> None:
    handle = rig.backend.submit(rig.bash("stubborn", STUBBORN))
    (command,) = rig.processes("pids", 1)
    began = time.monotonic()
    status = rig.backend.cancel(handle, grace=0.5)
    assert 0.5 <= time.monotonic() - began < 5 + rig.delay
    assert (status.state, status.exit_code) == (JobState.CANCELLED, -signal.SIGKILL)
    assert not command.alive()


def test_two_who_cancel_at_once_see_one_end(rig: Rig) -> None:
    handle = rig.backend.submit(rig.bash("both", STUBBORN))
    rig.processes("pids", 1)
    began = time.monotonic()
    patient = rig.client("cancel", handle.model_dump_json(), "60")
    hasty = rig.backend.cancel(handle, grace=0.2)
    answer, _ = patient.communicate()
    assert JobStatus.model_validate_json(answer) == hasty
    assert hasty.state is JobState.CANCELLED
    assert time.monotonic() - began < 20


def test_no_descendant_outlives_a_cancelled_job(rig: Rig) -> None:
    handle = rig.backend.submit(rig.bash("clan", f"{FAMILY} wait", env={"STUBBORN": STUBBORN}))
    family = rig.processes("pids", 4)
    assert rig.backend.cancel(handle, grace=0.3).state is JobState.CANCELLED
    assert not [one for one in family if one.alive()]


def test_no_descendant_outlives_its_command(rig: Rig) -> None:
    script = f"{FAMILY} until [ -e $OUT/seen ]; do sleep 0.05; done; exit 3"
    handle = rig.backend.submit(rig.bash("heirs", script, env={"STUBBORN": STUBBORN}))
    family = rig.processes("pids", 4)
    (rig.folder / "seen").touch()
    status = rig.ended(handle)
    assert (status.state, status.exit_code) == (JobState.FAILED, 3)
    assert not [one for one in family if one.alive()]


@each_way
def test_a_job_without_its_guard_is_lost_and_gone(rig: Rig) -> None:
    handle = rig.backend.submit(rig.bash("lost", f"{FAMILY} wait", env={"STUBBORN": STUBBORN}))
    family = rig.processes("pids", 4)
    rig.knows(handle, family)
    rig.lose(handle)
    status = rig.ended(handle)
    assert (status.state, status.cause) == (JobState.LOST, Cause.LOST)
    assert status.transient
    assert not [one for one in family if one.alive()]
    assert rig.backend.cancel(handle) == status
    assert rig.backend.submit(rig.bash("lost", "echo >> $OUT/ran")) == handle
    assert rig.lines("ran") == []


# --- limits -------------------------------------------------------------------------------------


def test_the_time_limit_ends_a_job(rig: Rig) -> None:
    handle = rig.backend.submit(rig.bash("slow", STUBBORN, time_limit=0.5, grace=0.2))
    status = rig.ended(handle)
    assert (status.state, status.cause) == (JobState.FAILED, Cause.TIME_LIMIT)
    assert "0.5 s" in status.reason
    assert not status.transient


def test_a_job_that_saved_its_work_at_the_time_limit_may_go_on(rig: Rig) -> None:
    script = "trap 'exit 75' TERM; while :; do sleep 0.05; done"
    status = rig.ended(rig.backend.submit(rig.bash("slower", script, time_limit=1, grace=10)))
    assert (status.cause, status.exit_code) == (Cause.TIME_LIMIT, 75)
    assert status.transient


def test_the_memory_limit_counts_all_processes_together(rig: Rig) -> None:
    hold = "python -S -c 'import time; held = b\"x\" * 80_000_000; time.sleep(100)'"
    limit = JobResources(memory_bytes=150_000_000)
    request = rig.bash("greedy", f"{hold} & {hold} & wait", resources=limit)
    status = rig.ended(rig.backend.submit(request))
    assert (status.state, status.cause) == (JobState.FAILED, Cause.OUT_OF_MEMORY)
    assert status.max_rss_bytes is not None
    assert status.max_rss_bytes > 150_000_000
    assert "150000000" in status.reason
    assert not status.transient


@each_way
def test_a_job_gets_the_cpus_it_asked_for(rig: Rig) -> None:
    handle = rig.backend.submit(rig.bash("narrow", "nproc", resources=JobResources(cpus=1)))
    rig.ended(handle)
    assert rig.log(handle) == "1\n"


# --- logs ---------------------------------------------------------------------------------------


def test_a_character_is_never_cut_between_two_reads(rig: Rig) -> None:
    script = r"printf '\xe4\xb8'; touch $OUT/half; until [ -e $OUT/go ]; do sleep 0.02; done; "
    handle = rig.backend.submit(rig.bash("half", script + r"printf '\xad\xe6\x96\x87\n'"))
    rig.until((rig.folder / "half").exists)
    chunk = rig.backend.logs(handle)
    assert chunk.text == ""
    (rig.folder / "go").touch()
    rig.ended(handle)
    assert rig.backend.logs(handle, chunk.cursor).text == "中文\n"


def test_bytes_that_are_no_text_are_replaced(rig: Rig) -> None:
    handle = rig.backend.submit(rig.bash("noise", r"printf 'a\xffb\xe4\xb8'"))
    rig.ended(handle)
    assert rig.log(handle) == "a\N{REPLACEMENT CHARACTER}b\N{REPLACEMENT CHARACTER}"


def test_a_long_log_comes_in_pieces_that_fit_together(rig: Rig) -> None:
    script = "for n in range(60_000): print(n, '火塘里的火一直没有熄灭')"
    handle = rig.backend.submit(rig.request("long-log", "python", "-S", "-c", script))
    rig.ended(handle)
    expected = "".join(f"{n} 火塘里的火一直没有熄灭\n" for n in range(60_000))
    assert len(rig.backend.logs(handle).text) < len(expected)
    assert rig.log(handle) == expected


def test_a_job_that_has_said_nothing_has_an_empty_log(rig: Rig) -> None:
    handle = rig.backend.submit(rig.bash("silent", "sleep 100"))
    assert rig.backend.logs(handle).text == ""
