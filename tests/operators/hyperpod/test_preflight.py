"""The laws of preflight on an emulated account, through boto3."""

from __future__ import annotations

import json
from typing import Any

import boto3
import pytest
from airflow.sdk.exceptions import AirflowFailException
from typer.testing import CliRunner

from hearth.cli import app
from hearth.preflight.finding import Finding, Verdict
from hearth.preflight.run import preflight
from hearth.profile import load_profile
from operators.preflight import PreflightOperator
from rehearsal.aws.faults import FaultKind

REGION = "cn-northwest-1"


class Account:
    """What the account holds, and a profile that names it."""

    def __init__(self, cloud: Any, region: str = REGION) -> None:
        self.cloud = cloud
        self.region = region
        ec2, kms, ecr = (self.client(name) for name in ("ec2", "kms", "ecr"))
        self.vpc = ec2.create_vpc(CidrBlock="10.0.0.0/16")["Vpc"]["VpcId"]
        # Else moto draws the zone by lot, and not every zone offers every type.
        zone = {"AvailabilityZone": f"{region}a"}
        made = ec2.create_subnet(VpcId=self.vpc, CidrBlock="10.0.1.0/24", **zone)
        subnet = made["Subnet"]["SubnetId"]
        self.key = kms.create_key()["KeyMetadata"]["KeyId"]
        ecr.create_repository(repositoryName="hearth-stages")
        kind = "application/vnd.oci.image.manifest.v1+json"
        manifest = {
            "schemaVersion": 2,
            "mediaType": kind,
            "config": {"mediaType": kind, "digest": "sha256:" + "0" * 64, "size": 1},
            "layers": [],
        }
        ecr.put_image(
            repositoryName="hearth-stages", imageManifest=json.dumps(manifest), imageTag="1"
        )
        self.path = cloud.place.config / "profiles" / "test.yaml"
        text = self.path.read_text().replace("subnet-1", subnet)
        text = text.replace("ml.p4d.24xlarge", "ml.g5.xlarge").replace(REGION, region)
        text += f"  kms_key: {self.key}\n  vpc_endpoints: [s3]\n"
        text += '  images: [{repository: hearth-stages, tag: "1"}]\n'
        self.path.write_text(text)

    def client(self, service: str) -> Any:
        return boto3.client(service, region_name=self.region, endpoint_url=self.cloud.aws.url)

    def change(self, old: str, new: str) -> None:
        text = self.path.read_text()
        assert old in text
        self.path.write_text(text.replace(old, new))

    def found(self) -> list[Finding]:
        return preflight(load_profile("test"))

    def verdicts(self, probe: str) -> set[Verdict]:
        return {one.verdict for one in self.found() if one.probe == probe}


@pytest.fixture
def account(cloud: Any) -> Account:
    return Account(cloud)


def test_a_probe_of_each_kind_answers_through_boto3(account: Account) -> None:
    found = account.found()
    told = {one.probe: one.verdict for one in found}
    for probe in (
        "identity",
        "region",
        "permissions",
        "KMS key of the volumes",
        "image",
        "subnets",
    ):
        assert told[probe] is Verdict.PASS, [str(one) for one in found]
    offered = {one.subject: one for one in found if one.probe == "offered"}
    assert "is not offered in cn-northwest-1" in offered["AWS PCS"].detail
    for feature in ("SageMaker HyperPod", "SageMaker training plans", "EC2 capacity blocks"):
        assert "unconfirmed for China" in offered[feature].detail
    assert told["emulator"] is Verdict.UNKNOWN


def test_what_is_missing_fails_by_name(account: Account) -> None:
    account.cloud.aws.deny("sagemaker:BatchReplace*")
    account.change('tag: "1"', 'tag: "2"')
    account.change("count: 2", "count: 300")
    failures = {one.probe: str(one) for one in account.found() if one.verdict is Verdict.FAIL}
    assert "sagemaker:BatchReplaceClusterNodes" in failures["permissions"]
    assert "ImageNotFoundException" in failures["image"]
    assert "has none for s3" in failures["VPC endpoints"]
    assert "ml.g5.xlarge for cluster usage" in failures["quota"]
    assert "free addresses for 301 nodes" in failures["subnets"]


def test_rights_are_those_of_the_policy_and_not_of_the_question(account: Account) -> None:
    key = account.client("kms").describe_key(KeyId=account.key)["KeyMetadata"]["Arn"]
    cluster = [f"sagemaker:{does}Cluster*" for does in ("Create", "Describe", "Update", "Delete")]
    cluster += ["sagemaker:ListCluster*", "sagemaker:Batch*", "sagemaker:Start*", "sagemaker:*Tags"]
    partition = key.split(":")[1]
    grants: list[dict[str, Any]] = [
        {"Action": cluster, "Resource": f"arn:{partition}:sagemaker:*:cluster/*"},
        {"Action": "sagemaker:ListClusters", "Resource": "*"},
        {
            "Action": "iam:PassRole",
            "Resource": f"arn:{partition}:iam::*:role/hearth-nodes",
            "Condition": {"StringEquals": {"iam:PassedToService": "sagemaker.amazonaws.com"}},
        },
        {
            "Action": "kms:CreateGrant",
            "Resource": key,
            "Condition": {"Bool": {"kms:GrantIsForAWSResource": "true"}},
        },
    ]

    def told() -> dict[Verdict, str]:
        account.cloud.aws.policy({"Statement": [{"Effect": "Allow", **one} for one in grants]})
        found = [one for one in account.found() if one.probe == "permissions"]
        assert len(found) == len(grants)
        return {one.verdict: one.detail for one in found}

    assert set(told()) == {Verdict.PASS}
    grants[-1]["Resource"] = key + "x"
    assert told()[Verdict.FAIL] == "may not kms:CreateGrant, for the volumes' key"
    grants[-1] |= {"Resource": key, "Condition": {"StringEquals": {"kms:CallerAccount": "1"}}}
    assert "depends on kms:CallerAccount" in told()[Verdict.UNKNOWN]


def test_an_endpoint_that_is_made_is_seen(account: Account) -> None:
    account.client("ec2").create_vpc_endpoint(
        VpcId=account.vpc, ServiceName=f"com.amazonaws.{REGION}.s3", VpcEndpointType="Gateway"
    )
    assert account.verdicts("VPC endpoints") == {Verdict.PASS}


def test_a_region_without_hyperpod_fails_with_its_fallback(account: Account) -> None:
    account.cloud.aws.fault("ListClusters", FaultKind.UNKNOWN)
    (found,) = [one for one in account.found() if one.subject == "SageMaker HyperPod"]
    assert found.verdict is Verdict.FAIL
    assert "ParallelCluster" in found.fix


def test_an_answer_that_is_denied_is_not_told(account: Account) -> None:
    account.cloud.aws.fault("DescribeSubnets", FaultKind.DENIED, 9)
    assert account.verdicts("subnets") == {Verdict.UNKNOWN}


def test_the_command_and_the_task_fail_where_a_build_would(cloud: Any) -> None:
    # moto knows what EC2 offers where, but for China.
    account = Account(cloud, "us-west-2")
    done = CliRunner().invoke(app, ["preflight", "--profile", "test", "--json"])
    assert done.exit_code == 1
    assert {one["verdict"] for one in json.loads(done.stdout)} == {"pass", "fail", "cannot tell"}
    with pytest.raises(AirflowFailException, match="VPC endpoints"):
        PreflightOperator(task_id="preflight", profile="test").execute({})
    account.change("vpc_endpoints: [s3]", "vpc_endpoints: []")
    counts = PreflightOperator(task_id="preflight", profile="test").execute({})
    assert counts["fail"] == 0
