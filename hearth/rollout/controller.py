"""Bring an endpoint to a wanted version: put it beside what serves, compare, take over or go back.

Everything is said through the endpoint's state and read from the supervisor's observation, so that
a controller that dies is followed by another one that goes on, and one that never comes back costs
nothing: the candidate's traffic is on a lease.
"""

from __future__ import annotations

import logging
import time
from datetime import UTC, datetime, timedelta
from typing import Final

from hearth.errors import HearthError, TransientError
from hearth.profile import EndpointTarget
from hearth.rollout.outcome import STEP, Report, RolloutFailed, RolloutResult, RolloutStep
from hearth.rollout.probe import probing
from hearth.rollout.spec import ALL, RolloutSection
from hearth.rollout.state import EndpointState, Version, change_state, read_state
from hearth.rollout.trial import SEEN_SECONDS, Finding, Trial
from hearth.rollout.watch import Watch
from hearth.storage import Store

log = logging.getLogger(__name__)

_LEASE_SLACK: Final = 60.0


def roll_out(
    store: Store,
    target: EndpointTarget,
    candidate: Version,
    gate_compared: str | None,
    spec: RolloutSection,
    report: Report,
) -> RolloutResult:
    """Make `candidate` what the endpoint serves; if it already is, and answers, do nothing.

    Args:
        store: the root of the store.
        target: the endpoint.
        candidate: the version that is wanted.
        gate_compared: the version that the gate compared it with; None if nothing served then.
        spec: steps and limits.
        report: told of each step as it ends.

    Raises:
        RolloutFailed: it broke a limit, or what serves is not what the gate compared it with.
        ConflictError: another candidate is being rolled out.
        TransientError: there is no supervisor, or the store did not answer.
    """
    return _Rollout(store, target, candidate, spec, report).run(gate_compared)


def roll_back(
    store: Store, target: EndpointTarget, spec: RolloutSection, report: Report
) -> RolloutResult:
    """Bring back the version that served before, in one step and judged on its own.

    Raises:
        RolloutFailed: there is none, or it does not answer.
        ConflictError: another candidate is being rolled out.
        TransientError: there is no supervisor, or the store did not answer.
    """
    state = read_state(store, target.name)
    previous = state.previous()
    if previous is None:
        message = f"endpoint {target.name}: nothing served before: there is nothing to go back to"
        raise RolloutFailed(message)
    back = previous.model_copy(update={"since": datetime.now(UTC)})
    quick = spec.model_copy(update={"steps": (ALL,), "step_seconds": 0.0})
    serving = state.serving.version if state.serving else None
    return _Rollout(store, target, back, quick, report, compare=False).run(serving)


class _Rollout:
    """One rollout under way."""

    def __init__(
        self,
        store: Store,
        target: EndpointTarget,
        candidate: Version,
        spec: RolloutSection,
        report: Report,
        *,
        compare: bool = True,
    ) -> None:
        self._store = store
        self._target = target
        self._candidate = candidate
        self._version = candidate.version
        self._spec = spec
        self._report = report
        self._compare = compare
        self._watch = Watch(store, target.name)
        self._trial = Trial(self._watch, spec, self._version)
        self._steps: list[RolloutStep] = []
        self._start = time.monotonic()

    def run(self, gate_compared: str | None) -> RolloutResult:
        serving = _name(self._after_twins().serving)
        if serving == self._version:
            self._confirm()
            return self._result(serving, changed=False)
        self._admit(gate_compared, 0)
        try:
            self._await_ready()
            self._judge("smoke", 0, self._trial.smoke())
            for weight in self._spec.steps:
                self._step(gate_compared, weight)
            self._promote()
        except RolloutFailed as failure:
            self._refuse(str(failure))
            raise
        except BaseException:
            # Also when the worker is told to end: nobody will watch the candidate for a while.
            self._back_off()
            raise
        self._confirm()
        return self._result(gate_compared, changed=True)

    def _after_twins(self) -> EndpointState:
        """Wait while another build rolls out this very version; return the state then."""
        while True:
            state = read_state(self._store, self._target.name)
            twin = _name(state.candidate) == self._version
            if not twin or not state.rolled_out_by_another(self._candidate, datetime.now(UTC)):
                return state
            self._watch.pause()

    def _admit(self, gate_compared: str | None, weight: int) -> EndpointState:
        """Give the candidate a weight, if what serves is still what the gate compared."""
        lease = self._spec.step_timeout_seconds + _LEASE_SLACK
        if weight == 0:
            lease += self._spec.ready_timeout_seconds

        def change(state: EndpointState) -> EndpointState:
            if _name(state.serving) != gate_compared:
                message = (
                    f"endpoint {self._target.name}: version {_name(state.serving) or 'none'} "
                    f"serves, but the gate compared {self._version} with "
                    f"{gate_compared or 'none'}: build again, so that the gate answers anew"
                )
                raise RolloutFailed(message)
            now = datetime.now(UTC)
            return state.with_candidate(self._candidate, weight, now, timedelta(seconds=lease))

        return change_state(self._store, self._target.name, change)

    def _await_ready(self) -> None:
        state = read_state(self._store, self._target.name)
        deadline = time.monotonic() + self._spec.ready_timeout_seconds
        while True:
            seen = self._watch.after(state.revision, SEEN_SECONDS)
            server = seen.server(self._version)
            if server is not None and seen.ready(self._version):
                seconds = {"ready_seconds": server.ready_seconds or 0.0}
                self._done("start", 0, f"ready on port {server.port}", seconds)
                return
            words = server.last_error if server else None
            if server is not None and server.crashes >= self._spec.start_attempts:
                allowed = self._spec.start_attempts
                message = f"crashed on starting ({server.crashes} of {allowed} times): {words}"
                raise RolloutFailed(self._failure(message))
            if time.monotonic() > deadline:
                state_now = server.state if server else "waiting for a free slot"
                message = (
                    f"not ready after {self._spec.ready_timeout_seconds:g} s ({state_now}): {words}"
                )
                raise RolloutFailed(self._failure(message))
            self._watch.pause()

    def _step(self, gate_compared: str | None, weight: int) -> None:
        state = self._admit(gate_compared, weight)
        before = self._watch.until(
            lambda seen: (
                seen.revision >= state.revision
                and (seen.weight == weight or self._trial.fell(seen) is not None)
            ),
            SEEN_SECONDS,
            f"{weight} % of the traffic to go to {self._version}",
        )
        if fell := self._trial.fell(before):
            raise RolloutFailed(self._failure(f"{fell} (before {weight} % of the traffic)"))
        rival = _name(state.serving) if self._compare else None
        self._judge(STEP, weight, self._trial.compare(before, rival))

    def _judge(self, name: str, weight: int, finding: Finding) -> None:
        if finding.breaches:
            at = f" (at {weight} % of the traffic)"
            raise RolloutFailed(self._failure("; ".join(finding.breaches) + at))
        message = f"{finding.requests} requests within the limits"
        self._done(name, weight, message, finding.numbers)

    def _promote(self) -> None:
        now = datetime.now(UTC)
        reason = f"build {self._candidate.build}: {len(self._steps)} steps within the limits"
        change_state(
            self._store,
            self._target.name,
            lambda state: state.promoted(self._version, now, reason),
        )

    def _confirm(self) -> None:
        """Ask the endpoint itself what serves."""
        self._watch.until(
            lambda seen: seen.serving == self._version and seen.ready(self._version),
            self._spec.ready_timeout_seconds,
            f"version {self._version} to serve",
        )
        url = str(self._target.url)
        timeout = self._spec.request_timeout_seconds
        with probing(url, self._spec.prompts, timeout) as probe:
            answers = [probe.ask(self._spec.max_tokens) for _ in range(self._spec.confirm_requests)]
        wrong = [a for a in answers if a.error is not None or a.version != self._version]
        if wrong:
            first = wrong[0].error or f"version {wrong[0].version} answered"
            message = (
                f"endpoint {self._target.name} at {url}: {len(wrong)} of {len(answers)} requests "
                f"were not answered by version {self._version}: {first}"
            )
            raise TransientError(message)
        self._done("confirm", ALL, f"{len(answers)} of {len(answers)} requests", {})

    def _failure(self, reason: str) -> str:
        return (
            f"version {self._version} of build {self._candidate.build} is refused by endpoint "
            f"{self._target.name}: {reason}. What served before still does; look at the model's "
            "report, then build anew"
        )

    def _refuse(self, reason: str) -> None:
        """All traffic back, and the candidate gone."""
        now = datetime.now(UTC)
        after = change_state(
            self._store,
            self._target.name,
            lambda state: state.without_candidate(self._version, now, reason),
        )
        try:
            self._watch.after(after.revision, SEEN_SECONDS)
        except TransientError as error:
            # The state says it; the supervisor obeys when it can.
            log.warning("not seen yet: %s", error)
        self._done("refuse", 0, reason, {})

    def _back_off(self) -> None:
        """No traffic for a candidate that nobody watches; the next try goes on with it."""

        def change(state: EndpointState) -> EndpointState:
            if _name(state.candidate) != self._version:
                return state
            return state.model_copy(update={"candidate_weight": 0, "candidate_until": None})

        try:
            change_state(self._store, self._target.name, change)
        except HearthError as error:
            log.warning("the candidate keeps its traffic until its lease ends: %s", error)

    def _done(self, name: str, weight: int, message: str, numbers: dict[str, float]) -> None:
        step = RolloutStep(name=name, weight=weight, message=message, numbers=numbers)
        self._steps.append(step)
        self._report(step)

    def _result(self, replaced: str | None, *, changed: bool) -> RolloutResult:
        return RolloutResult(
            endpoint=self._target.name,
            url=str(self._target.url),
            version=self._version,
            replaced=replaced if changed else None,
            changed=changed,
            seconds=round(time.monotonic() - self._start, 2),
            steps=tuple(self._steps),
        )


def _name(version: Version | None) -> str | None:
    return version.version if version is not None else None
