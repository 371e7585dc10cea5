"""What moto lacks of an account's own limits and rights: policy simulation, quotas, capacity."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from rehearsal.aws.hyperpod import Call, Refused
from rehearsal.aws.policy import decide

_SEVERITY: Final = ("allowed", "implicitDeny", "explicitDeny")

_QUOTAS: Final = (
    ("L-99000001", "ml.p4d.24xlarge for cluster usage", 8.0),
    ("L-99000002", "ml.g5.xlarge for cluster usage", 4.0),
    ("L-99000003", "Total number of instances allowed across SageMaker HyperPod clusters", 20.0),
)
"""Invented codes and values; the names are those that the console shows."""


def list_service_quotas(call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/servicequotas/2019-06-24/apireference/API_ListServiceQuotas.html.

    moto knows the quotas of VPC alone.
    """
    code = str(call.body["ServiceCode"])
    if code != "sagemaker":
        kind, message = "NoSuchResourceException", f"no service {code}"
        raise Refused(kind, message)
    return {
        "Quotas": [
            {"ServiceCode": code, "QuotaCode": quota, "QuotaName": name, "Value": value}
            for quota, name, value in _QUOTAS
        ]
    }


def list_training_plans(_call: Call) -> dict[str, Any]:
    """https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ListTrainingPlans.html."""
    return {"TrainingPlanSummaries": []}


OPERATIONS: Final[Mapping[str, Callable[[Call], dict[str, Any]]]] = {
    "ListServiceQuotas": list_service_quotas,
    "ListTrainingPlans": list_training_plans,
}


def simulate_principal_policy(form: str, policy: Mapping[str, Any], denied: set[str]) -> str:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html.

    Args:
        form: the request's body.
        policy: what whoever asks has.
        denied: actions that a test denies all the same; `*` stands for anything.
    """
    asked = parse_qs(form, keep_blank_values=True)
    context = {
        name: _members(asked, f"ContextEntries.member.{number}.ContextKeyValues")
        for number, name in enumerate(_members(asked, "ContextEntries", ".ContextKeyName"), start=1)
    }
    rows = []
    for action in _members(asked, "ActionNames"):
        found = [
            (resource, decide(policy, action, resource, context))
            for resource in _members(asked, "ResourceArns") or ["*"]
        ]
        no = any(fnmatch.fnmatch(action, pattern) for pattern in denied)
        decisions = {"implicitDeny"} if no else {one.decision for _, one in found}
        decision = max(decisions, key=_SEVERITY.index)
        specific = "".join(
            f"<member><EvalResourceName>{escape(resource)}</EvalResourceName>"
            f"<EvalResourceDecision>{decision if no else one.decision}</EvalResourceDecision>"
            f"<MissingContextValues>{_listed(() if no else one.missing)}</MissingContextValues>"
            "</member>"
            for resource, one in found
        )
        rows.append(
            f"<member><EvalActionName>{escape(action)}</EvalActionName>"
            f"<EvalResourceName>{escape(found[0][0])}</EvalResourceName>"
            f"<EvalDecision>{decision}</EvalDecision>"
            f"<ResourceSpecificResults>{specific}</ResourceSpecificResults></member>"
        )
    return (
        '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        "<SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>"
        f"{''.join(rows)}</EvaluationResults></SimulatePrincipalPolicyResult>"
        "<ResponseMetadata><RequestId>rehearsal</RequestId></ResponseMetadata>"
        "</SimulatePrincipalPolicyResponse>"
    )


def _members(asked: Mapping[str, list[str]], name: str, of: str = "") -> list[str]:
    """Return the values of a list in a form, in its order."""
    found: list[str] = []
    while (key := f"{name}.member.{len(found) + 1}{of}") in asked:
        found += asked[key]
    return found


def _listed(keys: Iterable[str]) -> str:
    return "".join(f"<member>{escape(key)}</member>" for key in keys)
