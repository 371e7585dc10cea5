"""Try a candidate beside what serves: ask both the same, in turn, and count what clients got."""

from __future__ import annotations

import time
from contextlib import AbstractContextManager, ExitStack
from datetime import UTC, datetime
from typing import Final

from hearth.errors import TransientError
from hearth.model import FrozenModel
from hearth.rollout.judge import Evidence, answers_breaches, breaches
from hearth.rollout.observation import Observation
from hearth.rollout.probe import Answer, Probe, probing, traffic_of
from hearth.rollout.spec import RolloutSection
from hearth.rollout.traffic import Traffic
from hearth.rollout.watch import Watch

SEEN_SECONDS: Final = 30.0
"""How long a supervisor may take to act on a change, and to say so."""


class Finding(FrozenModel):
    """What a trial found: the limits that were broken, and the numbers."""

    breaches: tuple[str, ...]
    requests: int
    numbers: dict[str, float]


class Trial:
    """Tries one candidate.

    Servers are asked directly, past HAProxy's weights, so that both get the same requests at the
    same time; what clients got comes from HAProxy's log, by way of the supervisor's observation.
    """

    def __init__(self, watch: Watch, spec: RolloutSection, version: str) -> None:
        """Name the candidate."""
        self._watch = watch
        self._spec = spec
        self._version = version
        self._restarts: int | None = None

    def fell(self, seen: Observation) -> str | None:
        """Say how the candidate's server ended since the trial began, even if it is up again."""
        server = seen.server(self._version)
        if server is None:
            return "its server is gone"
        if self._restarts is None:
            self._restarts = server.restarts
        if not seen.ready(self._version) or server.restarts > self._restarts:
            return f"its server went down: {server.last_error}"
        return None

    def smoke(self) -> Finding:
        """Ask every prompt once, before there is any traffic."""
        spec = self._spec
        seen = self._watch.now()
        self.fell(seen)
        with self._direct(seen, self._version) as probe:
            answers = [probe.ask(spec.smoke_tokens, prompt) for prompt in spec.prompts]
        errors = [answer.error for answer in answers if answer.error is not None]
        if errors:
            found: tuple[str, ...] = (
                f"{len(errors)} of {len(answers)} smoke requests failed: {errors[0]}",
            )
        else:
            found = answers_breaches([answer.text or "" for answer in answers], spec.limits)
        slowest = round(max(answer.seconds for answer in answers), 4)
        return Finding(breaches=found, requests=len(answers), numbers={"slowest_seconds": slowest})

    def compare(self, before: Observation, rival: str | None) -> Finding:
        """Compare over the time of one step.

        Args:
            before: as the step began, with its share of the traffic in force.
            rival: the serving version; None judges the candidate on its own.
        """
        mine, theirs, late = self._ask_in_turn(before, rival)
        after = self._watch.after(before.revision, SEEN_SECONDS, newer_than=datetime.now(UTC))
        pairs = (
            ("synthetic", traffic_of(mine), traffic_of(theirs) if rival else None, 1),
            (
                "client",
                _between(before, after, self._version),
                _between(before, after, rival) if rival else None,
                self._spec.min_requests,
            ),
        )
        fell = self.fell(after)
        found = [*([fell] if fell else []), *late]
        numbers: dict[str, float] = {}
        for kind, candidate, serving, least in pairs:
            evidence = Evidence(kind=kind, candidate=candidate, serving=serving)
            found += breaches(evidence, self._spec.limits, least=least)
            numbers |= _numbers(f"{kind}_candidate", candidate)
            if serving is not None:
                numbers |= _numbers(f"{kind}_serving", serving)
        total = sum(candidate.requests for _, candidate, _, _ in pairs)
        return Finding(breaches=tuple(found), requests=total, numbers=numbers)

    def _ask_in_turn(
        self, before: Observation, rival: str | None
    ) -> tuple[list[Answer], list[Answer], tuple[str, ...]]:
        spec, start = self._spec, time.monotonic()
        hopeless = max(1, int(spec.min_requests * spec.limits.error_rate))
        mine: list[Answer] = []
        theirs: list[Answer] = []
        with ExitStack() as stack:
            own = stack.enter_context(self._direct(before, self._version))
            other = stack.enter_context(self._direct(before, rival)) if rival else None
            while True:
                mine.append(own.ask(spec.max_tokens))
                if other is not None:
                    theirs.append(other.ask(spec.max_tokens))
                seconds = time.monotonic() - start
                if len(mine) >= spec.min_requests and seconds >= spec.step_seconds:
                    return mine, theirs, ()
                if sum(answer.error is not None for answer in mine) > hopeless:
                    return mine, theirs, ()
                if seconds > spec.step_timeout_seconds:
                    late = (
                        f"answered {len(mine)} requests in {seconds:.0f} s "
                        f"({spec.min_requests} are the least)"
                    )
                    return mine, theirs, (late,)
                # Spread over the step: the machine has clients to answer meanwhile.
                due = len(mine) * spec.step_seconds / spec.min_requests
                time.sleep(max(0.0, due - seconds))

    def _direct(self, seen: Observation, version: str) -> AbstractContextManager[Probe]:
        server = seen.server(version)
        if server is None or server.port is None:
            message = f"version {version} has no server to ask: it is being started again"
            raise TransientError(message)
        url = f"http://127.0.0.1:{server.port}"
        return probing(url, self._spec.prompts, self._spec.request_timeout_seconds)


def _between(before: Observation, after: Observation, version: str) -> Traffic:
    earlier = before.traffic.get(version, Traffic())
    return after.traffic.get(version, Traffic()).since(earlier)


def _numbers(whose: str, traffic: Traffic) -> dict[str, float]:
    found: dict[str, float] = {
        f"{whose}_requests": traffic.requests,
        f"{whose}_failures": traffic.failures,
    }
    for q in (0.5, 0.95):
        seconds = traffic.quantile(q)
        if seconds is not None:
            found[f"{whose}_p{q * 100:.0f}_seconds"] = round(seconds, 4)
    return found
