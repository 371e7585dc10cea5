"""Policy simulation, as far as the policies that Hearth ships go.

https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html: what no
statement allows is denied; what one denies is denied whatever others say. moto has no simulation.
"""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

EVERYTHING: Final[Mapping[str, Any]] = {
    "Statement": [{"Effect": "Allow", "Action": ["*"], "Resource": ["*"]}]
}

_OPERATORS: Final[Mapping[str, Callable[[str, str], bool]]] = {
    "StringEquals": lambda value, wanted: value == wanted,
    "StringLike": fnmatch.fnmatchcase,
    "Bool": lambda value, wanted: value.lower() == wanted.lower(),
}


class Decision(NamedTuple):
    """What a policy says of one action on one resource."""

    decision: str
    missing: tuple[str, ...]
    """Keys that conditions look at and that the question does not have."""


def decide(
    policy: Mapping[str, Any], action: str, resource: str, context: Mapping[str, Sequence[str]]
) -> Decision:
    """Say whether a policy allows an action.

    Args:
        policy: the document.
        action: such as `s3:GetObject`; case does not count.
        resource: an ARN, or `*`: a statement that names any resource does not match that.
        context: a condition's key → its values.

    Raises:
        NotImplementedError: a condition has an operator that no shipped policy has.
    """
    effects, missing = set(), set()
    for statement in policy["Statement"]:
        named = any(
            fnmatch.fnmatchcase(action.lower(), one.lower()) for one in _listed(statement["Action"])
        )
        if not named or not any(
            fnmatch.fnmatchcase(resource, one) for one in _listed(statement["Resource"])
        ):
            continue
        conditions = [
            (operator, key, _listed(wanted))
            for operator, keys in statement.get("Condition", {}).items()
            for key, wanted in keys.items()
        ]
        missing |= {key for _, key, _ in conditions if key not in context}
        if all(_holds(one, context) for one in conditions):
            effects.add(statement["Effect"])
    if "Deny" in effects:
        return Decision("explicitDeny", tuple(sorted(missing)))
    return Decision("allowed" if effects else "implicitDeny", tuple(sorted(missing)))


def _holds(condition: tuple[str, str, list[str]], context: Mapping[str, Sequence[str]]) -> bool:
    operator, key, wanted = condition
    if operator not in _OPERATORS:
        message = f"condition operator {operator}: the emulator does not know it: add it"
        raise NotImplementedError(message)
    compare = _OPERATORS[operator]
    return any(compare(value, one) for value in context.get(key, ()) for one in wanted)


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else value
