"""The laws of the policies: every call has a grant, and no grant is wide."""

from __future__ import annotations

import json
import re
import shlex
import subprocess
import sys
from typing import Any

import boto3
import pytest
from botocore.exceptions import BotoCoreError

from hearth.aws import AwsSettings
from hearth.awsapi import Account, AwsUnreachable
from hearth.preflight import rights
from tests.documented import ROOT, Command, commands
from tests.granted import (
    BY_OBSTORE,
    CALLERS,
    IN_REJECTS,
    POLICIES,
    ROLES,
    granted,
    refused,
    role_of,
    statements,
    watched,
    written,
)

ACCOUNT = "1" * 12


def values(role: str, region: str) -> list[str]:
    names = set(re.findall(r"\$\{(\w+)\}", (POLICIES / f"{role}.json").read_text("utf-8")))
    told = {"Region": region, "Account": ACCOUNT, "Prefix": "store/"}
    return [
        word
        for name in sorted(names - {"Partition", "Suffix"})
        for word in ("--set", f"{name}={told.get(name, name.lower())}")
    ]


def rendered(role: str, region: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, POLICIES / "render", role, *values(role, region)]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_there_is_a_policy_for_each_role() -> None:
    assert ROLES == ["airflow", "curate", "people", "serve", "train"]


@pytest.mark.parametrize("role", ROLES)
def test_no_action_is_a_wildcard_and_nothing_is_denied_or_inverted(role: str) -> None:
    for one in statements(role):
        assert set(one) <= {"Sid", "Effect", "Action", "Resource", "Condition"}, one
        assert one["Effect"] == "Allow"
        for action in one["Action"]:
            assert re.fullmatch(r"[a-z0-9-]+:[A-Z][A-Za-z0-9]+", action), action


@pytest.mark.parametrize("role", ROLES)
def test_only_what_has_no_name_is_granted_on_everything(role: str) -> None:
    """Lists, and descriptions of EC2's: they take no resource, so a condition names the region."""
    for one in statements(role):
        if one["Resource"] == ["*"]:
            assert one["Condition"] == {"StringEquals": {"aws:RequestedRegion": "${Region}"}}
            for action in one["Action"]:
                assert re.match(r"(sagemaker|servicequotas):List|ec2:Describe", action), action
        else:
            assert all(r.startswith("arn:${Partition}:") for r in one["Resource"]), one["Sid"]


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_to_the_store_what_obstore_does_for_it_and_no_more(role: str) -> None:
    store = {
        action
        for one in statements(role)
        if any("${Bucket}" in resource for resource in one["Resource"])
        for action in one["Action"]
    }
    assert store - {"s3:AbortMultipartUpload"} == set(BY_OBSTORE[role])


def test_a_role_may_do_to_the_reject_area_what_boto3_does_for_it_and_no_more() -> None:
    for role, wanted in IN_REJECTS.items():
        rejects = {
            action
            for one in statements(role)
            if any("${RejectBucket}" in resource for resource in one["Resource"])
            for action in one["Action"]
        }
        assert rejects == set(wanted), role


def test_what_the_code_names_of_aws_is_granted_to_airflow() -> None:
    asked = written()
    assert len(asked) > 20
    assert {one for needed in asked for one in needed} - granted("airflow") == set()


def test_what_preflight_asks_leave_for_is_granted_to_airflow() -> None:
    assert {*rights.ACTIONS} - granted("airflow") == set()


def test_a_call_from_hearths_code_is_seen_and_one_from_elsewhere_is_not(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("AWS_MAX_ATTEMPTS", "1")
    nowhere = "http://127.0.0.1:9"
    with watched() as asked:
        with pytest.raises(AwsUnreachable):
            Account(
                AwsSettings.model_validate({"region": "us-west-2", "endpoint_url": nowhere})
            ).call("ecr", "describe_images", repositoryName="xx")
        with pytest.raises(BotoCoreError):
            boto3.client(
                "kms", endpoint_url=nowhere, region_name="us-west-2",
                aws_access_key_id="x", aws_secret_access_key="x",  # noqa: S106
            ).list_keys()  # fmt: skip
    assert asked == {("airflow", ("ecr:DescribeImages",))}


@pytest.mark.parametrize(
    ("files", "role"),
    [
        (["hearth/s3.py", "hearth/rejects.py", "hearth/curate/rejects.py"], "curate"),
        (["hearth/s3.py", "hearth/retention.py", "operators/reap.py"], "airflow"),
        (["hearth/profile.py", "hearth/rollout/supervisor.py"], "serve"),
        (["hearth/s3.py"], None),
    ],
)
def test_a_call_is_made_in_the_role_of_the_program_that_makes_it(
    files: list[str], role: str | None
) -> None:
    assert role_of([str(ROOT / name) for name in files]) == role


def test_a_call_without_a_grant_in_its_role_is_refused_though_another_has_it() -> None:
    create = ("sagemaker:CreateCluster",)
    assert refused({("airflow", create), (None, create)}) == []
    assert refused({("curate", create)}) == [("curate", create)]
    assert refused({(None, ("iam:CreateUser",))}) == [(None, ("iam:CreateUser",))]


def test_every_role_that_code_may_run_under_has_a_policy_and_every_folder_is_there() -> None:
    assert set(CALLERS.values()) <= set(ROLES)
    assert [name for name in CALLERS if not (ROOT / name).exists()] == []


@pytest.mark.parametrize("region", ["cn-northwest-1", "us-west-2"])
@pytest.mark.parametrize("role", ROLES)
def test_a_policy_is_filled_in_for_the_partition_of_its_region(role: str, region: str) -> None:
    done = rendered(role, region)
    assert done.returncode == 0, done.stderr
    policy: dict[str, Any] = json.loads(done.stdout)
    partition = {"cn-northwest-1": "aws-cn", "us-west-2": "aws"}[region]
    for one in policy["Statement"]:
        assert all(r == "*" or r.split(":")[1] == partition for r in one["Resource"])
    assert "${" not in done.stdout
    # https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_iam-quotas.html
    assert len(re.sub(r"\s", "", done.stdout)) <= 6144


@pytest.mark.parametrize(
    "command",
    [it for it in commands() if "render" in it.words[0] and "…" not in it.text],
    ids=lambda command: command.text[:24],
)
def test_a_documented_command_fills_a_policy_in(command: Command) -> None:
    text = command.text.replace("$AWS_REGION", "cn-north-1").replace("$ACCOUNT", ACCOUNT)
    words = shlex.split(text.partition(">")[0])
    done = subprocess.run(
        [sys.executable, *words], capture_output=True, text=True, timeout=60, check=False, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr
    assert f":{ACCOUNT}:" in done.stdout


@pytest.mark.parametrize("role", ROLES)
def test_the_page_on_china_says_which_names_a_role_wants(role: str) -> None:
    page = (ROOT / "docs" / "aws-china.md").read_text("utf-8")
    (row,) = re.findall(rf"^\| `{role}` \|.*\| (.*) \|$", page, re.MULTILINE)
    wanted = set(re.findall(r"\$\{(\w+)\}", (POLICIES / f"{role}.json").read_text("utf-8")))
    common = {"Partition", "Suffix", "Region", "Account", "Bucket", "Prefix", "Key"}
    assert set(re.findall(r"`(\w+)`", row)) == wanted - common


def test_a_policy_with_a_blank_is_not_filled_in() -> None:
    command = [sys.executable, POLICIES / "render", "serve", "--set", "Region=us-west-2"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert "Account, Bucket, Key, Prefix" in done.stderr
