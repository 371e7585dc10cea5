"""Is the candidate good enough to take more traffic? Pure decisions, with their numbers."""

from __future__ import annotations

import unicodedata
from collections import Counter
from typing import Final

from hearth.model import FrozenModel
from hearth.rollout.spec import Limits
from hearth.rollout.traffic import Traffic

_REPLACEMENT: Final = "\ufffd"
_UNREADABLE_SHARE: Final = 0.3
_LONGEST_UNIT: Final = 12
_UNIT_REPEATS: Final = 6
_SAME_ANSWERS: Final = 4


class Evidence(FrozenModel):
    """What one version did in a step: requests of one kind, over the same minutes."""

    kind: str
    candidate: Traffic
    serving: Traffic | None


def breaches(evidence: Evidence, limits: Limits, *, least: int = 1) -> tuple[str, ...]:
    """Return each limit that the candidate broke, with the numbers; none means that it may go on.

    Args:
        evidence: what the candidate and the serving version did; None for a first release, which
            is judged on its own.
        limits: what is still good enough.
        least: with fewer requests than this to either side, latencies are not compared.
    """
    candidate, serving = evidence.candidate, evidence.serving
    found = []
    floor = serving.error_rate if serving is not None else 0.0
    if candidate.requests and candidate.error_rate > floor + limits.error_rate:
        found.append(
            f"{candidate.failures} of {candidate.requests} {evidence.kind} requests failed "
            f"({candidate.error_rate:.1%}; allowed {floor + limits.error_rate:.1%})"
        )
    if serving is None:
        slowest = candidate.quantile(0.95)
        if slowest is not None and slowest > limits.latency_p95_seconds:
            found.append(
                f"p95 latency of {evidence.kind} requests is {slowest:.3f} s "
                f"(allowed {limits.latency_p95_seconds:g} s)"
            )
        return tuple(found)
    if min(candidate.requests, serving.requests) < least:
        return tuple(found)
    rules = (
        (0.5, limits.latency_p50_ratio, limits.latency_p50_slack_seconds),
        (0.95, limits.latency_p95_ratio, limits.latency_p95_slack_seconds),
    )
    for q, ratio, slack in rules:
        mine, rival = candidate.quantile(q), serving.quantile(q)
        if mine is None or rival is None:
            continue
        if mine > rival * ratio and mine - rival > slack:
            found.append(
                f"p{q * 100:.0f} latency of {evidence.kind} requests is {mine:.3f} s, "
                f"{mine / rival:.1f} times the serving version's {rival:.3f} s (allowed {ratio:g})"
            )
    return tuple(found)


def unsound(text: str) -> str | None:
    """Return what is wrong with an answer on the face of it; None if it could be language.

    Only what no language model should ever say: nothing, unreadable characters, or one short unit
    over and over. Whether it makes sense is for the suite and the gate.
    """
    # A limit on tokens may cut a character in half: the end says nothing.
    text = text.rstrip(_REPLACEMENT).strip()
    if not text:
        return "empty"
    unreadable = sum(
        1
        for character in text
        if character == _REPLACEMENT
        or (unicodedata.category(character)[0] == "C" and character not in "\n\r\t")
    )
    if unreadable > len(text) * _UNREADABLE_SHARE:
        return f"{unreadable} of {len(text)} characters are unreadable"
    unit = _repeated_unit(text)
    if unit is not None:
        return f"{unit!r} over and over"
    return None


def answers_breaches(answers: list[str], limits: Limits) -> tuple[str, ...]:
    """Return what is wrong with a model's answers to different prompts, taken together."""
    faults = [fault for fault in map(unsound, answers) if fault is not None]
    found = []
    if answers and len(faults) > len(answers) * limits.bad_answers:
        common, count = Counter(faults).most_common(1)[0]
        found.append(
            f"{len(faults)} of {len(answers)} smoke answers are garbage "
            f"(allowed {limits.bad_answers:.0%}; {count} of them: {common})"
        )
    if len(answers) >= _SAME_ANSWERS and len(set(answers)) == 1:
        found.append(f"{len(answers)} different prompts all got the answer {answers[0][:40]!r}")
    return tuple(found)


def _repeated_unit(text: str) -> str | None:
    """Return the shortest unit that fills the whole text (a cut one at the end aside)."""
    for length in range(1, min(_LONGEST_UNIT, len(text) // _UNIT_REPEATS) + 1):
        unit = text[:length]
        if (unit * (len(text) // length + 1))[: len(text)] == text:
            return unit
    return None
