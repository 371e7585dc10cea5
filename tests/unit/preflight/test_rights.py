"""The laws of simulated rights, on the policy that Hearth ships, rendered as for an account."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping
from copy import deepcopy
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from hearth.aws import AwsSettings, partition_of
from hearth.preflight import rights
from hearth.preflight.finding import Finding, Verdict
from hearth.profile import Profile
from rehearsal.aws.policy import decide

ROOT = Path(__file__).resolve().parents[3]
ACCOUNT = "123456789012"
REGIONS = ("cn-northwest-1", "us-west-2")
FILLED = {
    "Account": ACCOUNT, "Bucket": "models", "Prefix": "store/", "Key": "key-of-store",
    "NodesRole": "nodes", "VolumesKey": "key-of-volumes", "AirflowRole": "airflow",
    "RejectBucket": "rejects", "RejectKey": "key-of-rejects", "LogBucket": "logs",
    "LogKey": "key-of-logs",
}  # fmt: skip


@cache
def rendered(region: str) -> str:
    values = [f"--set={name}={value}" for name, value in {**FILLED, "Region": region}.items()]
    command = [sys.executable, str(ROOT / "deploy/iam/render"), "airflow", *values]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def shipped(region: str) -> dict[str, Any]:
    policy: dict[str, Any] = json.loads(rendered(region))
    return policy


def changed(policy: Mapping[str, Any], sid: str, **keys: Any) -> dict[str, Any]:
    """The policy, with one statement changed."""
    copy = deepcopy(dict(policy))
    (one,) = [statement for statement in copy["Statement"] if statement["Sid"] == sid]
    one.update(keys)
    return copy


class Simulated:
    """An account in which whoever asks has one policy; AWS's answer as boto3 gives it."""

    def __init__(self, region: str, policy: Mapping[str, Any]) -> None:
        self.region = region
        self.policy = policy

    def call(self, service: str, operation: str, **asked: Any) -> dict[str, Any]:
        partition = partition_of(self.region)
        if operation == "get_caller_identity":
            role = f"arn:{partition}:sts::{ACCOUNT}:assumed-role/airflow/session"
            return {"Arn": role, "Account": ACCOUNT}
        if operation == "get_role":
            return {"Role": {"Arn": f"arn:{partition}:iam::{ACCOUNT}:role/paths/airflow"}}
        if operation == "describe_key":
            name = asked["KeyId"].removeprefix("alias/")
            key = f"arn:{partition}:kms:{self.region}:{ACCOUNT}:key/key-of-{name}"
            return {"KeyMetadata": {"Arn": key}}
        assert (service, operation) == ("iam", "simulate_principal_policy")
        assert asked["PolicySourceArn"].endswith("role/paths/airflow")
        (resource,) = asked["ResourceArns"]
        context = {e["ContextKeyName"]: e["ContextKeyValues"] for e in asked["ContextEntries"]}
        rows = []
        for action in asked["ActionNames"]:
            said = decide(self.policy, action, resource, context)
            below = {
                "EvalResourceName": resource,
                "EvalResourceDecision": said.decision,
                "MissingContextValues": list(said.missing),
            }
            rows.append(
                {
                    "EvalActionName": action,
                    "EvalDecision": said.decision,
                    "ResourceSpecificResults": [below],
                }
            )
        return {"EvaluationResults": rows}

    def regions_of(self, service: str) -> tuple[str, ...]:
        raise AssertionError(service)


def found(region: str, policy: Mapping[str, Any]) -> list[Finding]:
    aws = AwsSettings.model_validate(
        {
            "region": region,
            "kms_key": "alias/volumes",
            "hyperpod": {
                "cluster": "hearth",
                "execution_role": "nodes",
                "lifecycle": {"uri": "s3://sagemaker-x/lifecycle"},
                "groups": [{"name": "w", "instance_type": "ml.p4d.24xlarge", "count": 2}],
            },
        }
    )
    profile = Profile.model_validate(
        {
            "name": "x",
            "storage": {"uri": "s3://models/store", "region": region, "kms_key": "alias/store"},
            "endpoint": {"url": "http://127.0.0.1:1"},
            "aws": aws,
        }
    )
    return list(rights.permissions(profile, aws, Simulated(region, policy)))


def but_passed(findings: list[Finding]) -> Finding:
    (one,) = [finding for finding in findings if finding.verdict is not Verdict.PASS]
    return one


@pytest.mark.parametrize("region", REGIONS)
def test_the_shipped_policy_lets_a_build_do_all_it_does(region: str) -> None:
    findings = found(region, shipped(region))
    assert {one.verdict for one in findings} == {Verdict.PASS}, [str(one) for one in findings]
    said = " ".join(one.detail for one in findings)
    assert all(action in said for action in rights.ACTIONS)


@pytest.mark.parametrize(
    ("sid", "resource"),
    [
        ("ReadStore", "arn:aws:s3:::another/store/*"),
        ("ListStore", "arn:aws:s3:::another"),
        ("StoreKey", f"arn:aws:kms:us-west-2:{ACCOUNT}:key/another"),
        ("VolumesKey", f"arn:aws:kms:us-west-2:{ACCOUNT}:key/another"),
        ("NodesRole", f"arn:aws:iam::{ACCOUNT}:role/another"),
        ("Clusters", f"arn:aws:sagemaker:eu-west-1:{ACCOUNT}:cluster/*"),
    ],
)
def test_a_grant_on_another_thing_is_no_grant(sid: str, resource: str) -> None:
    policy = shipped("us-west-2")
    (statement,) = [one for one in policy["Statement"] if one["Sid"] == sid]
    wrong = but_passed(found("us-west-2", changed(policy, sid, Resource=[resource])))
    assert wrong.verdict is Verdict.FAIL
    assert statement["Action"][0] in wrong.detail
    assert "deploy/iam/render airflow" in wrong.fix


@pytest.mark.parametrize(
    ("sid", "condition"),
    [
        ("ListStore", {"StringLike": {"s3:prefix": ["elsewhere/*"]}}),
        ("StoreKey", {"StringEquals": {"kms:ViaService": "s3.eu-west-1.amazonaws.com"}}),
        ("NodesRole", {"StringEquals": {"iam:PassedToService": "ec2.amazonaws.com"}}),
        ("PreflightLists", {"StringEquals": {"aws:RequestedRegion": "eu-west-1"}}),
    ],
)
def test_a_grant_for_another_request_is_no_grant(sid: str, condition: Any) -> None:
    policy = changed(shipped("us-west-2"), sid, Condition=condition)
    assert but_passed(found("us-west-2", policy)).verdict is Verdict.FAIL


def test_a_condition_on_what_nobody_can_know_cannot_be_told() -> None:
    tagged = {"StringEquals": {"aws:ResourceTag/team": "models"}}
    told = but_passed(
        found("us-west-2", changed(shipped("us-west-2"), "Clusters", Condition=tagged))
    )
    assert told.verdict is Verdict.UNKNOWN
    assert "depends on aws:ResourceTag/team" in told.detail


def test_what_is_denied_is_denied_though_it_is_allowed() -> None:
    policy = shipped("us-west-2")
    no = {"Sid": "No", "Effect": "Deny", "Action": "sagemaker:Delete*", "Resource": "*"}
    policy["Statement"].append(no)
    wrong = but_passed(found("us-west-2", policy))
    assert wrong.verdict is Verdict.FAIL
    assert "may not sagemaker:DeleteCluster, sagemaker:DeleteTags," in wrong.detail
