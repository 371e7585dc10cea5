"""What moto lacks of an account's own limits and rights: policy simulation, quotas, capacity."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Mapping
from typing import Any, Final
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from rehearsal.aws.hyperpod import Call, Refused

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


def simulate_principal_policy(form: str, denied: set[str]) -> str:
    """https://docs.aws.amazon.com/IAM/latest/APIReference/API_SimulatePrincipalPolicy.html.

    Every action is allowed but those that a test denies (with `*`).
    """
    rows = []
    for name, values in sorted(parse_qs(form).items()):
        if not name.startswith("ActionNames.member."):
            continue
        no = any(fnmatch.fnmatch(values[0], pattern) for pattern in denied)
        decision = "implicitDeny" if no else "allowed"
        rows.append(
            f"<member><EvalActionName>{escape(values[0])}</EvalActionName>"
            f"<EvalResourceName>*</EvalResourceName><EvalDecision>{decision}</EvalDecision></member>"
        )
    return (
        '<SimulatePrincipalPolicyResponse xmlns="https://iam.amazonaws.com/doc/2010-05-08/">'
        "<SimulatePrincipalPolicyResult><IsTruncated>false</IsTruncated><EvaluationResults>"
        f"{''.join(rows)}</EvaluationResults></SimulatePrincipalPolicyResult>"
        "<ResponseMetadata><RequestId>rehearsal</RequestId></ResponseMetadata>"
        "</SimulatePrincipalPolicyResponse>"
    )
