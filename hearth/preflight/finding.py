"""What a probe finds."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from enum import StrEnum
from typing import Any, Final, Protocol

from hearth.awsapi import AwsRefused
from hearth.errors import HearthError
from hearth.model import FrozenModel

_DENIED: Final = frozenset(
    {"AccessDenied", "AccessDeniedException", "UnauthorizedOperation", "AuthorizationError"}
)
_ABSENT: Final = re.compile(r"NotFound(Exception)?$|^NoSuch")


class Verdict(StrEnum):
    """What a probe says."""

    PASS = "pass"  # noqa: S105 - no password
    FAIL = "fail"
    UNKNOWN = "cannot tell"


class Finding(FrozenModel):
    """One answer, for people: what was looked at, what was found, what to do."""

    probe: str
    subject: str
    verdict: Verdict
    detail: str
    fix: str = ""

    def __str__(self) -> str:
        """Say it in a line."""
        fix = f" → {self.fix}" if self.fix else ""
        return f"{self.verdict:11} {self.probe}: {self.subject}: {self.detail}{fix}"


class Ask(Protocol):
    """Whoever can be asked about an account: `hearth.aws.Account`."""

    def call(self, service: str, operation: str, **arguments: Any) -> dict[str, Any]:
        """Call an operation of AWS by its Python name."""

    def regions_of(self, service: str) -> tuple[str, ...]:
        """Return the regions of the partition that a service has an endpoint in."""


Probe = Callable[[], Iterable[Finding]]


def passed(probe: str, subject: str, detail: str) -> Finding:
    """Return a finding that is well."""
    return Finding(probe=probe, subject=subject, verdict=Verdict.PASS, detail=detail)


def failed(probe: str, subject: str, detail: str, fix: str) -> Finding:
    """Return a finding that keeps a build from running."""
    return Finding(probe=probe, subject=subject, verdict=Verdict.FAIL, detail=detail, fix=fix)


def unknown(probe: str, subject: str, detail: str, fix: str = "") -> Finding:
    """Return a finding that says nothing."""
    return Finding(probe=probe, subject=subject, verdict=Verdict.UNKNOWN, detail=detail, fix=fix)


def careful(name: str, probe: Probe) -> list[Finding]:
    """Run a probe; what it may not ask, or nobody answers, is not told.

    Args:
        name: the probe's.
        probe: what to run.
    """
    try:
        return list(probe())
    except AwsRefused as refused:
        if _ABSENT.search(refused.code):
            return [failed(name, refused.code, str(refused), "make it, or correct the profile")]
        fix = "look up the code in the service's documentation"
        if refused.code in _DENIED:
            fix = f"allow {_action_of(refused)} to whoever runs Airflow"
        return [unknown(name, refused.code, str(refused), fix)]
    except HearthError as error:
        return [unknown(name, type(error).__name__, str(error), "mend the connection, ask again")]


def worst(findings: Iterable[Finding]) -> Verdict:
    """Return the gravest verdict: fail, else cannot tell, else pass."""
    verdicts = {finding.verdict for finding in findings}
    for verdict in (Verdict.FAIL, Verdict.UNKNOWN):
        if verdict in verdicts:
            return verdict
    return Verdict.PASS


def _action_of(refused: AwsRefused) -> str:
    service, operation = str(refused).split(": ", 1)[0].split(":", 1)
    return f"{service}:{''.join(word.title() for word in operation.split('_'))}"
