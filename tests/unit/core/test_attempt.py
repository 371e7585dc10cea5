from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from hearth.artifact import Artifact
from hearth.attempt import Attempts, Outcome, exit_of
from hearth.errors import EXIT_DATA, EXIT_OK, EXIT_TRANSIENT, DataError, TransientError
from hearth.model import Stage
from hearth.storage import Store


@pytest.fixture
def attempts(store: Store) -> Attempts:
    return Attempts(Artifact(store, Stage.TRAIN, "a" * 64))


def test_a_live_attempt_is_joined(attempts: Attempts) -> None:
    first, mine = attempts.claim_or_join("build-1")
    second, also_mine = attempts.claim_or_join("build-2")
    assert (mine, also_mine) == (True, False)
    assert second.number == first.number == 1
    assert second.claim.owner == "build-1"


@pytest.mark.parametrize("outcome", [Outcome.FAILED, Outcome.CANCELLED, Outcome.LOST])
def test_an_attempt_that_ended_badly_opens_the_next(attempts: Attempts, outcome: Outcome) -> None:
    first, _ = attempts.claim_or_join("build-1")
    first.settle(exit_of(outcome, EXIT_TRANSIENT, "gone"))
    second, mine = attempts.claim_or_join("build-2")
    assert mine
    assert second.number == 2


def test_a_succeeded_attempt_is_joined(attempts: Attempts) -> None:
    first, _ = attempts.claim_or_join("build-1")
    first.settle(exit_of(Outcome.SUCCEEDED, EXIT_OK, ""))
    again, mine = attempts.claim_or_join("build-2")
    assert not mine
    assert again.number == 1


def test_of_many_builds_one_claims(attempts: Attempts) -> None:
    with ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda n: attempts.claim_or_join(f"build-{n}"), range(16)))
    assert sum(mine for _, mine in results) == 1
    assert {attempt.number for attempt, _ in results} == {1}


def test_an_attempt_ends_once(attempts: Attempts) -> None:
    attempt, _ = attempts.claim_or_join("build-1")
    attempt.settle(exit_of(Outcome.FAILED, EXIT_DATA, "bad shard"))
    counted = attempt.settle(exit_of(Outcome.LOST, EXIT_TRANSIENT, "found dead"))
    assert counted.outcome is Outcome.FAILED


def test_an_exit_becomes_the_error_it_stands_for(attempts: Attempts) -> None:
    attempt, _ = attempts.claim_or_join("build-1")
    bad = attempt.settle(exit_of(Outcome.FAILED, EXIT_DATA, "bad shard"))
    assert isinstance(bad.to_error(), DataError)
    assert isinstance(exit_of(Outcome.LOST, -9, "killed").to_error(), TransientError)


def test_earlier_attempts_are_offered_newest_first(attempts: Attempts) -> None:
    for _ in range(3):
        attempt, _ = attempts.claim_or_join("build-1")
        attempt.settle(exit_of(Outcome.FAILED, EXIT_TRANSIENT, ""))
    assert [uri.rsplit("/", 1)[1] for uri in attempts.earlier(3)] == ["2", "1"]


def test_names_fit_schedulers(attempts: Attempts) -> None:
    attempt, _ = attempts.claim_or_join("build-1")
    assert attempt.name == f"hearth-train-{'a' * 16}-1"
