"""What Hearth asks of AWS, and what the policies in `deploy/iam` grant.

botocore tells every session that is made of `before-call`: whoever calls from Hearth's own code
in a process of tests, in any tier, has to have a grant in the role that such code runs under. What
tests ask by themselves does not count, and what other processes ask is not seen.
"""

from __future__ import annotations

import ast
import json
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType
from typing import Any

import botocore.handlers
import botocore.session

ROOT = Path(__file__).resolve().parents[1]
POLICIES = ROOT / "deploy" / "iam"
ROLES = sorted(path.stem for path in POLICIES.glob("*.json"))
OURS = tuple(str(ROOT / name) for name in ("hearth", "operators"))
LOCAL_ONLY = str(ROOT / "hearth" / "stack")
"""Makes the buckets of the local store: nobody's role on AWS."""

CALLERS = {
    "operators": "airflow",
    "hearth/preflight": "airflow",
    "hearth/hyperpod": "airflow",
    "hearth/awsapi.py": "airflow",
    "hearth/mirror": "curate",
    "hearth/curate": "curate",
    "hearth/suite": "train",
    "hearth/train": "train",
    "hearth/evaluate": "train",
    "hearth/rollout": "serve",
}
"""Whose role code runs under that AWS is called from. The outermost of a call's frames that stands
here decides: a store that an operator opens is asked in Airflow's role. `None`: code of all roles,
called by a test alone; one of the roles must have the grant."""

Asked = tuple[str | None, tuple[str, ...]]
"""A role, and the actions that it needs."""

FREE = frozenset({"sts:GetCallerIdentity"})
"""https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html: never refused."""

OTHERWISE = {
    "s3:ListObjectsV2": ("s3:ListBucket",),
    "s3:ListObjectVersions": ("s3:ListBucketVersions",),
    "s3:HeadObject": ("s3:GetObject", "s3:GetObjectVersion", "s3:GetObjectRetention"),
    "s3:DeleteObject": ("s3:DeleteObject", "s3:DeleteObjectVersion"),
}
"""Operations whose actions have other names, or need several.

https://docs.aws.amazon.com/service-authorization/latest/reference/list_amazons3.html"""

BY_OBSTORE = {
    "airflow": ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"),
    "curate": ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"),
    "train": ("s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:ListBucket"),
    "serve": ("s3:GetObject", "s3:PutObject", "s3:ListBucket"),
    "people": ("s3:GetObject", "s3:PutObject", "s3:ListBucket"),
}
"""The store goes through obstore, which is no botocore and has no hooks: get, head and get_range
are GetObject; put, in parts too, is PutObject; delete; list. Trainings delete old checkpoints,
curations the shards that are done with; nobody who serves or reviews deletes anything."""

IN_REJECTS = {
    "curate": ("s3:PutObject", "s3:PutObjectRetention", "s3:ListBucketVersions"),
    "people": ("s3:GetObject", "s3:ListBucket", "s3:ListBucketVersions"),
}
"""What `hearth.s3.VersionedBucket` and obstore do in the reject area: curation puts, under Object
Lock, after it asked whether the area is there; `hearth withdraw` searches it. Their tests have no
moto."""


def statements(role: str) -> list[dict[str, Any]]:
    """The statements of a role's policy."""
    return list(json.loads((POLICIES / f"{role}.json").read_text("utf-8"))["Statement"])


@cache
def granted(role: str) -> frozenset[str]:
    """The actions that a role may do, on one thing or another."""
    return frozenset(action for one in statements(role) for action in one["Action"])


def actions(service: Any, operation: str) -> tuple[str, ...]:
    """The actions of IAM that an operation needs: IAM's prefix is the name that requests are
    signed under."""
    name = f"{service.signing_name}:{operation}"
    return OTHERWISE.get(name, () if name in FREE else (name,))


def _callers() -> list[str]:
    """Return the files of ours that a call goes through, the innermost first."""
    found = []
    frame: FrameType | None = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(OURS):
            found.append(name)
        frame = frame.f_back
    return found


def role_of(callers: list[str]) -> str | None:
    """Return the role that a call is made in; None: any that has such code."""
    for name in reversed(callers):
        for start, role in CALLERS.items():
            if name.startswith(str(ROOT / start)):
                return role
    return None


@contextmanager
def watched() -> Iterator[set[Asked]]:
    """Collect what Hearth's code asks of AWS in this process: in which role, which actions."""
    asked: set[Asked] = set()

    def note(model: Any, **_: Any) -> None:
        callers = _callers()
        if callers and not callers[0].startswith(LOCAL_ONLY):
            asked.add((role_of(callers), actions(model.service_model, model.name)))

    botocore.handlers.BUILTIN_HANDLERS.append(("before-call", note))
    try:
        yield asked
    finally:
        botocore.handlers.BUILTIN_HANDLERS.remove(("before-call", note))


def refused(asked: set[Asked]) -> list[Asked]:
    """Return the calls that the role they are made in has no grant for."""
    return sorted(
        (
            (role, needed)
            for role, needed in asked
            if not any(granted(one).issuperset(needed) for one in ([role] if role else ROLES))
        ),
        key=str,
    )


def written() -> set[tuple[str, ...]]:
    """What Hearth's code names of AWS's operations, whether a test comes by there or not."""
    session = botocore.session.get_session()
    found = set()
    for path in (*ROOT.glob("operators/**/*.py"), *ROOT.glob("hearth/preflight/*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _name(node.func) in {"call", "_pages", "_answers"}:
                words = [str(a.value) for a in node.args if isinstance(a, ast.Constant)]
                # The operators know SageMaker alone; whoever probes names the service first.
                service = words[0] if len(words) > 1 and "_" not in words[0] else "sagemaker"
                model = session.get_service_model(service)
                known = {_snake(operation): operation for operation in model.operation_names}
                found |= {actions(model, known[word]) for word in words if word in known}
    return found


def _snake(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


def _name(function: ast.expr) -> str:
    return str(getattr(function, "attr", getattr(function, "id", "")))
