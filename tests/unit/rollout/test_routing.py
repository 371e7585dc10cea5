"""Who gets which traffic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address

from hypothesis import given
from hypothesis import strategies as st

from hearth.rollout.haproxy_config import Address, configuration
from hearth.rollout.routing import Routing, Seat, Slot, commands, maps
from hearth.rollout.seating import Standing, route, take_seats
from hearth.rollout.state import EndpointState, Version

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
LEASE = timedelta(minutes=5)
A, B, C = (Version.of(f"s3://b/artifacts/train/{d * 64}", d * 64, "build", NOW) for d in "abc")
UP = {A.version: Standing(port=1001, ready=True), B.version: Standing(port=1002, ready=True)}
SEATS = {Slot.BLUE: A.version, Slot.GREEN: B.version}


PUBLIC = Address(IPv4Address("127.0.0.1"), 18000)


def serving_a(weight: int = 0, *, candidate: bool = True) -> EndpointState:
    return EndpointState(
        name="hearth",
        serving=A,
        candidate=B if candidate else None,
        candidate_weight=weight,
        candidate_until=NOW + LEASE,
    )


@given(st.lists(st.sampled_from([A.version, B.version, C.version]), max_size=3, unique=True))
def test_nobody_is_moved_and_nobody_sits_twice(wanted: list[str]) -> None:
    seated = take_seats(SEATS, wanted)
    assert seated == SEATS
    fresh = take_seats({}, wanted)
    assert len(set(fresh.values())) == len(fresh) == min(2, len(wanted))
    assert list(fresh.values()) == wanted[:2]


def test_the_serving_version_gets_what_the_candidate_does_not() -> None:
    routing = route(serving_a(10), SEATS, UP, NOW)
    assert (routing.serving, routing.weight, routing.green_share) == (Slot.BLUE, 10, 10)
    swapped = route(serving_a(10), {Slot.GREEN: A.version, Slot.BLUE: B.version}, UP, NOW)
    assert (swapped.serving, swapped.green_share) == (Slot.GREEN, 90)


def test_a_candidate_without_traffic_stands_in_for_nobody() -> None:
    quiet, busy = route(serving_a(0), SEATS, UP, NOW), route(serving_a(1), SEATS, UP, NOW)
    assert quiet.green is not None
    assert busy.green is not None
    assert (quiet.green.spare, busy.green.spare) == (False, True)
    assert quiet.blue is not None
    assert quiet.blue.spare, "what serves always stands in for the candidate"


def test_a_candidate_that_is_down_or_unwatched_gets_nothing() -> None:
    down = UP | {B.version: Standing(port=1002, ready=False)}
    assert route(serving_a(50), SEATS, down, NOW).weight == 0
    assert route(serving_a(50), SEATS, UP, NOW + LEASE).weight == 0


def test_a_version_that_is_drained_gets_nothing_but_keeps_its_name() -> None:
    state = EndpointState(name="hearth", serving=B)
    draining = UP | {A.version: Standing(port=1001, ready=False)}
    routing = route(state, SEATS, draining, NOW)
    assert routing.serving is Slot.GREEN
    assert routing.blue == Seat(version=A.version, port=1001, admitted=False, spare=False)
    assert "blue aaaaaaaaaaaa" in maps(routing)["versions.map"]


def test_promoting_moves_no_traffic() -> None:
    before = route(serving_a(100), SEATS, UP, NOW)
    promoted = serving_a(100).promoted(B.version, NOW, "good")
    assert route(promoted, SEATS, UP, NOW).green_share == before.green_share == 100


def test_a_first_release_has_the_empty_slot_beside_it_as_its_rival() -> None:
    state = EndpointState(
        name="hearth", candidate=A, candidate_weight=10, candidate_until=NOW + LEASE
    )
    routing = route(state, {Slot.BLUE: A.version}, UP, NOW)
    assert (routing.serving, routing.green_share) == (Slot.GREEN, 90)
    assert routing.blue is not None
    assert routing.blue.spare


def test_who_leaves_does_so_before_anybody_moves_in() -> None:
    told = commands(route(serving_a(10, candidate=False), {Slot.BLUE: A.version}, UP, NOW))
    leaving = [index for index, command in enumerate(told) if command.endswith("maint")]
    coming = [index for index, command in enumerate(told) if command.endswith("ready")]
    assert max(leaving) < min(coming)
    assert told[-1] == "set map versions.map serves blue"


def test_the_configuration_starts_as_the_commands_would_leave_it() -> None:
    text = configuration(route(serving_a(50), SEATS, UP, NOW), PUBLIC)
    assert "bind 127.0.0.1:18000\n" in text
    assert "server blue 127.0.0.1:1001\n" in text
    assert "server green 127.0.0.1:1002 backup" in text
    assert "disabled" not in text
    empty = configuration(Routing(), PUBLIC)
    assert empty.count("disabled") == 4
