"""The laws of what serves after a withdrawal: for its grace, and no longer without an exception."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from hearth.build import EventKind
from hearth.rollout.state import Happening, Version, change_state, read_state
from hearth.withdrawal.revocation import allow
from hearth.withdrawal.service import end_service
from hearth.withdrawal.withdraw import Wish, plan_withdrawal, withdraw
from tests.unit.lineage.library import ALICE, BOB, ENDPOINT, SHORT, Library, serve

GRACE = timedelta(hours=72)
SOON, LATE = timedelta(hours=71), timedelta(hours=73)


@pytest.fixture
def serving(home: Library) -> Version:
    return serve(home)


def withdrawn(home: Library, document: str) -> datetime:
    wish = Wish(documents=(document,), reason="asked for by its author", by="test")
    plan = plan_withdrawal(home.store, wish)
    withdraw(home.store, plan)
    return plan.at


def ended(home: Library, now: datetime, grace: timedelta = GRACE) -> str | None:
    done = end_service(home.store, ENDPOINT, grace, now)
    assert (read_state(home.store, ENDPOINT).serving is None) is (done is not None)
    return done


def test_what_is_revoked_serves_until_its_grace_is_over(home: Library, serving: Version) -> None:
    at = withdrawn(home, ALICE)
    assert ended(home, at + SOON) is None
    said = ended(home, at + LATE)
    assert said is not None
    assert serving.version in said
    assert "asked for by its author" in said
    last = read_state(home.store, ENDPOINT).history[-1]
    assert (last.happening, last.version) == (Happening.WITHDRAWN, serving)
    event = list(home.build.events())[-1]
    assert (event.kind, event.data["version"]) == (EventKind.WITHDRAWN, serving.version)
    assert end_service(home.store, ENDPOINT, GRACE, at + LATE) is None


def test_without_a_grace_it_ends_at_once(home: Library, serving: Version) -> None:
    at = withdrawn(home, ALICE)
    assert ended(home, at, timedelta(0)) is not None


def test_what_is_allowed_serves_on_and_a_later_withdrawal_has_a_grace_of_its_own(
    home: Library, serving: Version
) -> None:
    first = withdrawn(home, ALICE)
    allow(home.store, serving.model_uri, "dpo", "until the next build")
    assert ended(home, first + 10 * LATE) is None
    second = withdrawn(home, BOB)
    assert ended(home, second + SOON) is None
    assert ended(home, second + LATE) is not None


def test_what_does_not_hold_the_document_serves_on(home: Library, serving: Version) -> None:
    at = withdrawn(home, SHORT)
    assert ended(home, at + LATE) is None


def test_what_took_over_in_time_serves_on(home: Library, serving: Version) -> None:
    at = withdrawn(home, ALICE)
    new = Version.of(serving.model_uri, "e" * 64, home.build.id, datetime.now(UTC))
    change_state(home.store, ENDPOINT, lambda state: state.model_copy(update={"serving": new}))
    assert ended(home, at + LATE) is None
