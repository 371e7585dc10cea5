"""When a candidate may go on."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hearth.rollout.judge import Evidence, answers_breaches, breaches, unsound
from hearth.rollout.spec import Limits
from hearth.rollout.traffic import Traffic

LIMITS = Limits()
# Five times the longest is still inside the histogram; longer ones are all alike to it.
latencies = st.lists(st.floats(0.001, 25), min_size=20, max_size=60)


def evidence(candidate: Traffic, serving: Traffic | None) -> Evidence:
    return Evidence(kind="synthetic", candidate=candidate, serving=serving)


@given(latencies)
def test_a_version_is_never_worse_than_itself(seconds: list[float]) -> None:
    traffic = Traffic.of(seconds)
    assert breaches(evidence(traffic, traffic), LIMITS) == ()


@given(latencies)
def test_five_times_slower_is_a_breach(seconds: list[float]) -> None:
    slow = Traffic.of([5 * (one + 0.01) for one in seconds])
    quick = Traffic.of([one + 0.01 for one in seconds])
    found = breaches(evidence(slow, quick), LIMITS)
    assert any("p50" in breach for breach in found)


@given(latencies, st.floats(0.1, 1))
def test_quicker_is_no_breach(seconds: list[float], factor: float) -> None:
    quick = Traffic.of([one * factor for one in seconds])
    assert breaches(evidence(quick, Traffic.of(seconds)), LIMITS) == ()


@given(latencies, st.integers(1, 50), st.integers(0, 50))
def test_more_failures_are_never_better(seconds: list[float], fewer: int, more: int) -> None:
    serving = Traffic.of(seconds)
    few, many = Traffic.of(seconds, fewer), Traffic.of(seconds, fewer + more)
    if breaches(evidence(few, serving), LIMITS):
        assert breaches(evidence(many, serving), LIMITS)


def test_failing_as_often_as_what_serves_is_no_breach() -> None:
    traffic = Traffic.of([0.1] * 80, failures=20)
    assert breaches(evidence(traffic, traffic), LIMITS) == ()


def test_a_breach_tells_its_numbers() -> None:
    (found,) = breaches(
        evidence(Traffic.of([0.1] * 15, failures=5), Traffic.of([0.1] * 20)), LIMITS
    )
    assert found == "5 of 20 synthetic requests failed (25.0%; allowed 2.0%)"


def test_a_small_difference_is_none_whatever_its_ratio() -> None:
    assert breaches(evidence(Traffic.of([0.02] * 20), Traffic.of([0.002] * 20)), LIMITS) == ()


def test_latencies_of_too_few_requests_are_not_compared() -> None:
    few = evidence(Traffic.of([9.0] * 3), Traffic.of([0.1] * 100))
    assert breaches(few, LIMITS, least=10) == ()
    assert breaches(few, LIMITS, least=3) != ()


def test_a_first_release_is_judged_on_its_own() -> None:
    assert breaches(evidence(Traffic.of([1.0] * 20), None), LIMITS) == ()
    assert breaches(evidence(Traffic.of([11.0] * 20), None), LIMITS) != ()
    assert breaches(evidence(Traffic.of([1.0] * 10, failures=10), None), LIMITS) != ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "empty"),
        (" \n\t", "empty"),
        ("\ufffd\ufffd", "empty"),
        ("\ufffd\ufffd ab \ufffd\ufffd x", "unreadable"),
        ("\x00\x01\x02abc", "unreadable"),
        ("fire fire fire fire fire fire fi", "over and over"),
        ("。。。。。。。。", "over and over"),
        ("的的的的的的的的的", "over and over"),
    ],
)
def test_what_no_model_should_say_is_unsound(text: str, fault: str) -> None:
    found = unsound(text)
    assert found is not None
    assert fault in found


@pytest.mark.parametrize(
    "text",
    [
        " configure the network and then the network is configured.",
        "管理员需要先配置网络\ufffd",
        "no",
        "1. first\n2. second\n",
        "aaa",
    ],
)
def test_what_a_model_could_say_is_sound(text: str) -> None:
    assert unsound(text) is None


def test_one_answer_to_every_prompt_is_a_breach() -> None:
    (found,) = answers_breaches(["the same words again"] * 4, LIMITS)
    assert "4 different prompts all got the answer" in found


def test_some_bad_answers_are_allowed() -> None:
    good = ["one thing", "another thing", "a third thing"]
    assert answers_breaches([*good, ""], LIMITS) == ()
    assert answers_breaches([good[0], "", "", ""], LIMITS) != ()
