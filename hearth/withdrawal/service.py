"""Ending the service of a revoked model: it may serve on for a grace, and no longer.

The grace begins with the withdrawal: it is the time to build anew. Whether a model is revoked is
derived each time (`hearth.withdrawal.revocation`); all that changes is what the endpoint's state
asks for, which whatever serves converges to, also after a restart.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from hearth.artifact import InputRef
from hearth.build import Build, EventKind
from hearth.rollout.state import Version, change_state, read_state
from hearth.storage import Store
from hearth.withdrawal.holding import Kind
from hearth.withdrawal.revocation import revocation
from hearth.withdrawal.withdraw import withdrawals


def end_service(root: Store, endpoint: str, grace: timedelta, now: datetime) -> str | None:
    """Take what serves out of service if it is revoked, nobody allowed it, and the grace is over.

    Args:
        root: the root of the store.
        endpoint: its name.
        grace: since the first withdrawal that no exception covers.
        now: the time.

    Returns:
        What was done and why, in a line; None if nothing had to be.
    """
    version = read_state(root, endpoint).serving
    if version is None or not _named(root, endpoint, version, now - grace):
        return None
    why = revocation(root, InputRef(uri=version.model_uri, fingerprint=version.fingerprint))
    if why is None or why.allowed is not None or why.since > now - grace:
        return None
    reason = f"revoked: {why}; its grace ended at {why.since + grace:%Y-%m-%d %H:%M} UTC"
    change_state(root, endpoint, lambda state: state.without_serving(version.version, now, reason))
    Build(root, version.build).append(
        EventKind.WITHDRAWN, endpoint=endpoint, version=version.version, reason=reason
    )
    return f"endpoint {endpoint}: version {version.version} serves no more: {reason}"


def _named(root: Store, endpoint: str, version: Version, until: datetime) -> bool:
    """Whether a withdrawal found that this version held what it buried: corpora are not read."""
    name = f"{endpoint} {version.version}"
    return any(
        one.at <= until
        and any(held.kind is Kind.ENDPOINT and held.name == name for held in one.holdings)
        for one in withdrawals(root)
    )
