"""What an endpoint survives: its processes killed one after the other. The tests run in order."""

from __future__ import annotations

import shutil
import signal
import time
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from hearth.errors import EXIT_SPEC
from hearth.rollout.state import Version, change_state

HOUR = timedelta(hours=1)


def be_candidate(endpoint: Any, version: Version, weight: int) -> None:
    now = datetime.now(UTC)
    change_state(
        endpoint.store, "hearth", lambda state: state.with_candidate(version, weight, now, HOUR)
    )


@pytest.fixture(scope="module")
def serving(endpoint: Any) -> Version:
    version = endpoint.version()
    be_candidate(endpoint, version, 0)
    now = datetime.now(UTC)
    change_state(
        endpoint.store, "hearth", lambda state: state.promoted(version.version, now, "a test")
    )
    endpoint.until_answered_by(version)
    return version


@pytest.fixture(scope="module")
def candidate(endpoint: Any, serving: Version) -> Version:
    version = endpoint.version()
    be_candidate(endpoint, version, 50)
    endpoint.until(lambda seen: seen.weight == 50, "the candidate's traffic")
    return version


def test_a_killed_server_is_started_again_while_the_other_answers(
    endpoint: Any, serving: Version, candidate: Version, clients: Any
) -> None:
    killed = endpoint.process_of(serving)
    with clients:
        killed.kill()
        endpoint.until(
            lambda seen: (
                seen.ready(serving.version) and seen.server(serving.version).pid != killed.pid
            ),
            "the killed server",
        )
        endpoint.until_answered_by(serving)
    assert clients.failures == []


def test_a_server_that_hangs_is_killed_and_started_again_while_the_other_answers(
    endpoint: Any, serving: Version, candidate: Version, clients: Any
) -> None:
    hung = endpoint.process_of(serving)
    with clients:
        hung.suspend()
        endpoint.until(
            lambda seen: (
                seen.ready(serving.version) and seen.server(serving.version).pid != hung.pid
            ),
            "the server that hung",
        )
        endpoint.until_answered_by(serving)
    # Who was at the hung one waits until it is killed, and is then answered by the other.
    assert clients.failures == []
    assert not hung.is_running()


def test_a_killed_haproxy_is_started_again(
    endpoint: Any, serving: Version, candidate: Version
) -> None:
    killed = endpoint.proxy()
    killed.kill()
    seen = endpoint.until(lambda seen: seen.proxy_restarts == 1, "HAProxy to be restarted")
    endpoint.until_answered_by(candidate, seconds=10)
    assert endpoint.proxy().pid != killed.pid
    assert seen.weight == 50


def test_a_new_supervisor_adopts_what_a_killed_one_left(
    endpoint: Any, serving: Version, candidate: Version
) -> None:
    left = {endpoint.process_of(v).pid for v in (serving, candidate)} | {endpoint.proxy().pid}
    endpoint.stop(signal.SIGKILL)
    assert endpoint.complete().status_code == 200
    killed_at = datetime.now(UTC)
    endpoint.start()
    endpoint.until(
        lambda seen: (
            seen.at > killed_at and seen.ready(serving.version) and seen.ready(candidate.version)
        ),
        "both versions again",
    )
    now = {endpoint.process_of(v).pid for v in (serving, candidate)} | {endpoint.proxy().pid}
    assert now == left


def test_a_lonely_server_that_is_killed_comes_back(
    endpoint: Any, serving: Version, candidate: Version
) -> None:
    now = datetime.now(UTC)
    change_state(
        endpoint.store,
        "hearth",
        lambda state: state.without_candidate(candidate.version, now, "a test"),
    )
    endpoint.until(lambda seen: seen.server(candidate.version) is None, "the candidate to go")
    endpoint.process_of(serving).kill()
    before = endpoint.until_answered_by(serving)
    assert set(before) <= {503}


def test_an_endpoint_comes_back_after_a_stop_even_when_its_store_lost_everything(
    endpoint: Any, serving: Version
) -> None:
    endpoint.stop()
    away = endpoint.store_folder.rename(endpoint.store_folder.with_name("away"))
    try:
        endpoint.start()
        endpoint.until_answered_by(serving)
    finally:
        shutil.rmtree(endpoint.store_folder)
        away.rename(endpoint.store_folder)


def test_a_supervisor_that_is_asked_to_stop_again_and_again_stops(
    endpoint: Any, serving: Version
) -> None:
    for _ in range(2000):
        endpoint.process.send_signal(signal.SIGTERM)
        time.sleep(5e-6)
    endpoint.stop()
    endpoint.start()
    endpoint.until_answered_by(serving)


def test_a_folder_has_one_supervisor(endpoint: Any, serving: Version) -> None:
    second = endpoint.spawn()
    assert second.wait(60) == EXIT_SPEC
    assert "another supervisor of endpoint hearth is running: stop it first" in endpoint.log()
    assert endpoint.complete().status_code == 200


def test_a_damaged_model_is_refused_by_name(endpoint: Any, serving: Version) -> None:
    version = endpoint.version()
    weights = next(endpoint.store_folder.glob(f"**/{version.fingerprint}/**/model.safetensors"))
    damaged = bytearray(weights.read_bytes())
    damaged[-1] ^= 1
    weights.write_bytes(damaged)
    be_candidate(endpoint, version, 0)
    seen = endpoint.until(
        lambda seen: (server := seen.server(version.version)) is not None and server.crashes > 0,
        "the damage to be seen",
    )
    error = seen.server(version.version).last_error
    assert "model.safetensors: SHA-256 is" in error
    assert endpoint.complete().headers["X-Hearth-Version"] == serving.version
