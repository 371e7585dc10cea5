"""What Hearth asks of AWS, and what the policies in `deploy/iam` grant.

botocore tells every session that is made of `before-call`: whoever calls from Hearth's own code
while tests run has to have a grant. What tests ask by themselves does not count.
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
from typing import Any

import botocore.handlers
import botocore.session

ROOT = Path(__file__).resolve().parents[1]
POLICIES = ROOT / "deploy" / "iam"
OURS = tuple(str(ROOT / name) for name in ("hearth", "operators"))
LOCAL_ONLY = str(ROOT / "hearth" / "stack")
"""Makes the buckets of the local store: nobody's role on AWS."""

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


def _is_ours() -> bool:
    frame = sys._getframe(1)
    while frame is not None:
        name = frame.f_code.co_filename
        if name.startswith(OURS):
            return not name.startswith(LOCAL_ONLY)
        frame = frame.f_back  # type: ignore[assignment]
    return False


@contextmanager
def watched() -> Iterator[set[tuple[str, ...]]]:
    """Collect what Hearth's code asks of AWS in this process, as actions."""
    asked: set[tuple[str, ...]] = set()

    def note(model: Any, **_: Any) -> None:
        if _is_ours():
            asked.add(actions(model.service_model, model.name))

    botocore.handlers.BUILTIN_HANDLERS.append(("before-call", note))
    try:
        yield asked
    finally:
        botocore.handlers.BUILTIN_HANDLERS.remove(("before-call", note))


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
