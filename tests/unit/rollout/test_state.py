"""The endpoint's state, and the rules by which it may change."""

from __future__ import annotations

import threading
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from hearth.errors import ConflictError, DataError
from hearth.rollout.state import (
    EndpointState,
    Happening,
    Version,
    change_state,
    read_state,
    state_path,
)
from hearth.storage import Store
from hearth.storagesettings import StorageSettings

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEASE = timedelta(minutes=5)


def version(digit: str) -> Version:
    return Version.of(f"s3://b/artifacts/train/{digit * 64}", digit * 64, f"build-{digit}", NOW)


A, B, C = version("a"), version("b"), version("c")


@pytest.fixture
def store(tmp_path: Path) -> Store:
    return Store.open(StorageSettings(uri=f"file://{tmp_path}/store"))


@pytest.fixture
def serving_a() -> EndpointState:
    state = EndpointState(name="hearth").with_candidate(A, 100, NOW, LEASE)
    return state.promoted(A.version, NOW, "first")


def test_an_endpoint_that_never_was_serves_nothing(store: Store) -> None:
    assert read_state(store, "hearth") == EndpointState(name="hearth")


def test_the_first_release_is_the_anchor_and_stays_it(serving_a: EndpointState) -> None:
    later = serving_a.with_candidate(B, 10, NOW, LEASE).promoted(B.version, NOW, "better")
    assert later.serving is not None
    assert later.anchor is not None
    assert (later.serving.version, later.anchor.version) == (B.version, A.version)
    assert later.candidate is None


def test_a_candidate_that_nobody_watches_gets_no_traffic(serving_a: EndpointState) -> None:
    state = serving_a.with_candidate(B, 50, NOW, LEASE)
    assert state.weight(NOW + LEASE / 2) == 50
    assert state.weight(NOW + LEASE) == 0


def test_a_candidate_that_is_watched_is_not_pushed_aside(serving_a: EndpointState) -> None:
    state = serving_a.with_candidate(B, 50, NOW, LEASE)
    with pytest.raises(ConflictError, match=f"version {B.version} of build build-b is being"):
        state.with_candidate(C, 10, NOW, LEASE)


def test_two_builds_of_one_model_do_not_roll_it_out_at_once(serving_a: EndpointState) -> None:
    twin = B.model_copy(update={"build": "build-twin"})
    state = serving_a.with_candidate(B, 50, NOW, LEASE)
    assert state.with_candidate(B, 100, NOW, LEASE).weight(NOW) == 100
    assert state.rolled_out_by_another(twin, NOW)
    with pytest.raises(ConflictError, match="of build build-b is being"):
        state.with_candidate(twin, 10, NOW, LEASE)
    after = NOW + 2 * LEASE
    assert state.with_candidate(twin, 10, after, LEASE).candidate == twin


def test_a_candidate_that_was_abandoned_makes_room_and_is_remembered(
    serving_a: EndpointState,
) -> None:
    after = NOW + 2 * LEASE
    state = serving_a.with_candidate(B, 50, NOW, LEASE).with_candidate(C, 0, after, LEASE)
    assert state.candidate == C
    assert state.history[-1].happening is Happening.ABANDONED
    assert state.history[-1].version == B


def test_refusing_a_candidate_leaves_what_serves(serving_a: EndpointState) -> None:
    state = serving_a.with_candidate(B, 50, NOW, LEASE).without_candidate(B.version, NOW, "slow")
    assert (state.serving, state.candidate, state.candidate_weight) == (serving_a.serving, None, 0)
    assert state.history[-1].reason == "slow"


def test_refusing_somebody_elses_candidate_changes_nothing(serving_a: EndpointState) -> None:
    state = serving_a.with_candidate(B, 50, NOW, LEASE)
    assert state.without_candidate(C.version, NOW, "late") == state


def test_nothing_serves_in_place_of_what_is_withdrawn_and_the_next_needs_no_rival(
    serving_a: EndpointState,
) -> None:
    assert serving_a.without_serving(B.version, NOW, "revoked") == serving_a
    state = serving_a.without_serving(A.version, NOW, "revoked")
    assert (state.serving, state.anchor) == (None, serving_a.anchor)
    assert state.history[-1].happening is Happening.WITHDRAWN
    after = state.with_candidate(B, 100, NOW, LEASE).promoted(B.version, NOW, "good")
    assert after.serving is not None
    assert (after.serving.version, after.anchor) == (B.version, serving_a.anchor)


def test_promoting_twice_is_promoting_once(serving_a: EndpointState) -> None:
    assert serving_a.promoted(A.version, NOW, "again") == serving_a


def test_only_the_candidate_can_be_promoted(serving_a: EndpointState) -> None:
    with pytest.raises(ConflictError, match=f"the candidate is none, not {B.version}"):
        serving_a.promoted(B.version, NOW, "out of the blue")


def test_the_previous_version_is_the_last_other_one_that_served(serving_a: EndpointState) -> None:
    assert serving_a.previous() is None
    later = serving_a.with_candidate(B, 10, NOW, LEASE).promoted(B.version, NOW, "better")
    refused = later.with_candidate(C, 10, NOW, LEASE).without_candidate(C.version, NOW, "slow")
    previous = refused.previous()
    assert previous is not None
    assert previous.version == A.version


def test_the_history_has_an_end(serving_a: EndpointState) -> None:
    state = serving_a
    for _ in range(60):
        state = state.with_candidate(B, 0, NOW, LEASE).without_candidate(B.version, NOW, "no")
    assert len(state.history) == 50


def test_changes_that_race_are_all_made(store: Store) -> None:
    def add(digit: str) -> None:
        def change(state: EndpointState) -> EndpointState:
            return state.with_candidate(version(digit), 0, NOW, -LEASE)

        change_state(store, "hearth", change)

    threads = [threading.Thread(target=add, args=(digit,)) for digit in "abcd"]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    state = read_state(store, "hearth")
    assert state.revision == 4
    assert len(state.history) == 3


def test_a_change_that_changes_nothing_writes_nothing(store: Store) -> None:
    change_state(store, "hearth", lambda state: state.with_candidate(A, 0, NOW, LEASE))
    before = store.head(state_path("hearth"))
    assert change_state(store, "hearth", lambda state: state).revision == 1
    assert store.head(state_path("hearth")) == before


def test_a_damaged_state_is_named(store: Store) -> None:
    store.put(state_path("hearth"), b'{"name": "hearth", "serving": "latest"}')
    with pytest.raises(DataError, match=r"endpoints/hearth/state\.json: is not the state"):
        read_state(store, "hearth")
