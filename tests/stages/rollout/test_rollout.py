"""Rollouts on real servers behind a real HAProxy. The tests share one endpoint, in order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from hearth.model import Stage
from hearth.rollout.controller import roll_back, roll_out
from hearth.rollout.outcome import RolloutFailed, RolloutStep
from hearth.rollout.state import change_state, read_state
from hearth.withdrawal.service import end_service
from hearth.withdrawal.withdraw import Match, Wish, plan_withdrawal, withdraw
from tests.artifacts import publish


@pytest.fixture(scope="module")
def first(endpoint: Any, quick: Any) -> Any:
    """The first release, which nothing serves before."""
    version = endpoint.version()
    result = roll_out(endpoint.store, endpoint.target, version, None, quick, endpoint.steps.append)
    assert result.changed
    return version


def test_the_first_release_serves_and_is_the_anchor(endpoint: Any, first: Any) -> None:
    answer = endpoint.complete()
    state = read_state(endpoint.store, endpoint.target.name)
    assert answer.status_code == 200
    assert answer.headers["X-Hearth-Version"] == first.version
    assert state.serving is not None
    assert state.anchor is not None
    assert (state.serving.version, state.anchor.version) == (first.version, first.version)


def test_only_the_listed_paths_are_open(endpoint: Any, first: Any) -> None:
    with httpx.Client(base_url=endpoint.url, trust_env=False, timeout=60) as client:
        models = client.get("/v1/models")
        assert models.json()["data"][0]["id"] == "hearth"
        assert models.headers["X-Hearth-Version"] == first.version
        assert client.get("/health").json() == {"status": "ok"}
        for path in ("/load_model", "/reset", "/v1/chat/completions", "/docs"):
            assert client.post(path, json={"model": "x"}).status_code == 404
        assert client.get("/v1/completions").status_code == 405
        wrong = {"model": "another", "prompt": "x", "max_tokens": 1}
        assert client.post("/v1/completions", json=wrong).status_code == 400


def test_rolling_out_what_serves_does_nothing(endpoint: Any, first: Any, quick: Any) -> None:
    before = read_state(endpoint.store, endpoint.target.name)
    result = roll_out(endpoint.store, endpoint.target, first, None, quick, endpoint.steps.append)
    assert not result.changed
    assert read_state(endpoint.store, endpoint.target.name) == before


def test_a_rollout_needs_what_the_gate_compared(endpoint: Any, first: Any, quick: Any) -> None:
    with pytest.raises(RolloutFailed, match=f"{first.version} serves, but the gate compared"):
        roll_out(endpoint.store, endpoint.target, endpoint.version(), None, quick, print)


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ({"broken": True}, "crashed on starting"),
        ({"babbles": "fire"}, "smoke answers are garbage"),
        ({"layers": 32}, "times the serving version's"),
    ],
    ids=["crashes-on-start", "answers-garbage", "is-slow"],
)
def test_a_bad_candidate_is_refused_and_no_client_notices(
    endpoint: Any, first: Any, quick: Any, clients: Any, kind: dict[str, Any], reason: str
) -> None:
    candidate = endpoint.version(**kind)
    with clients, pytest.raises(RolloutFailed, match=reason):
        roll_out(
            endpoint.store, endpoint.target, candidate, first.version, quick, endpoint.steps.append
        )
    state = read_state(endpoint.store, endpoint.target.name)
    assert clients.failures == []
    assert len(clients.answers) > 20
    assert state.candidate is None
    assert state.serving is not None
    assert state.serving.version == first.version
    assert state.history[-1].version.version == candidate.version
    endpoint.until(lambda seen: seen.server(candidate.version) is None, "the candidate to go")


def test_a_candidate_that_dies_under_traffic_is_refused_and_no_client_notices(
    endpoint: Any, first: Any, quick: Any, clients: Any
) -> None:
    candidate = endpoint.version()

    def kill(step: RolloutStep) -> None:
        if step.weight == 10:
            endpoint.process_of(candidate).kill()

    with clients, pytest.raises(RolloutFailed, match="its server went down"):
        roll_out(endpoint.store, endpoint.target, candidate, first.version, quick, kill)
    assert clients.failures == []
    assert candidate.version in clients.versions
    assert endpoint.complete().headers["X-Hearth-Version"] == first.version


@pytest.fixture(scope="module")
def second(endpoint: Any, first: Any) -> Any:
    return endpoint.version()


def test_a_good_candidate_takes_over_and_no_client_notices(
    endpoint: Any, first: Any, second: Any, quick: Any, clients: Any
) -> None:
    # An earlier rollout of it died half way: the next one goes on.
    now = datetime.now(UTC)
    change_state(
        endpoint.store,
        endpoint.target.name,
        lambda state: state.with_candidate(second, 10, now, timedelta(hours=1)),
    )
    with clients:
        result = roll_out(
            endpoint.store, endpoint.target, second, first.version, quick, endpoint.steps.append
        )
        endpoint.until(lambda seen: seen.server(first.version) is None, "the old version to go")
    assert clients.failures == []
    assert clients.versions == {first.version, second.version}
    assert result.replaced == first.version
    assert endpoint.complete().headers["X-Hearth-Version"] == second.version


def test_going_back_brings_the_version_before(
    endpoint: Any, first: Any, second: Any, quick: Any, clients: Any
) -> None:
    with clients:
        result = roll_back(endpoint.store, endpoint.target, quick, endpoint.steps.append)
    assert clients.failures == []
    assert (result.version, result.replaced) == (first.version, second.version)
    state = read_state(endpoint.store, endpoint.target.name)
    assert state.anchor is not None
    assert state.anchor.version == first.version


def test_a_revoked_model_serves_no_more_and_a_new_one_takes_its_place(
    endpoint: Any, first: Any, quick: Any, tmp_path: Path
) -> None:
    row = {"doc_key": "notes:1", "content_id": "c", "source": "notes"}
    pq.write_table(pa.Table.from_pylist([row]), tmp_path / "part.parquet")
    name = "corpus/split=train/part-00000.parquet"
    corpus = publish(endpoint.store, Stage.CURATE, {name: tmp_path / "part.parquet"})
    held = endpoint.version(corpus=corpus)
    roll_out(endpoint.store, endpoint.target, held, first.version, quick, endpoint.steps.append)
    wish = Wish(documents=("notes:1",), match=Match.KEY, reason="why", by="ada", unseen=True)
    withdraw(endpoint.store, plan_withdrawal(endpoint.store, wish))
    now, hour = datetime.now(UTC), timedelta(hours=1)
    assert end_service(endpoint.store, endpoint.target.name, hour, now) is None
    assert endpoint.complete().headers["X-Hearth-Version"] == held.version
    assert end_service(endpoint.store, endpoint.target.name, timedelta(0), now) is not None
    endpoint.until(lambda seen: not seen.servers, "the revoked version to go")
    assert endpoint.complete().status_code == 503
    # Nor after a restart.
    endpoint.stop()
    endpoint.start()
    endpoint.until(lambda seen: seen.proxy_running, "the endpoint to come back")
    assert endpoint.complete().status_code == 503
    new = endpoint.version()
    roll_out(endpoint.store, endpoint.target, new, None, quick, endpoint.steps.append)
    assert endpoint.complete().headers["X-Hearth-Version"] == new.version
